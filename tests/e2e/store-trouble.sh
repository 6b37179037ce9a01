#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A store that is damaged, locked, full, read-only, or older than the host's last boot: each is told by name, nothing
# is lost, and it goes on when the trouble is over.
. "$(dirname "$0")/functions.sh"
requires python3 jq

store=$HULL_HOME/state/store
db=$store/hull.db
printf '{"version":1,"backend":"mock","agent":"none","memory":"64M"}' >mock.json

# sql TEXT
sql()
{
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.executescript(sys.argv[2])' "$db" "$1"
}

# state VM STATE REASON
state()
{
	expect 0 "$HULL" ls -o json
	[ "$(jq -r --arg vm "$1" '.[] | select(.name == $vm) | .state + " " + (.reason // "")' out)" = "$2 $3" ] ||
		fail "VM $1: $(cat out)"
}

expect 0 "$HULL" create --config mock.json --name web

# ---- of a newer hull ----
sql 'PRAGMA user_version = 99'
expect 1 "$HULL" ls
has err 'of a newer hull (version 99'
sql 'PRAGMA user_version = 1'

# ---- locked by one that is stopped: who only reads does not wait, others until their deadline ----
python3 -c 'import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open("locked", "w").close()
os.kill(os.getpid(), signal.SIGSTOP)' "$db" &
holder=$!
wait_for 10 test -e locked
expect 0 "$HULL" ls -o name
is out web
expect 124 timeout 20 "$HULL" start --deadline 500ms web
has err "by process $holder (python3)"
kill -KILL "$holder"
wait "$holder" 2>/dev/null
expect 0 "$HULL" start web

# ---- a monitor that is killed while it starts, and whose lock outlives it for a moment: nothing stays ----
printf '{"version":1,"backend":"mock","agent":"none","memory":"64M","append":["boot=20000"]}' >slow.json
expect 0 "$HULL" create --config slow.json --name slow
for _ in 1 2 3 4 5 6; do
	timeout 60 "$HULL" start slow >start.out 2>&1 &
	start=$!
	wait_for 10 sh -c '"$0" inspect slow | jq -e ".[0] | .state == \"starting\"" && test -e "$HULL_HOME"/run/vm/"$("$0" inspect slow | jq -r ".[0].id[:12]")"/monitor.json' "$HULL"
	dir=$HULL_HOME/run/vm/$("$HULL" inspect slow | jq -r '.[0].id[:12]')
	python3 -c 'import fcntl, json, os, signal, sys, time
lock = open(sys.argv[1] + "/lock")
os.kill(json.load(open(sys.argv[1] + "/monitor.json"))["pid"], signal.SIGKILL)
while True:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except OSError:
        pass
time.sleep(0.3)' "$dir"
	code=0
	wait "$start" || code=$?
	[ "$code" -eq 1 ] || fail "start: $code, $(cat start.out)"
	has start.out 'monitor'
	[ ! -e "$dir" ] || fail "left: $(ls "$dir")"
done
state slow error start-failed
expect 0 "$HULL" rm slow

# ---- the host was booted anew: nothing lives, whatever the records and the directories say ----
kill -KILL "$("$HULL" inspect web | jq '.[0].monitor_pid')"
wait_for 10 sh -c 'flock -n "$HULL_HOME"/run/vm/*/lock true'
rm -r "$HULL_HOME"/run/vm/*
sql "UPDATE vm SET monitor_boot = '00000000-0000-0000-0000-000000000000'"
state web stopped host-reboot
expect 0 "$HULL" start web
state web running ''
expect 0 "$HULL" stop web

# ---- another user's ----
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$T" "$HULL_HOME"
	[ "$(stat -c %a "$store")" = 700 ] || fail "$(ls -ld "$store")"
	for file in "$db" "$db-wal" "$store/lock"; do
		[ "$(stat -c %a "$file")" = 600 ] || fail "$(ls -l "$file")"
	done
	expect 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$HULL" ls
	chmod 700 "$T" "$HULL_HOME"
fi

# ---- no room, then read-only ----
if [ "$(id -u)" -eq 0 ]; then
	cp -r "$HULL_HOME/state" kept
	mount -t tmpfs -o size=256k,mode=700 none "$HULL_HOME/state"
	on_exit 'umount "$HULL_HOME/state" 2>/dev/null' # shellcheck disable=SC2016
	cp -r kept/. "$HULL_HOME/state"
	dd if=/dev/zero of="$HULL_HOME/state/filler" bs=4k 2>/dev/null
	code=0
	while [ "$code" -eq 0 ]; do
		"$HULL" create --config mock.json >out 2>err || code=$?
	done
	[ "$code" -eq 1 ] || fail "with no room: $code $(cat err)"
	has err 'No space left on device'
	expect 0 "$HULL" ls -q
	expect 0 "$HULL" inspect web
	rm "$HULL_HOME/state/filler"
	expect 0 "$HULL" create --config mock.json --name roomy
	mount -o remount,ro "$HULL_HOME/state"
	expect 1 "$HULL" rm roomy
	has err 'Read-only file system'
	mount -o remount,rw "$HULL_HOME/state"
	expect 0 "$HULL" rm roomy
	umount "$HULL_HOME/state"
	rm -r kept
fi

# ---- what runs can be ended all the same, and is as it should be when the trouble is over ----
expect 0 "$HULL" create --config mock.json --name other
ended()
{
	expect 1 "$@"
	has err "VM 'web' has ended, which could not be recorded"
	has err "$why"
	! kill -0 "$monitor" 2>/dev/null || grep -q '^State:.Z' "/proc/$monitor/status" || fail "the monitor lives"
}
again()
{
	expect 0 "$HULL" start web
	monitor=$("$HULL" inspect web | jq '.[0].monitor_pid')
}
cat >read-only <<'END'
exec unshare -m sh -c 'mount --bind "$HULL_HOME" "$HULL_HOME" && mount -o remount,bind,ro "$HULL_HOME" && exec "$@"' - "$@"
END
if [ "$(id -u)" -eq 0 ] && sh read-only true; then # in which all of it has become so
	why='Read-only file system'
	again
	for words in 'start other' 'pause web' 'stop web' 'create --config mock.json'; do
		# shellcheck disable=SC2086
		expect 1 sh read-only "$HULL" $words
		has err "$why"
	done
	expect 0 sh read-only "$HULL" inspect web
	[ "$(jq -r '.[0] | .state, .monitor_pid' out | tr '\n' ' ')" = "running $monitor " ] || fail "$(cat out)"
	for verb in kill 'rm -f'; do
		# shellcheck disable=SC2086
		ended sh read-only "$HULL" $verb web
		expect 1 sh read-only "$HULL" ls
		has out not-recorded
		state web error monitor-died
		again
	done
	expect 0 "$HULL" kill web
fi
for verb in stop kill 'rm -f'; do # by a fault for a full disk, so that ordinary users try it too
	why='No space left on device'
	again
	# shellcheck disable=SC2086
	HULL_FAULT=hull/store.begin=error:ENOSPC ended "$HULL" $verb web
	state web stopped stopped
done
expect 0 "$HULL" rm other

# ---- damaged: refused with the way out, and not touched ----
python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")' "$db"
cp "$db" good.db
rm -f "$db-wal" "$db-shm"
head -c 5000 /dev/urandom >"$db"
cp "$db" bad.db
for words in 'ls' 'create --config mock.json' 'start web' 'rm -f web'; do
	# shellcheck disable=SC2086
	expect 1 "$HULL" $words
	has err "is damaged"
	has err ".recover"
done
cmp "$db" bad.db || fail 'the damaged store was changed'
rm -f "$db-wal" "$db-shm"
cp good.db "$db"
rm good.db bad.db locked read-only
state web stopped stopped
expect 0 "$HULL" rm -a
