#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hull on real KVM, wherever this runs: an emulated guest whose processor has SVM loads kvm_amd and runs
# hull itself, which must choose KVM once it may, and boot a VM on it.  The clock of that host may be
# set: the VM there must not mind, and its own clock follow.
. "$(dirname "$0")/functions.sh"

build=$(dirname "$HULL")
modules=$(echo "$build"/guest/kernel/modules/*)
[ -e "$modules/modules.dep" ] || skip "the guest's modules are not unpacked in '$build/guest/kernel'"

cat >inner.sh <<'E2'
set -e
export HULL=/srv/hull/hull HULL_HOME=/tmp/hull TMPDIR=/tmp
cd /tmp

give_up()
{
	echo "$*" >&2
	cat run.out run.err >&2
	exit 1
}

await()
{
	tries=600
	until grep -q "$1" run.out; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 $run 2>/dev/null || give_up "waiting for '$1'"
		sleep 0.1
	done
}

# What of KVM can be wrong, and that to do as the hint says mends it.
modprobe kvm_amd
HULL_FAULT='kvm-*' sh /srv/e2e/failures-host.sh >&2
chmod 600 /dev/kvm
$HULL doctor >doctor.out || :
grep -A1 '^warning *acceleration .*closed to unprivileged users' doctor.out | grep -q 'fix: let a group' ||
	give_up "$(cat doctor.out)"
chgrp 4711 /dev/kvm
chmod 660 /dev/kvm

mkfifo told
$HULL run -i --net none --boot-timeout 100s --timeout 200s -- sh -c '
	dmesg | grep -o "Hypervisor detected.*"
	uname -n
	echo $((6 * 7))
	while read -r told; do
		tries=600
		until off=$(($(date +%s) - told)) && [ $off -ge -2 ] && [ $off -le 30 ]; do
			tries=$((tries - 1))
			[ $tries -gt 0 ] || exit 9
			sleep 0.1
		done
		echo followed $told
	done' <>told >run.out 2>run.err &
run=$!
sleep 0.5
date -s "@$(($(date +%s) + 86400))" >/dev/null # while it boots
await 42
for jump in 864000 -1728000; do
	now=$(($(date +%s) + jump))
	date -s "@$now" >/dev/null
	echo $now >told
	await "followed $now"
done
kill -TERM $run
wait $run || :
grep -v followed run.out
[ -z "$(ls /tmp/hull/run/vm)" ]
E2
expect 0 "$HULL" run --net none --accel tcg --cpu max,+svm -m 1500M -v "$build:/srv/hull:ro" \
	-v "$(dirname "$script"):/srv/e2e:ro" -v "$modules:/lib/modules/${modules##*/}:ro" \
	-v "$PWD/inner.sh:/srv/inner.sh:ro" -- sh /srv/inner.sh
is out 'Hypervisor detected: KVM
hull
42'
