#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What "hull gc" collects: an orphan of each kind is made and goes, others of the same kind that
# belong to somebody stay, and what starts, runs or is being made meanwhile is left alone.
. "$(dirname "$0")/functions.sh"
requires jq python3
db=$HULL_HOME/state/store/hull.db
run=$HULL_HOME/run/vm

# sql STATEMENT : behind the program's back
sql()
{
	python3 -c 'import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as db: db.execute(sys.argv[2])' "$db" "$1" || fail "sql: $1"
}

# collects KIND WHY : just that, once announced and once done; then there is nothing any more
collects()
{
	expect 0 "$HULL" gc --dry-run -o json
	[ "$(jq -r '[.would_collect[].kind] | unique | join(" ")' out)" = "$1" ] || fail "dry run: $(cat out)"
	has out "$2"
	expect 0 "$HULL" gc -o json
	[ "$(jq -r '[.collected[].kind] | unique | join(" ")' out)" = "$1" ] || fail "$1: $(cat out)"
	has out "$2"
	nothing
}

nothing()
{
	expect 0 "$HULL" gc
	is out "0 collected, 0 left alone, 0 failed"
}

monitor_of()
{
	"$HULL" inspect "$1" | jq '.[0].monitor_pid'
}

# runs VM : it does, in truth
runs()
{
	expect 0 "$HULL" inspect "$1"
	[ "$(jq -r '.[0].state' out)" = running ] || fail "VM $1: $(cat out)"
	kill -0 "$(jq '.[0].monitor_pid' out)" || fail "VM $1 has no monitor"
}

# gone PID
gone()
{
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

on_exit '"$HULL" rm -a -f >/dev/null 2>&1; "$HULL" gc >/dev/null 2>&1'

expect 2 "$HULL" gc web
expect 2 "$HULL" gc -o jsonl
nothing
expect 0 "$HULL" gc -o json
[ "$(jq -c . out)" = '{"collected":[],"would_collect":[],"busy":[],"failed":[]}' ] || fail "$(cat out)"

# A VM that lives through all of this, and a volume, which is nobody's garbage.
mkdir -p "$HULL_HOME/state/volumes/data"
echo precious >"$HULL_HOME/state/volumes/data/file"
expect 0 "$HULL" create --name keep
expect 0 "$HULL" start keep
nothing

# ---- records ----
expect 0 "$HULL" create --name web
expect 0 "$HULL" start web
kill -KILL "$(monitor_of web)"
wait_for 10 sh -c '"$1" gc -n | grep -q "VM .web., running: it has died"' - "$HULL"
expect 0 "$HULL" gc -o json
[ "$(jq -r '.collected[0].kind' out)" = record ] || fail "$(cat out)"
expect 0 "$HULL" ls --filter name=web -o json
[ "$(jq -r '.[0].state + .[0].reason' out)" = errormonitor-died ] || fail "$(cat out)"
nothing
sql "UPDATE vm SET state = 'deleting' WHERE name = 'web'"
collects record "whoever removed it did not finish"
expect 0 "$HULL" create --name web
sql "UPDATE vm SET state = 'creating' WHERE name = 'web'"
nothing # somebody may be at it still
sql "UPDATE vm SET updated_ns = updated_ns - 86500 * 1000000000 WHERE name = 'web'"
collects record "whoever made it did not finish"
expect 0 "$HULL" ls -q
[ "$(wc -l <out)" -eq 1 ] || fail "$(cat out)"

# One at which another hull is: its lock is held.
expect 0 "$HULL" create --name web
id=$("$HULL" inspect web | jq -r '.[0].id')
sql "UPDATE vm SET state = 'deleting' WHERE name = 'web'"
python3 - "$HULL_HOME/state/store/lock" "$id" <<'END' &
import fcntl, struct, sys, time
lock = open(sys.argv[1], "r+b")
fcntl.fcntl(lock, 37, struct.pack("hhqqixxxx", fcntl.F_WRLCK, 0, int(sys.argv[2][:15], 16), 1, 0))
open("locked", "w").close()
time.sleep(60)
END
holder=$!
on_exit "kill $holder 2>/dev/null"
wait_for 10 test -e locked
expect 0 timeout 20 "$HULL" gc
is out "0 collected, 1 left alone, 0 failed"
has err "another hull is at work"
kill "$holder"
wait "$holder" 2>/dev/null
collects record "whoever removed it did not finish"

# ---- claims ----
sql "INSERT INTO claim VALUES ('port', 'tcp/8080', '00000000000000000000000000000000')"
sql "INSERT INTO claim SELECT 'port', 'tcp/8081', id FROM vm WHERE name = 'keep'"
collects claim "tcp/8080"
sql "DELETE FROM claim WHERE vm = (SELECT id FROM vm WHERE name = 'keep') AND key = 'tcp/8081'"

# ---- run directories, and sockets elsewhere ----
# Killed in this order nobody is left who would clean up: who started it, then the monitor.
"$HULL" run --restful-uri "unix://$T/rest.sock" -- sleep 1000 >run.out 2>&1 &
client=$!
wait_for 60 test -S rest.sock
dead=$(find "$run" -mindepth 1 -maxdepth 1 ! -name "$("$HULL" ls -q | head -c 12)")
[ -d "$dead" ] || fail "no run directory: '$dead'"
monitor=$(jq .pid "$dead/monitor.json")
wait_for 10 jq -e --arg s "$T/rest.sock" '[.sockets[] | select(.inode) | .path] == [$s]' "$dead/monitor.json"
nothing
kill -STOP "$monitor"
kill -KILL "$client"
wait "$client" 2>/dev/null
nothing # it lives still
kill -KILL "$monitor"
wait_for 10 gone "$monitor"
wait_for 10 sh -c '"$1" gc -n | grep -q "run directory"' - "$HULL"
[ -S rest.sock ] || fail "the socket has gone by itself"
expect 0 "$HULL" gc -n -o json
[ "$(jq -r '[.would_collect[].kind] - ["cgroup"] | join(" ")' out)" = "socket directory" ] || fail "$(cat out)"
mv rest.sock ours.sock
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("rest.sock")' || fail "no socket"
expect 0 "$HULL" gc -n
lacks out rest.sock # somebody else's in the same place
mv ours.sock rest.sock
expect 0 "$HULL" gc
has out "rest.sock"
has out "$dead"
[ ! -e "$dead" ] && [ ! -e rest.sock ] || fail "left: $(ls -d "$dead" rest.sock 2>&1)"
nothing
# Of sockets that were about to be made, those that have been, and nobody else's.
at=unix://$T/rest.sock
expect 125 env HULL_FAULT=hull-monitor/file.write:2=kill "$HULL" run --restful-uri "$at" -- true
[ ! -e rest.sock ] || fail "a socket of which its monitor could not tell is left"
python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("rest.sock"); s.listen(); time.sleep(1000)' &
server=$!
on_exit "kill $server 2>/dev/null"
wait_for 10 test -S rest.sock
expect 125 env HULL_FAULT=hull-monitor/listen:2=kill "$HULL" run --restful-uri "$at" -- true
[ -S rest.sock ] || fail "somebody else's socket was taken"
kill "$server"
wait "$server" 2>/dev/null
rm rest.sock
nothing
mkdir "$run/0123456789ab" "$run/notes" # its maker died before there was a lock
collects directory 0123456789ab
rmdir "$run/notes" || fail "what has another name is not ours"
mkdir "$run/0123456789ab" # how it ended is kept for a while, for whoever asks
: >"$run/0123456789ab/lock"
echo '{}' >"$run/0123456789ab/exit.json"
nothing
touch -d '2 days ago' "$run/0123456789ab/exit.json"
collects directory 0123456789ab

# ---- logs ----
log=$HULL_HOME/log/vm
id=$("$HULL" inspect keep | jq -r '.[0].id')
[ -d "$log/$id" ] || fail "a VM that runs has no log"
mkdir "$log/notes" "$log/0123456789abcdef0123456789abcdef"
: >"$log/0123456789abcdef0123456789abcdef/console.log"
collects log "$log/0123456789abcdef0123456789abcdef"
rmdir "$log/notes" || fail "what has another name is not ours"
[ -d "$log/$id" ] || fail "the log of a VM that runs was taken"

# ---- processes ----
# A mark is what everything of a VM has in its environment.
id=$("$HULL" ls -q | head -c 12)
marked=0
for pid in $(our_processes); do # an ordinary user may not read all of them
	cat "/proc/$pid/environ" 2>/dev/null | tr '\0' '\n' >environ
	[ -s environ ] || continue
	grep -qx "HULL_VM=$run/$id" environ || fail "process $pid has no mark: $(cat environ)"
	marked=$((marked + 1))
done
[ "$marked" -ge 2 ] || fail "$marked processes are marked"
HULL_VM=$run/0123456789ab sleep 1000 &
lost=$!
HULL_VM=$run/$id sleep 1000 & # of one that lives, but not below its monitor
astray=$!
HULL_VM=/elsewhere/vm/0123456789ab sleep 1000 &
other=$!
on_exit "kill $lost $astray $other 2>/dev/null"
wait_for 10 grep -qz HULL_VM=/elsewhere "/proc/$other/environ"
collects process "process $lost (sleep)"
gone "$lost" || fail "process $lost lives"
gone "$astray" || fail "process $astray lives"
! gone "$other" || fail "another one's process was ended"
# Nobody can reach a VM whose directory was removed by hand; one that somebody waits for ends with that.
expect 0 "$HULL" create --name web
expect 0 "$HULL" start web
monitor=$(monitor_of web)
rm -rf "$("$HULL" inspect web | jq -r '.[0].run_dir')"
nothing # its record leads to it
runs web
sql "DELETE FROM vm WHERE name = 'web'"
expect 0 "$HULL" gc
has out "process $monitor (hull-monitor): its run directory has gone"
gone "$monitor" || fail "monitor $monitor lives"
nothing
"$HULL" run -- sh -c 'echo up; sleep 1000' >run.out 2>&1 & # somebody waits for this one
client=$!
wait_for 60 grep -q up run.out
rm -rf "$(find "$run" -mindepth 1 -maxdepth 1 ! -name "$id")"
nothing
kill "$client" || fail "the client has ended: $(cat run.out)"
wait "$client"

# ---- control groups ----
if [ -n "$own_group" ]; then
	for group in 0123456789ab 0123456789ac 0123456789ad; do mkdir "$own_group/hull-$group"; done
	sleep 1000 &
	lost=$!
	echo "$lost" >"$own_group/hull-0123456789ab/cgroup.procs"
	python3 - "$own_group" "$run" <<'END'
import os, sys
group, run = sys.argv[1:]
os.setxattr(group + "/hull-0123456789ab", "user.hull.vm", (run + "/0123456789ab").encode())
os.setxattr(group + "/hull-0123456789ac", "user.hull.vm", b"/elsewhere/vm/0123456789ac")
END
	collects cgroup hull-0123456789ab
	wait "$lost" 2>/dev/null
	gone "$lost" || fail "process $lost lives"
	[ ! -e "$own_group/hull-0123456789ab" ] || fail "the group is there"
	rmdir "$own_group/hull-0123456789ac" "$own_group/hull-0123456789ad" || fail "another one's group was removed"
fi

# ---- files ----
store=$HULL_HOME/state/store
: >"$store/hull.db.abc123" # being made just now
echo backup >"$store/hull.db.backup"
touch -d '2 hours ago' "$store/hull.db.backup"
nothing
touch -d '2 hours ago' "$store/hull.db.abc123"
collects file hull.db.abc123
ln "$store/hull.db" "$store/hull.db.abc124"
collects file hull.db.abc124
is "$store/hull.db.backup" backup
rm "$store/hull.db.backup"
scratch=/var/tmp/hull-scratch-x$(date +%N | head -c 5)
: >"$scratch"
touch -d '2 hours ago' "$scratch"
expect 0 "$HULL" gc
has out "$scratch"
[ ! -e "$scratch" ] || fail "$scratch is there"

# ---- one failure is not the others' ----
if [ "$(id -u)" -ne 0 ]; then
	mkdir "$run/0123456789ab" "$run/0123456789ac" "$run/0123456789ab/sub"
	: >"$run/0123456789ab/sub/file"
	chmod 500 "$run/0123456789ab/sub"
	expect 1 "$HULL" gc
	has err "remove run directory '$run/0123456789ab'"
	has out "run directory '$run/0123456789ac'"
	chmod 700 "$run/0123456789ab/sub"
	collects directory 0123456789ab
fi

# ---- while others are at work ----
runs keep
: >busy
(
	while [ -e busy ]; do
		timeout 60 "$HULL" gc >>gc.out 2>>gc.err || echo "gc failed: $?" >>gc.err
		sleep 0.05
	done
) &
collector=$!
on_exit "rm -f $T/busy"
for n in 1 2 3; do
	expect 0 "$HULL" create --name "n$n"
	expect 0 timeout 120 "$HULL" start "n$n"
	runs "n$n"
	expect 0 timeout 120 "$HULL" run -- true
	expect 0 "$HULL" pause "n$n"
	expect 0 "$HULL" resume "n$n"
	expect 0 timeout 60 "$HULL" restart -t 1s "n$n"
	runs "n$n"
	expect 0 timeout 60 "$HULL" rm -f "n$n"
done
rm busy
wait "$collector"
lacks gc.err failed
lacks gc.out process
lacks gc.out "control group"
runs keep
is "$HULL_HOME/state/volumes/data/file" precious
rm -r "$HULL_HOME/state/volumes"
expect 0 "$HULL" rm -f keep
nothing
