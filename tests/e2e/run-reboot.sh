#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guests that reboot: in place, as often as they like, with everything that the machine is connected to; and
# those that are told from it: that panic, power off, do not come back or may not.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/initramfs.sh"
requires socat curl

# field NAME : of ./out, lines NAME=value
field()
{
	sed -n "s/^$1=//p" out
}

state_is()
{
	ctl 0 "$C" status
	[ "$(field state)" = "$1" ]
}

boot_ms=200000

# again : the guest that has been told to reboot is ready again, for the $booted. time, in the same machine
booted=0
again()
{
	booted=$((booted + 1))
	wait_for 100 rebooted
	expect 0 timeout 250 "$hullctl" "$C" ready agent 200000
	ctl 0 "$C" ready network 60000
	ctl 0 "$C" status
	[ "$(field state) $(field reboots) $(field hypervisor_pid)" = "running $booted $hypervisor" ] || fail "status: $(cat out)"
	[ "$(field agent_ready_at_ns)" -gt "$ready_at" ] || fail "ready at $(field agent_ready_at_ns), as before: $ready_at"
	ready_at=$(field agent_ready_at_ns)
}

rebooted()
{
	ctl 0 "$C" status
	[ "$(field reboots)" = "$booted" ]
}

# The guest's own idea of which boot it is.
boot_id()
{
	guest 'cat /proc/sys/kernel/random/boot_id'
	cat out
}

# ---- three times, in different ways; shares, network, vsock and console go on ----

mkdir data
echo host >data/file
port="{\"kind\":\"virtio-vsock\",\"port\":3000,\"path\":\"$T/vsock\",\"listen\":false}"
vm_start "\"on_reboot\":\"reboot\",\"boot_timeout_ms\":$boot_ms,$host_root,\"networks\":[{}],\"devices\":[$port],
	\"shares\":[{\"source\":\"$T/data\",\"target\":\"/data\"}]"
ctl 0 "$C" status
hypervisor=$(field hypervisor_pid)
ready_at=$(field agent_ready_at_ns)
helpers=$(pgrep -P "$(monitor)" | sort | tr '\n' ' ')
socat -u "UNIX-CONNECT:$R/console.sock" - >console 2>/dev/null &
console=$!
on_exit 'kill $console 2>/dev/null' # shellcheck disable=SC2016
first=$(boot_id)
keeper=$(monitor)
descriptors=$(find "/proc/$keeper/fd" -mindepth 1 | wc -l)
as_many_open()
{
	[ "$(find "/proc/$keeper/fd" -mindepth 1 | wc -l)" -eq "$descriptors" ]
}
guest 'echo forgotten >/root/file 2>/dev/null || echo forgotten >/tmp/file'

# What runs in it ends, with all it has said, and an error.
session talker sh -c 'seq 1 20000; echo the end; exec sleep 1000'
follow talker talk
shows talk 'the end'
session listener socat VSOCK-LISTEN:3000,fork EXEC:cat
wait_for 30 sh -c 'echo hi | timeout 20 socat -t 20 - UNIX-CONNECT:vsock | grep -q hi'
socat -u UNIX-CONNECT:vsock,retry=3 - >/dev/null 2>&1 &
vsock_client=$!
"$hullctl" "$V" wait talker >waited 2>waited.err &
waiter=$!
"$hullctl" "$C" ready network >/dev/null || fail 'it was ready'
expect 1 timeout 200 "$hullctl" "$V" exec last sh -c 'echo last words; echo again >/dev/console; echo b >/proc/sysrq-trigger; sleep 1000'
has out 'last words'
has err 'UNAVAILABLE'
wait "$waiter" && fail "a session that has gone was waited for: $(cat waited)"
has waited.err 'UNAVAILABLE'
wait "$follower"
[ "$(wc -l <talk)" -eq 20001 ] || fail "of the output there are $(wc -l <talk) lines"
again
wait "$vsock_client"
[ "$(pgrep -P "$(monitor)" | sort | tr '\n' ' ')" = "$helpers" ] || fail "other helpers: $(pgrep -aP "$(monitor)")"
guest 'cat /data/file; echo guest >/data/made; cat /root/file /tmp/file 2>/dev/null; ip -o address show eth0 | grep -c inet; true'
[ "$(head -n 1 out)" = host ] || fail "the share has $(cat out)"
lacks out forgotten
[ "$(tail -n 1 out)" -ge 1 ] || fail "the network has $(cat out)"
is data/made guest
second=$(boot_id)
[ "$first" != "$second" ] || fail "the guest has not booted again"
session listener socat VSOCK-LISTEN:3000,fork EXEC:cat
wait_for 30 sh -c 'echo hi | timeout 20 socat -t 20 - UNIX-CONNECT:vsock | grep -q hi'

# In order, as its agent does it; between the two it is not ready, and who waits is told when it is.
ctl 0 "$V" poweroff --reboot
wait_for 100 state_is starting
[ "$(field agent_ready_at_ns) $(field network_ready_at_ns)" = '0 0' ] || fail "status: $(cat out)"
kill -STOP "$hypervisor"
ctl 1 "$C" ready agent 100
has err 'TIMEOUT [not-ready]'
ctl 1 "$C" pause
has err 'STATE [not-running]'
timeout 250 "$hullctl" "$V" health >health 2>&1 & # this client waits for the agent
early=$!
sleep 0.3
kill -CONT "$hypervisor"
again
wait "$early" || fail "who came early: $(cat health)"
is health SERVING
[ "$(boot_id)" != "$second" ] || fail "the guest has not booted again"

# A third time; the clock is right, and pausing works as before.
ctl 0 "$V" poweroff --reboot
again
ctl 0 "$C" pause
ctl 0 "$C" resume
guest 'cat /data/made'
is out guest
ctl 0 "$V" info
off=$(($(date +%s) - $(field realtime_ns) / 1000000000))
[ "$off" -ge -5 ] && [ "$off" -le 5 ] || fail "the guest's clock is off by $off s"
has console again
wait_for 10 grep -q again "$R/console.log"
[ -n "$(pgrep -P "$(monitor)" -x hull-vsock)" ] || fail 'no hull-vsock'

wait_for 10 as_many_open

# A panic is no reboot, though it looks like one.
session panic sh -c 'echo c >/proc/sysrq-trigger; sleep 1000'
vm_ended panic
has vm.out 'sysrq triggered crash'
[ ! -e vsock ] || fail 'a socket is left'

# ---- one that is to be stopped is not reset instead, nor one that powers off; detached, it is recorded ----

detached()
{
	ctl 0 start --detached "\"on_reboot\":\"reboot\",\"boot_timeout_ms\":$boot_ms,$1"
	vm_at "$(cat out)"
	ctl 0 "$C" status
	hypervisor=$(field hypervisor_pid)
}

# What a failure leaves running.
sweep()
{
	for dir in "$HULL_HOME"/run/vm/*/; do
		"$hullctl" "${dir}control.sock" stop >/dev/null 2>&1
	done
	rm -rf "$HULL_HOME"/run/vm/*
}
on_exit sweep

# What is on a disk stays there, though it is thrown away in the end.
detached "$host_root,\"disks\":[{\"scratch\":\"64M\",\"serial\":\"hull-scratch\"}]"
guest 'echo kept >/etc/left'
ctl 0 "$V" poweroff --reboot
wait_for 100 state_is starting
expect 0 timeout 250 "$hullctl" "$C" ready agent 200000
guest 'cat /etc/left'
is out kept
"$hullctl" "$V" create off sh -c 'echo o >/proc/sysrq-trigger; sleep 1000' && "$hullctl" "$V" start off >/dev/null
wait_for 100 test -e "$R/exit.json"
grep -q '"reason":"shutdown".*"reboots":1' "$R/exit.json" || fail "exit.json: $(cat "$R/exit.json")"

boot_ms=200000
detached "$host_root"
ctl 0 "$V" poweroff --reboot
wait_for 100 state_is starting
kill -STOP "$hypervisor"
timeout 60 "$hullctl" "$C" ready agent >waits 2>&1 &
waiter=$!
sleep 0.3
ctl 0 "$C" stop 60000
has out reason=stopped
wait "$waiter" && fail 'a VM that was stopped became ready'
has waits 'UNAVAILABLE [stopped]'

# ---- it has as much time to come back as it had at first ----

boot_ms=40000
detached '"rng":true'
ctl 0 "$V" poweroff --reboot
wait_for 100 state_is starting
begun=$(date +%s)
kill -STOP "$hypervisor"
expect 0 timeout 250 "$hullctl" "$C" wait
took=$(($(date +%s) - begun))
has out reason=agent-silent
[ "$took" -ge 35 ] && [ "$took" -le 60 ] || fail "a boot that hangs took $took s"

# ---- systems of their own: three reboots, then power off; a kernel that hull boots ends by default, vfkit's goes on ----

initramfs virtio_pci virtio_mmio virtio_blk <<'END'
if grep -q ask /proc/cmdline; then
	echo asks
	read -r line </dev/console
	echo b >/proc/sysrq-trigger
fi
n=$(($(head -c 1 /dev/vda) + 1))
echo "boot $n"
echo "$n" | dd of=/dev/vda conv=sync,fsync 2>/dev/null
[ "$n" -lt 4 ] && echo b >/proc/sysrq-trigger || echo o >/proc/sysrq-trigger
sleep 600
END

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

own="--agent none --kernel $guest/vmlinuz --initrd initrd --device virtio-blk,path=disk.raw"
new_disk
# shellcheck disable=SC2086
expect 0 timeout 250 "$HULL" run $own
boots '1 ' out
new_disk
# shellcheck disable=SC2086
expect 0 timeout 250 "$HULL" run $own --on-reboot reboot
boots '1 2 3 4 ' out
new_disk
timeout 250 "$HULL" vfkit -k "$guest/vmlinuz" -i initrd -C quiet -d virtio-blk,path=disk.raw \
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

detached "\"agent\":\"none\",\"kernel\":\"$guest/vmlinuz\",\"initrd\":\"$T/initrd\",\"append\":[\"ask\"]"
wait_for 100 grep -q asks "$R/console.log"
timeout 250 "$hullctl" "$C" stop 200000 >stopped 2>&1 &
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
