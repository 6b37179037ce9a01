#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guests with hull's agent that reboot: in place, as often as they like, with everything that the machine is
# connected to; and those that are told from it, that panic, power off or do not come back.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/device.sh"
. "$(dirname "$script")/detached.sh"
requires socat
on_reboot='"on_reboot":"reboot"'

# again : the guest that has been told to reboot is ready again, for the $booted. time, in the same machine
booted=0
again()
{
	booted=$((booted + 1))
	wait_for 100 rebooted
	patient "$C" ready agent 200000
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
vm_start "$on_reboot,\"boot_timeout_ms\":$boot_ms,$host_root,\"networks\":[{}],\"devices\":[$port],
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
open=$(descriptors)
as_many_open()
{
	[ "$(descriptors)" -eq "$open" ]
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

# What is on a disk stays there, though it is thrown away in the end.
detached "$on_reboot,$host_root,\"disks\":[{\"scratch\":\"64M\",\"serial\":\"hull-scratch\"}]"
guest 'echo kept >/etc/left'
ctl 0 "$V" poweroff --reboot
wait_for 100 state_is starting
patient "$C" ready agent 200000
guest 'cat /etc/left'
is out kept
"$hullctl" "$V" create off sh -c 'echo o >/proc/sysrq-trigger; sleep 1000' && "$hullctl" "$V" start off >/dev/null
recorded shutdown
[ "$(field reboots)" = 1 ] || fail "exit.json: $(cat "$R/exit.json")"

# So it is where the hypervisor serves the host's directories by itself, which it does for ordinary users.
[ "$(id -u)" -eq 0 ] || {
	detached "$on_reboot,$host_root,$modules_disk,\"share_driver\":\"9p\",\"shares\":[{\"source\":\"$T/data\",\"target\":\"/data\"}]"
	guest 'cat /data/file; exec 3</data/file; sync'
	ctl 0 "$V" poweroff --reboot
	wait_for 100 state_is starting
	patient "$C" ready agent 200000
	guest 'cat /data/file; uname -n >/data/by-9p'
	is out host
	is data/by-9p hull
	ctl 0 "$C" stop
}

detached "$on_reboot,$host_root"
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
detached "$on_reboot"
ctl 0 "$V" poweroff --reboot
wait_for 100 state_is starting
begun=$(date +%s)
kill -STOP "$hypervisor"
patient "$C" wait
took=$(($(date +%s) - begun))
has out reason=agent-silent
[ "$took" -ge 35 ] && [ "$took" -le 60 ] || fail "a boot that hangs took $took s"
