#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each user has VMs, directories and sockets of their own: another one neither sees nor reaches them, finds nothing
# where they lie, and can't lie in wait there.
. "$(dirname "$0")/functions.sh"
requires jq python3 setpriv
[ "$(id -u)" -eq 0 ] || skip "only root can be two others"

ours=$((1862270976 + $$))
theirs=$((ours + 1000000))

# as UID COMMAND... : with nothing of ours, and a umask that forbids nothing
as()
{
	who=$1
	shift
	(umask 0 && exec env -u HULL_HOME -u XDG_RUNTIME_DIR -u XDG_DATA_HOME -u XDG_STATE_HOME HOME="$T/$who" \
		setpriv --reuid "$who" --regid "$who" --clear-groups --inh-caps=-all sh -c 'exec "$@"' - "$@")
}

as "$ours" test -x "$HULL" || skip "this tree can't be read by other users"
chmod 711 "$T"
for user in $ours $theirs; do
	mkdir "$user"
	chown "$user:$user" "$user"
	[ ! -e "/tmp/hull-$user" ] || fail "/tmp/hull-$user is there"
	on_exit "as $user '$HULL' rm -a -f -q; rm -rf '/tmp/hull-$user'"
done
printf '{"version":1,"backend":"mock","agent":"none","memory":"64M"}' >mock.json

# ---- somebody has made the place where ours will be ----
as "$theirs" mkdir -m 777 "/tmp/hull-$ours"
expect 0 as "$ours" "$HULL" create --config mock.json --name web
expect 1 as "$ours" "$HULL" start web
has err "/tmp/hull-$ours"
as "$theirs" rmdir "/tmp/hull-$ours"
as "$theirs" mkdir "$theirs/trap"
as "$theirs" ln -s "$T/$theirs/trap" "/tmp/hull-$ours"
expect 1 as "$ours" "$HULL" start web
[ -z "$(ls "$theirs/trap")" ] || fail "it was made in the trap: $(ls -lR "$theirs/trap")"
as "$theirs" rm -r "/tmp/hull-$ours" "$theirs/trap"

# ---- whatever the umask, what is ours is for us alone ----
expect 0 as "$ours" "$HULL" start web
monitor=$(as "$ours" "$HULL" inspect web | jq '.[0].monitor_pid')
run=$(as "$ours" "$HULL" inspect web | jq -r '.[0].run_dir')
[ "$(dirname "$run")" = "/tmp/hull-$ours/vm" ] || fail "it runs in $run"
for dir in "/tmp/hull-$ours" "$run" "$ours/.local/share/hull/store" "$ours/.local/state/hull/log/vm"/*; do
	[ "$(stat -c '%a %u' "$dir")" = "700 $ours" ] || fail "$(ls -ld "$dir")"
done
find "/tmp/hull-$ours" "$ours/.local" \( -path '*/hull/*' -o -path "/tmp/hull-$ours*" \) -perm /077 >open
[ ! -s open ] || fail "others may use: $(cat open)"
find "$run" -type s -printf '%f %m\n' | sort >sockets
for socket in console control; do grep -qx "$socket.sock 600" sockets || fail "$(ls -l "$run")"; done

# ---- root is another user ----
expect 0 as "$ours" env HULL_HOME="$T/$ours/home" "$HULL" ls
expect 1 env HULL_HOME="$T/$ours/home" "$HULL" ls
has err "belongs to user $ours"
has err 'be that user'

# ---- there is nothing to be seen ----
expect 0 as "$theirs" "$HULL" ls -o json
is out '[]'
expect 0 as "$theirs" "$HULL" ps -o json
is out '[]'
expect 0 as "$theirs" "$HULL" events -o jsonl
is out ''
id=$(as "$ours" "$HULL" inspect web | jq -r '.[0].id')
for words in 'inspect' 'start' 'pause' 'kill' 'logs' 'console'; do
	for vm in web "$id"; do
		expect 1 as "$theirs" "$HULL" $words "$vm"
		has err "there is no VM '$vm'"
	done
done
expect 0 as "$theirs" "$HULL" create --config mock.json --name web # names are each user's own
expect 0 as "$theirs" "$HULL" start web
expect 0 as "$theirs" "$HULL" gc
is out '0 collected, 0 left alone, 0 failed'
[ "$(as "$theirs" "$HULL" inspect web | jq -r '.[0].run_dir' | cut -d / -f 3)" = "hull-$theirs" ] || fail "it is not theirs"
expect 0 as "$theirs" "$HULL" rm -f web

# ---- nor to be reached, by who knows where it is ----
expect 2 as "$theirs" ls "$run"
expect 2 as "$theirs" ls "$T/$ours/.local/share/hull/store/hull.db"
sed 's/ .*//' sockets | while read -r socket; do
	as "$theirs" python3 -c 'import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except PermissionError:
    sys.exit(0)
sys.exit("connected")' "$run/$socket" || exit 1
done || fail "another user can connect"
expect 1 as "$theirs" env HOME="$T/$ours" "$HULL" ls # the way is shut, which is no empty list
is out ''
has err 'Permission denied'
expect 1 as "$theirs" env HULL_HOME="/tmp/hull-$ours" "$HULL" ls
has err 'Permission denied'
as "$theirs" sh -c 'kill -9 "$1" 2>/dev/null' - "$monitor" && fail "another user has killed the monitor"

# ---- ours has gone on ----
expect 0 as "$ours" "$HULL" pause web
expect 0 as "$ours" "$HULL" inspect web
[ "$(jq -r '.[0] | .state + " " + (.monitor_pid | tostring)' out)" = "paused $monitor" ] || fail "$(cat out)"
expect 0 as "$ours" "$HULL" rm -f web
for user in $ours $theirs; do
	[ -z "$(ls "/tmp/hull-$user/vm")" ] || fail "left: $(find "/tmp/hull-$user")"
	[ -z "$(HULL_E2E_UID=$user && our_processes)" ] || fail "left: $(ps -fu "$user")"
done
