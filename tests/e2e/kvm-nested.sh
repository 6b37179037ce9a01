#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hull on real KVM, wherever this runs: an emulated guest whose processor has SVM loads kvm_amd and runs
# hull itself, which must choose KVM and boot a VM on it.
. "$(dirname "$0")/functions.sh"

build=$(dirname "$HULL")
modules=$(echo "$build"/guest/kernel/modules/*)
[ -e "$modules/modules.dep" ] || skip "the guest's modules are not unpacked in '$build/guest/kernel'"

cat >inner.sh <<'E2'
set -e
modprobe kvm_amd
ls -l /dev/kvm >&2
chmod 666 /dev/kvm # the hypervisor runs as nobody in particular
export HULL_HOME=/tmp/hull
/srv/hull/hull run --net none --boot-timeout 200s -- sh -c 'dmesg | grep -o "Hypervisor detected.*"; uname -n; echo $((6 * 7))'
[ -z "$(ls /tmp/hull/run/vm)" ]
E2
expect 0 "$HULL" run --net none --accel tcg --cpu max,+svm -m 1500M -v "$build:/srv/hull:ro" \
	-v "$modules:/lib/modules/${modules##*/}:ro" -v "$PWD/inner.sh:/srv/inner.sh:ro" -- sh /srv/inner.sh
is out 'Hypervisor detected: KVM
hull
42'
