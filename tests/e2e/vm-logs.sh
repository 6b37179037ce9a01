#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "hull logs": what a VM printed, while it runs and afterwards, with times, through the beginning of new
# logs; whatever becomes of the disk, the VM does not wait for it.  Nothing that a guest prints can
# steer a terminal.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq python3

# print TEXT : on the guest's console, as printf's format
print()
{
	guest "printf '$1' >/dev/console"
}

logs_have()
{
	"$HULL" logs web 2>/dev/null | grep -F -- "$1" >/dev/null
}

# writer : pid of the process that writes the log
writer()
{
	pid=$("$HULL" inspect web | jq '.[0].monitor_pid')
	for child in $(cat "/proc/$pid/task/$pid/children"); do
		[ "$(cat "/proc/$child/comm")" = hull-log ] && echo "$child"
	done
}

# ---- none yet ----
expect 1 "$HULL" logs web
has err "there is no VM 'web'"
expect 0 "$HULL" create --name web
expect 0 "$HULL" logs web
is out ""
expect 0 "$HULL" logs -f web
is out ""
expect 2 "$HULL" logs
has err "takes one VM"
expect 2 "$HULL" logs --tail x web
expect 2 "$HULL" logs --since yesterday web
has err "is not a time"
expect 2 "$HULL" logs --retry web
log=$HULL_HOME/log/vm/$("$HULL" inspect web | jq -r '.[0].id')/console.log

# ---- while it runs; a long life lies behind it, so that a new log will begin soon ----
mkdir -p -m 700 "$(dirname "$log")"
(umask 077 && seq 1 580000 >"$log") # 3.9 MB
expect 0 "$HULL" start web
vm_of web
[ "$(stat -c %a "$(dirname "$log")" "$log" | tr '\n' ' ')" = "700 600 " ] || fail "$(ls -ld "$(dirname "$log")" "$log")"
[ ! -e "$R/console.log" ] || fail "there is a second log"
print 'first\nsecond\n'
wait_for 10 logs_have second
expect 0 "$HULL" logs --tail 2 web
is out "first
second"
expect 0 "$HULL" logs --tail 1 web
is out second
expect 0 "$HULL" logs --tail 0 web
is out ""
sleep 1.5
before=$(date +%s)
print 'third\n'
wait_for 10 logs_have third
expect 0 "$HULL" logs -t --tail 1 web
has out "Z third"
stamp=$(date -d "$(cut -d ' ' -f 1 out)" +%s)
[ "$stamp" -ge "$before" ] && [ "$stamp" -le "$(date +%s)" ] || fail "third was printed at $before: $(cat out)"
expect 0 "$HULL" logs --since "@$before" web
is out third
expect 0 "$HULL" logs --since "$(date -u -d "@$before" +%Y-%m-%dT%H:%M:%SZ)" web
is out third
expect 0 "$HULL" logs --since "$(date -d "@$before" '+%Y-%m-%d %H:%M:%S')" web
is out third
expect 0 "$HULL" logs --since 1h --tail 2 web
is out "second
third"
expect 0 "$HULL" logs --since 0s web
is out ""

# ---- a guest that would like to steer the terminal ----
print '\033]0;owned\007 \033[1;31mred\033[0m \302\233 \233 \303\244 x\ry\r\n'
wait_for 10 logs_have owned
expect 0 "$HULL" logs --tail 1 web
is out '\x1b]0;owned\x07 red \xc2\x9b \x9b ä x\x0dy'
expect 0 "$HULL" logs --raw --tail 1 web
printf '\033]0;owned\007 \033[1;31mred\033[0m \302\233 \233 \303\244 x\ry\r\r\n' | cmp - out || fail "raw: $(od -c out)"

# ---- followed, and a new log begins ----
"$HULL" logs -f --tail 0 web >followed 2>followed.err &
follower=$!
"$HULL" logs -f --raw --tail 0 web >raw 2>raw.err &
raw=$!
follows "$follower" 2
follows "$raw" 2
guest 'seq 1 60000 >/dev/console' # about 410 KB with carriage returns
wait_for 60 grep -qx 60000 followed
[ -e "$log.1" ] || fail "no new log has begun"
seq 1 60000 | cmp - followed || fail "what was followed is not what was printed"
tr -d '\r' <raw | cmp - followed || fail "raw is something else"
for file in "$log" "$log.1"; do [ "$(stat -c %s "$file")" -le 4400000 ] || fail "$(ls -l "$file")"; done
expect 0 "$HULL" logs --tail 50000 web
seq 10001 60000 | cmp - out || fail "the last lines of both logs"

# ---- the disk takes its time: nobody waits for it ----
slow=$(writer)
[ -n "$slow" ] || fail "nobody writes the log"
kill -STOP "$slow"
print 'while stopped\n'
expect 0 timeout 20 "$HULL" pause web
expect 0 timeout 20 "$HULL" resume web
guest 'yes 1234567 | head -n 5000 >/dev/console'
kill -CONT "$slow"
print 'goes on\n'
wait_for 20 logs_have 'goes on'
logs_have 'while stopped' || fail "what was printed while the disk stood still is gone"
expect 0 "$HULL" logs --tail 5001 web
[ "$(grep -c 1234567 out)" -eq 5000 ] || fail "$(grep -c 1234567 out) of 5000 lines"
wait_for 20 grep -qx 'goes on' followed

# ---- the last words ----
expect 0 "$HULL" pause web
expect 0 "$HULL" resume web
"$hullctl" "$V" exec crash sh -c 'sleep 0.2; echo c >/proc/sysrq-trigger' >/dev/null 2>&1 &
crasher=$!
wait "$follower" || fail "logs -f: $(cat followed.err)"
wait "$raw" || fail "logs -f --raw: $(cat raw.err)"
wait "$crasher"
has followed "Kernel panic - not syncing"
expect 0 "$HULL" ls -o json
[ "$(jq -r '.[0].reason' out)" = panic ] || fail "$(cat out)"
logs_have "Kernel panic - not syncing" || fail "the panic is not in the log"
[ ! -e "$R" ] || fail "the run directory is there still"

# ---- the next start goes on behind it ----
"$HULL" logs -f --retry --tail 1 web >followed 2>followed.err &
follower=$!
expect 0 "$HULL" start web
vm_of web
print 'second life\n'
shows followed 'second life'
logs_have "Kernel panic - not syncing" || fail "the log of its first life is gone"
kill -KILL "$("$HULL" inspect web | jq '.[0].monitor_pid')"
expect 0 "$HULL" wait web
logs_have 'second life' || fail "what it printed before its monitor was killed is gone"
kill -0 "$follower" || fail "--retry gave up: $(cat followed.err)"

# ---- no room ----
log_is_full()
{
	[ "$(df --output=avail "$(dirname "$log")" | tail -n 1)" -eq 0 ]
}
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k tmpfs "$(dirname "$log")" 2>/dev/null; then
	on_exit "umount '$(dirname "$log")' 2>/dev/null"
	kill "$follower"
	wait "$follower"
	expect 0 "$HULL" start web
	vm_of web
	print 'before it is full\n'
	guest 'seq 1 20000 >/dev/console'
	wait_for 100 log_is_full
	expect 0 timeout 20 "$HULL" pause web
	expect 0 timeout 20 "$HULL" resume web
	mount -o remount,size=16m "$(dirname "$log")"
	print 'there is room again\n'
	wait_for 20 logs_have 'there is room again'
	expect 0 "$HULL" logs web
	has err "bytes are missing here"
	expect 0 "$HULL" kill web
	umount "$(dirname "$log")"
	follower=
fi

# ---- removed with the VM, also if its remover is killed in the middle ----
expect 0 "$HULL" rm web
[ ! -e "$(dirname "$log")" ] || fail "the log is there still"
[ -z "$follower" ] || wait "$follower" || fail "logs -f --retry: $(cat followed.err)"
expect 0 "$HULL" create --name web
log=$HULL_HOME/log/vm/$("$HULL" inspect web | jq -r '.[0].id')
for verb in ls 'start web' 'rm web'; do
	mkdir -p "$log"
	echo text >"$log/console.log"
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE vm SET state = \"deleting\"")
db.commit()' "$HULL_HOME/state/store/hull.db"
	# shellcheck disable=SC2086
	"$HULL" $verb >out 2>err
	[ ! -e "$log" ] || fail "'$verb' did not finish the removal"
	[ "$verb" != 'start web' ] || has err "there is no VM 'web'"
	expect 0 "$HULL" ls -q
	is out ""
	expect 0 "$HULL" create --name web
	log=$HULL_HOME/log/vm/$("$HULL" inspect web | jq -r '.[0].id')
done
expect 0 "$HULL" rm web
