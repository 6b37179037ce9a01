#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A C program runs VMs that belong to it, as instances: with disks, directories and a network device, by the
# services of their agent; nothing of them is left, whatever ends the program.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/library.sh"
requires mke2fs
busybox=$(command -v busybox) || skip "no busybox"

mkdir -p state work kept root/bin
cp "$busybox" root/bin/busybox
for applet in cat grep head ip tail tr udhcpc; do
	ln -s busybox root/bin/$applet
done
mke2fs -q -t ext4 -d root disk.img 8M >/dev/null || fail "can't make a disk"
echo 'what is described' >part
truncate -s 1M part
printf '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="twoGbMaxExtentFlat"\n' >disk.vmdk
printf 'RW 2048 FLAT "%s" 0\nRW 2048 ZERO\n' "$T/part" >>disk.vmdk
echo noted >kept/note

library_program libhull-instance
expect 0 timeout 280 bin/libhull-instance state disk.img disk.vmdk work kept
is out good
is err ''
[ "$(cat work/made)" = 'from the guest' ] || fail "the share holds $(ls work)"
[ "$(cat kept/note)" = noted ] || fail "what was to be kept holds $(cat kept/note)"
grep -q 'said on the console' state/console.log || fail "the log says: $(cat state/console.log)"

library_program example-instance
mkdir example
expect 0 timeout 100 bin/example-instance example
is out 'the agent is well'
is err ''
expect 1 bin/example-instance nonesuch
has err "use state directory 'nonesuch'"

# hold : a VM of a program that waits for a line
mkfifo line
hold()
{
	: >out
	bin/libhull-instance state disk.img disk.vmdk work kept hold <>line >out 2>err &
	pid=$!
	wait_for 300 grep -qx held out
	[ "$(ls "$HULL_HOME/run/vm" | wc -l)" -eq 1 ] || fail "not one VM: $(ls "$HULL_HOME/run/vm")"
}
nothing_lives()
{
	[ -z "$(ls "$HULL_HOME/run/vm")" ]
}
on_exit 'kill -9 $pid 2>/dev/null'

# One whose process is killed goes with it.
hold
kill -9 "$pid"
wait "$pid" 2>/dev/null
wait_for 100 nothing_lives

# One whose monitor is stopped is shut down all the same.
hold
kill -STOP "$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$HULL_HOME"/run/vm/*/monitor.json)"
echo >line
wait "$pid" || fail "shutdown: $(cat err)"
nothing_lives || fail "left: $(ls "$HULL_HOME/run/vm")"
