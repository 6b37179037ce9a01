#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Directories as devices: guests mount them by their tags, with hull's agent in them and without one, on both machines
# and by vfkit's command line.  They write with the rights of who owns the directory, and neither devices nor
# set-user-ID programs come to be; a daemon that dies ends the VM.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/initramfs.sh"
. "$(dirname "$script")/denied.sh"
me=$(id -u)
started=
on_exit 'kill -9 $started 2>/dev/null' # shellcheck disable=SC2016

mkdir work 'da,ta'
echo host >work/file
echo two >'da,ta/file'
echo closed >work/closed
chmod 0 work/closed

# What root of a guest does in the directory $at; $by names who did it.
deeds='
cd $at; cat file; stat -c "%u %g" . file
echo guest >made-$by; chown 5:6 made-$by; chmod 6755 made-$by; stat -c "%a %u" made-$by
mkdir dir-$by; ln -s file dir-$by/link; mv dir-$by moved-$by; ls moved-$by
cat closed 2>/dev/null || echo refused
mknod dev-$by c 1 3 2>/dev/null; mknod disk-$by b 8 0 2>/dev/null
ls ..; cd /'

# done_by NAME FILE : what it printed, with what is beside the directory, and what has come to be on the host
done_by()
{
	is "$2" "host
0 0
0 0
755 0
link
refused
one
two"
	is "work/made-$1" guest
	[ "$(stat -c '%a %u' "work/made-$1")" = "755 $me" ] || fail "the host has $(ls -ln work)"
	[ "$(readlink "work/moved-$1/link")" = file ] || fail "the host has $(ls -ln work/*)"
	[ -z "$(find work -type b -o -type c -o -perm /6000 -type f)" ] || fail "came to be: $(ls -ln work)"
}

# ---- with hull's agent ----

# Two at once, the tag of one being the directory's name as it is given.  What the host changes is seen.
ln -s work link
mkfifo turn
for machine in microvm q35; do
	rm -f out # what is waited for is not the last round's
	timeout 100 "$HULL" run -i --machine $machine --device virtio-fs,sharedDir=work,mountTag='t g' \
		--device virtio-fs,sharedDir=./link/ -- sh -c "mkdir -p /fs/one /fs/two
		mount -t virtiofs 't g' /fs/one && mount -t virtiofs link /fs/two && at=/fs/two by=$machine && $deeds
		read -r go; cat /fs/one/later /fs/two/later; umount /fs/one; ls /fs/one
		mount -t virtiofs work /fs/one 2>/dev/null || echo none; mount -t virtiofs link /fs/one && cat /fs/one/file" \
		<turn >out 2>err &
	started=$!
	exec 9>turn
	wait_for 100 grep -qx two out
	done_by $machine out
	echo "later $machine" >work/later
	echo go >&9
	exec 9>&-
	wait "$started" || fail "on $machine: $(cat out err)"
	started=
	sed 1,8d out >last
	is last "later $machine
later $machine
none
host"
done

# One that is not to be written to is refused by the host, whatever the guest mounts it as.
echo kept >work/kept
expect 0 timeout 100 "$HULL" run --device virtio-fs,sharedDir=work,readonly -- sh -c 'mkdir /fs
	mount -t virtiofs -o rw work /fs && cat /fs/kept; echo lost >/fs/kept; rm -f /fs/kept; mkdir /fs/made; mount -o remount,rw /fs
	echo lost >/fs/kept; grep -c " /fs virtiofs rw" /proc/mounts'
is out 'kept
1'
[ "$(cat work/kept)" = kept ] && [ ! -e work/made ] || fail "the host has $(ls -ln work)"

# ---- without an agent ----

# It mounts both, does its deeds, and powers off unless it is to stay.
initramfs virtio_pci virtio_mmio virtiofs <<END
mkdir -p /fs/one /fs/two
by=\$(sed 's/.*by=\([a-z0-9]*\).*/\1/' /proc/cmdline)
mount -t virtiofs one /fs/one
mount -t virtiofs 'da,ta' /fs/two || mount -t virtiofs two /fs/two
{ at=/fs/one$deeds
} >/fs/two/said-\$by
echo \$by >/fs/two/made-\$by
sync
grep -q stay /proc/cmdline || echo o >/proc/sysrq-trigger
sleep 600
END
[ "$me" -ne 0 ] || chown 12345:54321 'da,ta'
owner=$(stat -c '%u %g' 'da,ta')

# both_by NAME DIRECTORY
both_by()
{
	done_by "$1" "$2/said-$1"
	[ "$(stat -c '%u %g' "$2/made-$1")" = "$owner" ] || fail "the host has $(ls -ln "$2")"
}

# By hull's own description, in which a path is relative to it and a tag may have a comma.
for machine in microvm q35; do
	cat >vm.json <<END
{"version": 1, "kernel": "$guest/vmlinuz", "initrd": "initrd", "append": ["quiet", "by=bare$machine"], "agent": "none",
 "machine": "$machine", "devices": [{"kind": "virtio-fs", "dir": "work", "tag": "one"}, {"kind": "virtio-fs", "dir": "da,ta"}]}
END
	expect 0 timeout 100 "$HULL" run --config vm.json
	both_by bare$machine 'da,ta'
done

mv 'da,ta' two
linux="-k $guest/vmlinuz -i initrd"
expect 0 timeout 100 "$HULL" vfkit $linux -C 'quiet by=vfkit' -d virtio-fs,sharedDir=work,mountTag=one -d virtio-fs,sharedDir=two/
both_by vfkit two

# Without its daemon the guest would wait for ever.
"$HULL" vfkit $linux -C 'quiet by=killed stay' -d virtio-fs,sharedDir=work,mountTag=one -d virtio-fs,sharedDir=two >out 2>err &
started=$!
wait_for 100 test -s two/made-killed
for pid in $(our_processes); do
	[ "$(cat "/proc/$pid/comm")" != virtiofsd ] || daemon=$pid
done
kill -9 "$daemon"
code=0
wait "$started" || code=$?
started=
[ "$code" -eq 1 ] || fail "it exited with $code: $(cat err)"
has err 'share daemon (virtiofsd) was killed by signal 9'

# ---- what can't be ----

# refused TEXT DEVICE... : by "hull run"
refused()
{
	text=$1
	shift
	devices=
	for device in "$@"; do devices="$devices --device virtio-fs$device"; done
	# shellcheck disable=SC2086 # a list
	expect 125 timeout 60 "$HULL" run $devices -- true
	has err "$text"
}
mkdir hull.share0
long=$(printf '%037d' 0)
refused "virtio-fs: 'sharedDir' is needed" ,mountTag=x
refused "open 'none': No such file or directory" ,sharedDir=none
refused "'work/file' is not a directory" ,sharedDir=work/file
refused "devices[1].tag: 'work' is that of devices[0] already" ,sharedDir=work ,sharedDir=two/../work
refused "devices[0].tag: '$long' has 37 bytes, and 36 is the most" ",sharedDir=work,mountTag=$long"
refused "devices[0].tag: 'hull.share0': what begins with 'hull.'" ,sharedDir=hull.share0
has err 'mountTag'
rmdir hull.share0

# described TEXT DEVICE : by a description, or vfkit's
described()
{
	printf '{"version":1,"devices":[{"kind":"virtio-rng"},{"kind":"virtio-fs",%s}]}\n' "$2" >vm.json
	expect 125 timeout 60 "$HULL" run --config vm.json -- true
	has err "$1"
}
described "devices[1].dir: missing" '"tag":"x"'
described "devices[1].dir: open '$T/none': No such file or directory" '"dir":"none"'
has err "mkdir -p '$T/none'"
described "devices[1].dir: '$T/work/file' is not a directory" '"dir":"work/file"'
described "devices[1].tag: control characters" '"dir":"work","tag":"a\nb"'
expect 1 "$HULL" vfkit $linux -C quiet -d virtio-fs,sharedDir=none
has err "devices[0].dir: open '$T/none': No such file or directory"
expect 1 "$HULL" vfkit $linux -C quiet -d virtio-fs,mountTag=x
has err 'devices[0].dir: missing'

# 9p is no virtiofs.
expect 125 "$HULL" run --share-driver 9p --device virtio-fs,sharedDir=work -- true
has err "devices[0]: the guest mounts it as virtiofs, which share driver '9p' does not serve"
if [ "$me" -ne 0 ]; then
	expect 125 denied "$HULL" run --device virtio-fs,sharedDir=work -- true
	has err 'devices[0]: a device virtio-fs needs virtiofsd, which can'"'"'t work here: make a user and mount namespace'
	has err user.max_user_namespaces
	expect 1 denied "$HULL" vfkit $linux -C quiet -d virtio-rng -d virtio-fs,sharedDir=work
	has err 'devices[1]: a device virtio-fs needs virtiofsd'
	mkdir closed
	chmod 0 closed
	refused "open 'closed/x': Permission denied" ,sharedDir=closed/x
fi
