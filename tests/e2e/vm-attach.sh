#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Commands outlive whoever started them: attached to again, with what they said meanwhile, typed to,
# taken over, left alone; on a terminal too, which is vm-attach.py.
. "$(dirname "$0")/functions.sh"
requires jq python3

on_exit '"$HULL" rm -f web >/dev/null 2>&1'

# running SESSION
running()
{
	"$HULL" ps web -o json | jq -e --arg s "$1" '.[] | select(.session == $s and .state == "running")' >/dev/null
}

# shows FILE TEXT : waits until the file has it
shows()
{
	wait_for 30 grep -qF -- "$2" "$1"
}

# numbers FILE : its lines are consecutive numbers, but the last, which may be cut
numbers()
{
	head -n -1 "$1" | awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 } END { if (!NR) exit 1 }' ||
		fail "$1 has gaps: $(head -c 600 "$1")"
}

expect 0 "$HULL" create --name web
expect 0 "$HULL" start web

expect 125 "$HULL" attach web
has err "takes a VM and a session"
expect 125 "$HULL" attach --log-format json web nonesuch
[ "$(jq -r .error.cause err)" = no-such-session ] || fail "$(cat err)"

# ---- the client is killed, the command goes on ----
"$HULL" exec --session count web python3 -I -S -c 'import time
i = 0
while True:
    i += 1
    print(i, flush=True)
    time.sleep(0.01)' >first 2>&1 &
client=$!
shows first 20
kill -KILL "$client"
wait "$client" 2>/dev/null
running count || fail "it ended with its client"
"$HULL" attach web count >second 2>second.err &
client=$!
wait_for 30 sh -c '[ "$(wc -l <second)" -gt "$(($(wc -l <first) + 20))" ]'
numbers first
numbers second
[ "$(head -n 1 second)" -eq 1 ] || fail "not all of it was replayed: $(head -n 1 second)"

# ---- somebody else takes over: the former one is told so ----
"$HULL" attach --no-replay web count >third 2>third.err &
other=$!
shows third "
"
code=0
wait "$client" || code=$?
[ "$code" -eq 125 ] || fail "taken over: $code, $(cat second.err)"
has second.err "somebody else"
numbers third
[ "$(head -n 1 third)" -gt 20 ] || fail "no-replay begins at $(head -n 1 third)"

# ---- a signal goes to the command; the second one only lets go ----
expect 0 "$HULL" exec -d --session deaf web sh -c 'trap "echo heard" INT; while :; do sleep 0.1; done'
env --default-signal "$HULL" attach web deaf >deaf 2>&1 &
client=$!
sleep 0.5 # until it is attached it would let go
for _ in 1 2 3 4 5 6; do
	kill -INT "$client" 2>/dev/null || break
	sleep 0.3
done
code=0
wait "$client" || code=$?
[ "$code" -eq 130 ] || fail "let go: $code, $(cat deaf)"
has deaf heard
running deaf || fail "the second signal ended it"
kill -TERM "$other"
code=0
wait "$other" || code=$?
[ "$code" -eq 143 ] || fail "ended by a signal: $code, $(cat third.err)"
running count && fail "a signal did not reach it"

# ---- its status is there for whoever asks first, once ----
expect 0 "$HULL" exec -d --session brief web sh -c 'seq 1 30000; echo last >&2; exit 9'
wait_for 30 sh -c '"$0" ps web | grep -q "^brief *stopped"' "$HULL"
expect 9 "$HULL" attach web brief
seq 1 30000 | tail -c 65536 | cmp - out || fail "replayed: $(wc -c <out) bytes"
is err last
expect 125 "$HULL" attach web brief
has err "there is no session 'brief'"

# ---- typed to, by several in turn ----
expect 0 "$HULL" exec -d -i --session talk web sh -c 'while read -r line; do echo "<$line>"; done; exit 6'
mkfifo typed
"$HULL" attach -i web talk <>typed >talk1 2>&1 &
client=$!
echo one >typed
shows talk1 "<one>"
kill -KILL "$client"
wait "$client" 2>/dev/null
running talk || fail "its input ended with a client"
code=0
echo two | timeout 60 "$HULL" attach -i web talk >talk2 2>&1 || code=$?
[ "$code" -eq 6 ] || fail "end of input: $code, $(cat talk2)"
is talk2 "<one>
<two>"
# Without -i there is nothing to type to.
expect 0 "$HULL" exec -d --session mute web cat
expect 0 "$HULL" attach web mute
is out ''

# ---- on a terminal ----
expect 0 env HULL="$HULL" timeout 200 python3 "$(dirname "$script")/vm-attach.py"

# ---- the VM ends ----
"$HULL" attach web deaf >last 2>last.err &
client=$!
shows last heard
expect 0 "$HULL" kill web
code=0
wait "$client" || code=$?
[ "$code" -eq 125 ] || fail "the VM was killed: $code"
has last.err "VM 'web' ended"
expect 125 "$HULL" attach web deaf
has err "is not running"
expect 0 "$HULL" rm web
