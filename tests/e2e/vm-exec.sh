#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Commands in a VM that runs: streams, environment, exit codes, signals and time as with "hull run";
# detached ones; what happens when the VM isn't there, or goes.
. "$(dirname "$0")/functions.sh"
requires jq

on_exit '"$HULL" rm -f web >/dev/null 2>&1'

# cause COMMAND... : 125, and prints the cause of the error
cause()
{
	expect 125 "$HULL" exec --log-format json "$@"
	jq -r '.error | .code + " " + .cause' err
}

sessions()
{
	"$HULL" ps web -o json | jq -r '.[] | .session + " " + .state + " " + (.exit_status | tostring)'
}

# ---- nothing to run in ----
expect 125 "$HULL" exec web true
has err "there is no VM 'web'"
mkdir kept
expect 0 "$HULL" create --name web -v ./kept:/srv
expect 0 "$HULL" --list-vms exec
is out web
expect 0 "$HULL" --list-vms cp
is out web:
expect 0 "$HULL" --list-vms run
is out ''
[ "$(cause web true)" = "STATE not-running" ] || fail "$(cat err)"
expect 125 "$HULL" exec
has err "no VM was named"
expect 125 "$HULL" exec web
has err "no command given"
expect 125 "$HULL" exec --timeout 1s -d web true
has err "nobody is there to look"
expect 125 "$HULL" exec --session 'a b' web true
has err "can't be a session's name"

expect 0 "$HULL" start web

# ---- as "hull run" does it ----
expect 0 "$HULL" exec web sh -c 'echo out; echo err >&2'
is out out
is err err
expect 7 "$HULL" exec web -- sh -c 'exit 7'
expect 0 "$HULL" exec -- web echo -n dashes
is out dashes
expect 0 sh -c 'printf "a\nb\n" | "$0" exec -i web wc -l' "$HULL"
is out 2
expect 0 "$HULL" exec web cat # no input, whatever ours is
is out ''
printf '# kept\nFROM_FILE=1\nBOTH=file\n' >env
expect 0 "$HULL" exec --env-file env -e BOTH=word -w /usr web sh -c 'echo $FROM_FILE $BOTH $HOME $PWD $LANG'
is out "1 word $(awk -F: '$3 == 0 { print $6; exit }' /etc/passwd) /usr C.UTF-8"
expect 0 "$HULL" exec -u 12:34 web id -u
is out 12
expect 0 "$HULL" exec --cap-drop all web grep CapEff /proc/self/status
has out 0000000000000000
expect 0 "$HULL" exec -t web sh -c 'test -t 1 && echo tty'
has out tty
expect 127 "$HULL" exec web no-such-command
has err "command 'no-such-command' not found"
expect 126 "$HULL" exec web /etc/passwd
expect 143 "$HULL" exec web sh -c 'kill -TERM $$'
[ "$(cause -w /nowhere web true)" = "NOT_FOUND working-directory" ] || fail "$(cat err)"
head -c 3000000 /dev/urandom >random
expect 0 sh -c '"$0" exec -i web cat <random | cmp - random' "$HULL"
expect 0 sh -c '"$0" exec web yes 2>err | head -n 1' "$HULL" # its reader goes
is out y

# What was told is gone: no session is left of all these.
[ -z "$(sessions)" ] || fail "left: $(sessions)"

# Several at once.
for n in 1 2 3; do "$HULL" exec web sh -c "sleep 1; echo $n" >"many.$n" & done
wait
[ "$(cat many.*)" = "1
2
3" ] || fail "at once: $(cat many.*)"

# ---- signals and time ----
begin()
{
	: >out
	# A shell without job control has its background jobs ignore SIGINT, which hull respects.
	rm -f out # what is waited for is not of the one before
	env --default-signal "$HULL" exec "$@" >out 2>err &
	pid=$!
	wait_for 60 grep -q ready out
}

ended()
{
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq "$1" ] || fail "exit code $code, not $1: $(cat err)"
}

begin web sh -c 'trap "echo caught; exit 5" INT; sleep 1000 & echo ready; wait'
kill -INT "$pid"
ended 5
has out caught
begin --session deaf web sh -c 'trap "" INT; echo ready; exec sleep 1000'
for _ in 1 2 3 4 5 6; do
	kill -INT "$pid" 2>/dev/null
	sleep 0.3
done
ended 130
[ "$(cause --timeout 1s web sleep 1000)" = "TIMEOUT command-timeout" ] || fail "$(cat err)"
[ -z "$(sessions)" ] || fail "left: $(sessions)"
expect 0 "$HULL" exec web true # the VM is as it was

# ---- detached ----
expect 0 "$HULL" exec -d web sh -c 'sleep 0.2; exit 3'
made_up=$(cat out)
expect 0 "$HULL" exec -d --session kept web sh -c 'echo said; exit 4'
is out kept
wait_for 30 sh -c '[ "$("$0" ps web -o json | jq -r "map(select(.state == \"stopped\")) | length")" -eq 2 ]' "$HULL"
[ "$(sessions | sort)" = "$(printf '%s stopped 3\nkept stopped 4\n' "$made_up" | sort)" ] || fail "$(sessions)"
[ "$(cause --session kept web true)" = "EXISTS " ] || fail "$(cat err)"
expect 4 "$HULL" attach web kept
is out said
expect 3 "$HULL" attach web "$made_up"
[ -z "$(sessions)" ] || fail "left: $(sessions)"
expect 127 "$HULL" exec -d web no-such-command
[ -z "$(sessions)" ] || fail "left: $(sessions)"

# ---- the list ----
expect 0 "$HULL" exec -d --session long web sleep 1000
expect 0 "$HULL" ps web
has out "SESSION  STATE    PID"
grep -q '^long     running  [0-9]* *-  *sleep 1000$' out || fail "$(cat out)"
expect 0 "$HULL" ps
grep -q '^web  long     running' out || fail "$(cat out)"
expect 1 "$HULL" ps web nonesuch
has err "there is no VM 'nonesuch'"
has out long

# ---- the VM goes ----
expect 0 "$HULL" pause web
[ "$(cause web true)" = "STATE paused" ] || fail "$(cat err)"
expect 1 "$HULL" ps web
has err "is paused"
expect 0 "$HULL" ps
expect 0 "$HULL" resume web
begin web sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
begun=$(date +%s%N)
expect 0 "$HULL" stop -t 8s web
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -ge 5900 ] || fail "a program that minds no SIGTERM had $took ms of 8 s"
ended 137
expect 0 "$HULL" start web
begin web sh -c 'echo ready; exec sleep 1000'
expect 0 "$HULL" kill web
cp err said
ended 125
grep -q "VM 'web' ended" err || fail "$(cat err)"

# ---- it is asked to go, and whatever runs in it gets the time to do so ----
expect 0 "$HULL" start web
expect 0 "$HULL" exec -d --session saver web sh -c 'trap "sleep 1; echo saved >/srv/state; exit 9" TERM; echo ready; while :; do sleep 0.1; done'
begin web sh -c 'echo ready; exec sleep 1000'
expect 0 "$HULL" stop -t 30s web
cp err said
ended 143
is kept/state saved
expect 0 "$HULL" ls -o json
[ "$(jq -r '.[0].reason' out)" = stopped ] || fail "$(cat out)"
expect 0 "$HULL" start web # at once where nothing runs, or all that does ends
begin -t web bash --norc -i -c 'echo ready; read -r line'
begun=$(date +%s)
expect 0 "$HULL" stop -t 100s web
took=$(($(date +%s) - begun))
[ "$took" -le 40 ] || fail "a shell that is hung up had the guest wait for $took s"
wait "$pid"
expect 0 "$HULL" start web
begin --log-format json web sh -c 'echo ready; exec sleep 1000'
kill -KILL "$("$HULL" inspect web | jq '.[0].monitor_pid')"
ended 125
[ "$(jq -r .error.cause err)" = monitor-died ] || fail "$(cat err)"

# ---- one without an agent ----
expect 0 "$HULL" rm -f web
printf '{"version":1,"name":"web","agent":"none"}' >vm.json
expect 0 "$HULL" create --config vm.json
expect 0 "$HULL" start web
[ "$(cause web true)" = "UNSUPPORTED no-agent" ] || fail "$(cat err)"
expect 0 "$HULL" ps
expect 0 "$HULL" rm -f web
