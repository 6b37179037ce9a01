#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Systems without hull's agent that reboot: of a kernel that hull boots, which ends by default, and of vfkit's machines,
# which go on; and where it makes no sense.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/detached.sh"
. "$(dirname "$script")/initramfs.sh"
requires socat curl

# Three reboots, then it powers off.
initramfs virtio_pci virtio_mmio virtio_blk <<'END'
if grep -q ask /proc/cmdline; then
	echo "type now"
	read -r line </dev/console
	echo b >/proc/sysrq-trigger
fi
n=$(($(head -c 1 /dev/vda) + 1))
echo "boot $n"
echo "$n" | dd of=/dev/vda conv=sync,fsync 2>/dev/null
[ "$n" -lt 4 ] && echo b >/proc/sysrq-trigger || echo o >/proc/sysrq-trigger
sleep 600
END

kernel=$(dirname "$guest")/vmlinux # the same, and up sooner

# boots N FILE : so many, as the console in FILE has them
boots()
{
	tr -d '\r' <"$2" | sed -n 's/^boot //p' | tr '\n' ' ' >boots
	is boots "$1"
}

new_disk()
{
	printf 0 >disk.raw
	truncate -s 1M disk.raw
}

own="--agent none --kernel $kernel --initrd initrd --device virtio-blk,path=disk.raw"
new_disk
# shellcheck disable=SC2086
expect 0 timeout 250 "$HULL" run $own
boots '1 ' out
new_disk
# shellcheck disable=SC2086
expect 0 timeout 250 "$HULL" run $own --on-reboot reboot
boots '1 2 3 4 ' out
new_disk
timeout 250 "$HULL" vfkit -k "$kernel" -i initrd -C quiet -d virtio-blk,path=disk.raw \
	--restful-uri "unix://$T/api.sock" >out 2>err &
vfkit=$!
wait_for 60 grep -q 'serial console is' err
socat -u "UNIX-CONNECT:$(sed -n "s/.*serial console is '\(.*\)'/\1/p" err)" - >vfkit.console 2>/dev/null &
reader=$!
wait_for 100 grep -q 'boot 2' vfkit.console
curl -s --unix-socket api.sock http://vm/vm/state >state
has state '"state":"VirtualMachineState'
lacks state Stopp
wait "$vfkit" || fail "hull vfkit: $(cat err)"
wait "$reader"
boots '1 2 3 4 ' vfkit.console

# ---- one that reboots where it was asked to power off is not wanted back ----

detached "\"on_reboot\":\"reboot\",\"agent\":\"none\",\"kernel\":\"$kernel\",\"initrd\":\"$T/initrd\",\"append\":[\"ask\"]"
wait_for 100 grep -q "type now" "$R/console.log"
timeout 120 "$hullctl" "$C" stop 200000 >stopped 2>&1 &
stopper=$!
sleep 1
kill -0 $stopper || fail "it has powered off: $(cat stopped)"
echo go | socat -t 20 - "UNIX-CONNECT:$R/console.sock" >/dev/null
wait $stopper || fail "stop: $(cat stopped)"
has stopped reason=stopped
has stopped reboots=0

# ---- what makes no sense ----

expect 125 "$HULL" run --on-reboot reboot -- uname
has err 'a command ends with the guest'
expect 125 "$HULL" run --on-reboot never -- uname
has err "'never'"
# shellcheck disable=SC2086
expect 125 "$HULL" run $own --on-reboot reboot --gdb
has err 'under a debugger'
