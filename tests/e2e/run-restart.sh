#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# VMs that are started anew when they have ended by themselves: by which ends, how often, in which order; what is
# told meanwhile, and that whoever stops one has stopped it.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/detached.sh"
. "$(dirname "$script")/initramfs.sh"
requires curl

restarted()
{
	ctl 0 "$C" status
	[ "$(field restarts)" = "$1" ]
}

# again N REASON : it has been started anew for the Nth time, since REASON, and is ready
again()
{
	wait_for 60 restarted "$1"
	patient "$C" ready agent 200000
	ctl 0 "$C" status
	[ "$(field state) $(field restarts) $(field restart_reason) $(field restart_at_ns)" = "running $1 $2 0" ] ||
		fail "status: $(cat out)"
	[ "$(field hypervisor_pid)" != "$hypervisor" ] && [ ! -e "/proc/$hypervisor" ] || fail "the old hypervisor: $(cat out)"
	[ "$(field monitor_pid)" = "$keeper" ] || fail "another monitor: $(cat out)"
	hypervisor=$(field hypervisor_pid)
}

# The monitor holds no more than before.
settled()
{
	open=$(descriptors)
	sleep 0.5
	[ "$(descriptors)" -eq "$open" ]
}
as_many_open()
{
	[ "$(descriptors)" -eq "$open" ] || {
		echo "$(descriptors) descriptors, not $open"
		return 1
	}
}

# over REASON RESTARTS : it has ended for good; the record is in ./out
over()
{
	recorded "$1"
	[ "$(field restarts)" = "$2" ] || fail "ended with $(cat out)"
}

# ---- a panic, then a daemon that dies; what the VM is connected to is there again; a power-off ends it ----

mkdir data
echo host >data/file
port="{\"kind\":\"virtio-vsock\",\"port\":3000,\"path\":\"$T/vsock\",\"listen\":false}"
detached "\"restart\":{\"policy\":\"on-failure\"},$host_root,\"networks\":[{}],\"devices\":[$port,{\"kind\":\"virtio-serial\",\"log\":\"$T/log\"}],
	\"disks\":[{\"scratch\":\"64M\",\"serial\":\"hull-scratch\"}],\"shares\":[{\"source\":\"$T/data\",\"target\":\"/data\"}]"
guest 'echo forgotten >/etc/left; echo first >/dev/hvc0; sync'
wait_for 10 settled
session panic sh -c 'sleep 1; echo c >/proc/sysrq-trigger; sleep 1000'
"$hullctl" "$V" wait panic >waited 2>waited.err &
waiter=$!
patient "$C" status
wait "$waiter" && fail "a session that has gone was waited for: $(cat waited)"
has waited.err UNAVAILABLE
again 1 panic
case $(field restart_message) in *'sysrq triggered crash'*) ;; *) fail "status: $(cat out)" ;; esac
guest 'cat /data/file; echo guest >/data/made; test ! -e /etc/left && echo new; echo second >/dev/hvc0; ip -o address show eth0 | grep -c inet'
[ "$(sed -n 1,2p out | tr '\n' ' ')" = 'host new ' ] && [ "$(tail -n 1 out)" -ge 1 ] || fail "the guest has $(cat out)"
is data/made guest
patient "$C" ready network 60000
tr -d '\r' <log >lines
is lines 'first
second'
daemon=$(pgrep -x virtiofsd -P "$keeper,$(pgrep -P "$keeper" -d,)" | head -n 1)
[ -n "$daemon" ] || fail 'no virtiofsd'
kill -9 "$daemon"
again 2 helper-died
guest 'cat /data/made'
is out guest
[ -S vsock ] || fail 'no vsock socket'
wait_for 10 as_many_open
ctl 0 "$V" poweroff
over shutdown 2
has "$R/exit.json" 'it had been started anew'
[ ! -e vsock ] || fail 'a socket is left'

# ---- as often as may be, and then it ends as the last one ----

detached '"restart":{"policy":"on-failure","max":2}'
for i in 1 2; do
	kill -9 "$hypervisor"
	again $i hypervisor-died
done
kill -9 "$hypervisor"
over hypervisor-died 2
has "$R/exit.json" 'it had been started anew 2 times, last after: QEMU was killed by signal 9'

# ---- always: after a power-off too, but not after a signal to the monitor ----

detached '"restart":{"policy":"always"}'
ctl 0 "$V" poweroff
again 1 shutdown
kill -TERM "$keeper"
over terminated 1

# ---- tries that fail are further and further apart; meanwhile it answers, and stops at once ----

cp "$(dirname "$HULL")/guest/vmlinux" vmlinux
api="\"rest\":{\"kind\":\"unix\",\"path\":\"$T/api.sock\"}"
detached "\"restart\":{\"policy\":\"always\"},\"kernel\":\"$T/vmlinux\",$api"
mv vmlinux elsewhere
kill -9 "$hypervisor"
waits() # for the sixth try, 3.2 s after the fifth, with all in place for it
{
	ctl 0 "$C" status
	[ "$(field restarts)" -ge 6 ] && [ "$(field state)" = restarting ]
}
begun=$(date +%s%N)
wait_for 100 waits
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -ge 2900 ] || fail "five tries took $took ms"
[ "$(field restart_reason) $(field hypervisor_pid)" = 'start-failed 0' ] || fail "status: $(cat out)"
case $(field restart_message) in *"$T/vmlinux"*) ;; *) fail "status: $(cat out)" ;; esac
left=$((($(field restart_at_ns) - $(date +%s%N)) / 1000000))
[ "$left" -ge 500 ] && [ "$left" -le 30000 ] || fail "the next try is in $left ms"
ctl 1 "$C" pause
has err 'STATE [not-running]'
ctl 1 "$C" screenshot picture
has err 'going to be started anew'
ctl 1 "$C" ready agent 10
has err 'TIMEOUT [not-ready]'
expect 0 curl -s --unix-socket api.sock http://vm/vm/state
has out '"canHardStop":true'
has out '"state":"VirtualMachineStateError"'
mv elsewhere vmlinux
patient "$C" ready agent 200000
ctl 0 "$C" status
[ "$(field state)" = running ] || fail "status: $(cat out)"

mv vmlinux elsewhere
kill -9 "$(field hypervisor_pid)"
wait_for 100 waits
n=$(field restarts)
begun=$(date +%s%N)
ctl 0 "$C" stop 60000
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -le 3000 ] || fail "a stop while it waits took $took ms"
over stopped "$n"
[ ! -e api.sock ] || fail 'the socket is left'

# ---- what has never been ready has not started, and is not tried again ----

expect 1 timeout 250 "$hullctl" start --detached \
	'"restart":{"policy":"always"},"append":["rdinit=/none"],"boot_timeout_ms":200000'
has err '[panic]'
[ -z "$(find "$HULL_HOME/run/vm" -mindepth 1 -maxdepth 1 ! -exec test -e '{}/exit.json' ';' -print)" ] || fail 'a machine is left'

# ---- a system of its own in the foreground: its console goes on ----

initramfs virtio_pci virtio_mmio virtio_blk <<'END'
n=$(($(head -c 1 /dev/vda) + 1))
echo "boot $n"
echo "$n" | dd of=/dev/vda conv=sync,fsync 2>/dev/null
[ "$n" -lt 3 ] && echo c >/proc/sysrq-trigger || echo o >/proc/sysrq-trigger
sleep 600
END
kernel=$(dirname "$guest")/vmlinux # the same, and up sooner
printf 0 >disk.raw
truncate -s 1M disk.raw
own="--agent none --kernel $kernel --initrd initrd --device virtio-blk,path=disk.raw"
begun=$(date +%s)
# shellcheck disable=SC2086
expect 0 timeout 250 "$HULL" run $own --restart on-failure:5
tr -d '\r' <out | sed -n 's/^boot //p' | tr '\n' ' ' >boots
is boots '1 2 3 '
has err 'started anew in 0.1 s'
# One that was up for ten seconds begins with the shortest delay again.
[ $(($(date +%s) - begun)) -ge 10 ] || has err 'started anew in 0.2 s'
[ "$(grep -c 'started anew in' err)" -eq 2 ] || fail "not twice: $(cat err)"
printf 0 | dd of=disk.raw conv=notrunc 2>/dev/null
# shellcheck disable=SC2086
expect 125 timeout 250 "$HULL" run $own --restart on-failure:1
has err "the VM ended: the guest's kernel panicked"
has err 'it had been started anew 1 time, last after'

# ---- as "hull ls" tells it ----

told()
{
	"$HULL" ls | grep -q "$1"
}
printf 0 | dd of=disk.raw conv=notrunc 2>/dev/null
# shellcheck disable=SC2086
expect 0 "$HULL" create --name loop $own,readonly --restart on-failure # it panics for ever
on_exit '"$HULL" rm -f loop >/dev/null 2>&1'
expect 0 "$HULL" start loop
wait_for 60 told 'loop .* running .* restarted 1 time: panic'
wait_for 60 told 'loop .* running .* to be restarted: panic'
wait_for 60 told 'loop .* running .* restarted [2-9] times: panic'
"$HULL" inspect loop | tr -d ' \n' | grep -qE '"restarts":[2-9],"restart_reason":"panic","restart_message":"theguest.skernelpanicked' ||
	fail "$("$HULL" inspect loop)"
expect 0 "$HULL" kill loop
told 'loop .* stopped .* stopped' || fail "$("$HULL" ls)"
expect 0 "$HULL" rm loop

# ---- what makes no sense ----

expect 125 "$HULL" run --restart always -- uname
has err "'uname' ends with the machine"
for bad in sometimes always:3 on-failure:x; do
	expect 125 "$HULL" run --restart $bad -- uname
	has err "'$bad' is no policy"
done
