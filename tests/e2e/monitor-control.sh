#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# control.sock: what can be asked of a monitor, how VMs are stopped, what stays of detached ones, and
# that none of it is for other users.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq setpriv prlimit

# What a failure leaves running.
sweep()
{
	for dir in "$HULL_HOME"/run/vm/*/; do
		"$hullctl" "${dir}control.sock" stop >/dev/null 2>&1
		rm -rf "$dir"
	done
}
on_exit 'vm_stop; [ "$code" -eq 0 ] || sweep'

# field NAME : of ./out, lines NAME=value
field()
{
	sed -n "s/^$1=//p" out
}

monotonic_ms()
{
	ctl 0 "$V" info
	echo $(($(field monotonic_ns) / 1000000))
}

# mode FILE MODE
mode()
{
	[ "$(stat -c %a "$R/$1")" = "$2" ] || fail "$1 has mode $(stat -c %a "$R/$1")"
}

# others_refused : by every socket
others_refused()
{
	for socket in vsock control console; do
		said=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$hullctl" "$R/$socket.sock" "$([ $socket = control ] && echo status || echo health)" 2>&1) &&
			fail "another user may connect to $socket.sock"
		case $said in
		*DENIED*connect*) ;;
		*) fail "another user at $socket.sock: $said" ;;
		esac
	done
}

# detached : a VM that outlives its starter
detached()
{
	ctl 0 start --detached "$host_root"
	vm_at "$(cat out)"
}

# ---- a tied one: status, pause, access ----
vm_start "\"name\":\"tester\",$host_root"
ctl 0 "$C" status
[ "$(field state)" = running ] && [ "$(field name)" = tester ] && [ "$(field backend)" = qemu ] ||
	fail "status: $(cat out)"
[ "$(field version)" = "$("$HULL" --version | sed 's/^[^0-9]*//')" ] || fail "version: $(cat out)"
case $(field id) in
"${R##*/}"????????????????????) ;;
*) fail "id '$(field id)' of $R" ;;
esac
[ "$(cat "/proc/$(field monitor_pid)/comm")" = hull-monitor ] || fail "monitor: $(cat out)"
[ "$(cat "/proc/$(field hypervisor_pid)/comm")" = qemu-system-x86 ] || fail "hypervisor: $(cat out)"
age=$(($(date +%s) - $(field started_at_ns) / 1000000000))
[ "$age" -ge 0 ] && [ "$age" -le 60 ] || fail "started $age s ago"
[ "$(jq -r .pid "$R/monitor.json")" = "$(field monitor_pid)" ] || fail "monitor.json: $(cat "$R/monitor.json")"

ctl 1 "$C" call Start
has err DENIED
ctl 1 "$C" call Nonsense
has err UNSUPPORTED
ctl 1 "$C" resume
has err 'STATE [not-paused]'

# Paused, nothing moves, the guest's clock neither.
session ticker sh -c 'while :; do echo tick; sleep 0.1; done'
follow ticker ticks
shows ticks tick
before=$(monotonic_ms)
ctl 0 "$C" pause
ctl 0 "$C" status
[ "$(field state)" = paused ] || fail "status: $(cat out)"
ctl 1 "$C" pause
has err 'STATE [not-running]'
sleep 0.3 # what was on its way
size=$(stat -c %s ticks)
sleep 3
[ "$(stat -c %s ticks)" -eq "$size" ] || fail "output while paused"
ctl 0 "$C" resume
ctl 0 "$C" status
[ "$(field state)" = running ] || fail "status: $(cat out)"
wait_for 20 sh -c "[ \$(stat -c %s ticks) -gt $size ]"
passed=$(($(monotonic_ms) - before))
[ "$passed" -lt 3000 ] || fail "the guest's clock went on for $passed ms"
unfollow
ctl 0 "$V" delete ticker

# But it shows the right time again, which is not so by itself.
on_time()
{
	"$hullctl" "$V" info >out && off=$(($(date +%s) - $(field realtime_ns) / 1000000000)) && [ "$off" -ge -1 ] && [ "$off" -le 1 ]
}
wait_for 20 on_time

# With no descriptors left clients wait, and the monitor does nothing meanwhile.
pid=$(monitor)
limit=$(prlimit --pid "$pid" --nofile --noheadings --raw --output SOFT)
prlimit --pid "$pid" --nofile=3:
"$hullctl" "$C" status >late.control &
late_control=$!
"$hullctl" "$V" info >late.vsock &
late_vsock=$!
sleep 0.5
spent=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
sleep 2
spent=$(($(awk '{ print $14 + $15 }' "/proc/$pid/stat") - spent))
[ "$spent" -lt 20 ] || fail "with no descriptors left the monitor took $spent hundredths of a second in two"
[ ! -s late.control ] && [ ! -s late.vsock ] || fail "there were descriptors left"
prlimit --pid "$pid" --nofile="$limit:"
wait $late_control && has late.control state=running || fail "a client of the monitor was not served afterwards"
wait $late_vsock && has late.vsock realtime_ns= || fail "a client of the guest was not served afterwards"

mode . 700
for file in vsock.sock control.sock console.sock lock monitor.json console.log; do
	mode "$file" 600
done
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$T" "$HULL_HOME"
	others_refused
	# Not by the directory alone.
	chmod 711 "$HULL_HOME/run" "$HULL_HOME/run/vm" "$R"
	others_refused
fi

# Several wait for the end; a stop that the guest can't follow is a kill when its time is over.
"$hullctl" "$C" wait >waiter 2>&1 &
waiter=$!
ctl 0 "$C" status
kill -STOP "$(field hypervisor_pid)"
begun=$(date +%s%N)
ctl 0 "$C" stop 1500
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -ge 1400 ] && [ "$took" -le 5000 ] || fail "a stop within 1500 ms took $took"
has out reason=stopped
has out hypervisor_status=-9
wait "$waiter"
grep -v exited_at out >stopped
grep -v exited_at waiter | cmp - stopped || fail "who waited was told $(cat waiter)"
vm_ended stopped

# ---- started once ----
ctl 1 twice '"agent":"none"'
has err 'STATE [already-started]'

# ---- detached ----
detached
ctl 0 "$C" status
first_monitor=$(field monitor_pid)
[ "$(awk '{ print $4 }' "/proc/$first_monitor/stat")" -ne $$ ] || fail "the monitor is our child"
first=$R
detached # another one beside it
"$hullctl" "$C" wait >waiter 2>&1 &
waiter=$!
begun=$(date +%s%N)
ctl 0 "$C" stop 20000
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -le 15000 ] || fail "a graceful stop took $took ms"
has out reason=stopped
has out hypervisor_status=0
cp out stopped
wait "$waiter"
cmp waiter stopped || fail "who waited was told $(cat waiter)"
jq -e . "$R/exit.json" >/dev/null || fail "exit.json: $(cat "$R/exit.json")"
# Not by jq: it rounds the time.
tr -d '{}"' <"$R/exit.json" | tr ',' '\n' | sed 's/:/=/; $a\' | cmp - stopped ||
	fail "exit.json has $(cat "$R/exit.json"), the caller $(cat stopped)"
mode exit.json 600
wait_for 10 flock -n "$R/lock" true
ctl 1 "$C" status

# Other calls leave alive ones alone, and records too; what was killed is cleaned up by them.
second=$R
detached
kill -9 "$(monitor)"
wait_for 10 flock -n "$R/lock" true # it dies when the host gets round to it
expect 0 "$HULL" run -- echo meanwhile
is out meanwhile
wait_for 10 test ! -e "$R"
[ -s "$second/exit.json" ] || fail "the record is gone"
vm_at "$first"
ctl 0 "$C" status
has out state=running
ctl 0 "$V" health
# A signal to the monitor is an end like others.  Records wait a day for whoever asks.
kill -TERM "$first_monitor"
wait_for 20 test -e "$R/exit.json"
[ "$(jq -r .reason "$R/exit.json")" = terminated ] || fail "exit.json: $(cat "$R/exit.json")"
wait_for 10 flock -n "$R/lock" true
touch -d '2 days ago' "$second/exit.json"
expect 125 "$HULL" run --timeout 1ms -- true
[ ! -e "$second" ] || fail "an old record is still there"
[ -s "$R/exit.json" ] || fail "a new record is gone"

# A stop that comes during the boot does not wait for it.
rm -r "$R"
"$hullctl" start --detached "$host_root" >started 2>started.err &
starter=$!
wait_for 10 sh -c 'test -S "$HULL_HOME"/run/vm/*/control.sock'
expect 0 timeout 20 sh -c '"$0" "$HULL_HOME"/run/vm/*/control.sock stop 60000' "$hullctl"
has out reason=stopped
wait "$starter" && fail "the start of a stopped VM succeeded: $(cat started)"
has started.err 'stopped on request'
wait_for 10 sh -c '[ -z "$(ls "$HULL_HOME/run/vm")" ]'

# Whoever starts it is needed until it is ready: then nothing may be left.
"$hullctl" start --detached "$host_root" >/dev/null 2>&1 &
starter=$!
wait_for 10 sh -c 'test -S "$HULL_HOME"/run/vm/*/control.sock'
kill -9 "$starter"
wait "$starter" 2>/dev/null
wait_for 10 sh -c '[ -z "$(ls "$HULL_HOME/run/vm")" ]'
