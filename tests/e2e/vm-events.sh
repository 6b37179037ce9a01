#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "hull events": what happened and what happens, each event once and in order; what VMs come to by
# themselves is told at once, though nobody else asks.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq

# kinds FILE : of the events in it, on one line
kinds()
{
	jq -r '.event + (if .detail then ":" + .detail else "" end)' "$1" | tr '\n' ' '
}

# follower FILE [OPTIONS] : $follower
follower()
{
	into=$1
	shift
	"$HULL" events -f -o jsonl "$@" >"$into" 2>"$into.err" &
	follower=$!
	follows "$follower" 1
}

# tells FILE TEXT : within two seconds
tells()
{
	wait_for 2 grep -q -- "$2" "$1"
}

# ---- nothing has happened ----
expect 0 "$HULL" events
is out "TIME                      ID            EVENT         NAME                  DETAIL"
expect 0 "$HULL" events -o jsonl
is out ""
expect 2 "$HULL" events --since x
expect 2 "$HULL" events --filter state=running
has err "valid: vm, event"
expect 2 "$HULL" events --filter event=stoped
has err "did you mean 'stopped'"
expect 2 "$HULL" events -n -1
expect 2 "$HULL" events -o json
has err "valid: table, jsonl"

# ---- what verbs do ----
follower all
watcher=$follower
expect 0 "$HULL" create --name web
expect 0 "$HULL" start web
expect 0 "$HULL" pause web
expect 0 "$HULL" resume web
expect 0 "$HULL" stop web
expect 0 "$HULL" rename web www
expect 0 "$HULL" events -o jsonl
[ "$(kinds out)" = "created starting running paused resumed stopping stopped:stopped renamed:www " ] ||
	fail "$(cat out)"
[ "$(jq -s -c 'map(.seq) == [range(1; 9)]' out)" = true ] || fail "$(cat out)"
tells all renamed
cmp out all || fail "followed: $(cat all)"

# ---- which ones ----
expect 0 "$HULL" events -n 2 -o jsonl
[ "$(kinds out)" = "stopped:stopped renamed:www " ] || fail "$(cat out)"
expect 0 "$HULL" events --filter event=paused --filter event=resumed -o jsonl
[ "$(kinds out)" = "paused resumed " ] || fail "$(cat out)"
expect 0 "$HULL" events --filter vm=www -o jsonl # it had another name
[ "$(wc -l <out)" -eq 8 ] || fail "$(cat out)"
expect 0 "$HULL" events --filter vm=nonesuch -o jsonl
is out ""
expect 0 "$HULL" events --since 1h --until 30m -o jsonl
is out ""
paused=$(jq -r 'select(.event == "paused") | .time' all)
expect 0 "$HULL" events --until "$paused" -o jsonl
[ "$(kinds out)" = "created starting running " ] || fail "$(cat out)"
expect 0 "$HULL" events --since "$paused" -n 1 -o jsonl
[ "$(kinds out)" = "renamed:www " ] || fail "$(cat out)"
expect 0 "$HULL" events
[ "$(wc -l <out)" -eq 9 ] || fail "$(cat out)"
has out "stopped       web                   stopped"
expect 0 timeout 20 "$HULL" events -f -n 0 -o jsonl --until "@$(($(date +%s) + 2))"
is out ""

# ---- nobody asks, and it is told at once ----
follower ends -n 0
expect 0 "$HULL" start www
vm_of www
tells ends running
kill -TERM "$("$HULL" inspect www | jq '.[0].monitor_pid')"
tells ends terminated
expect 0 "$HULL" start www
kill -KILL "$("$HULL" inspect www | jq '.[0].monitor_pid')"
tells ends monitor-died
expect 0 "$HULL" start www
vm_of www
"$hullctl" "$V" exec crash sh -c 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1
wait_for 20 grep -q panic ends
[ "$(kinds ends)" = "starting running stopped:terminated starting running error:monitor-died starting running error:panic " ] ||
	fail "$(cat ends)"
kill -INT "$follower" # which a background job of a script may ignore
kill -TERM "$follower"
wait "$follower"

# ---- a starter that is killed ----
follower starts -n 0
"$HULL" start www >/dev/null 2>&1 &
starter=$!
tells starts starting
kill -KILL "$starter"
wait "$starter" 2>/dev/null
wait_for 60 grep -qE 'start-interrupted|running' starts
expect 0 "$HULL" kill www
kill -TERM "$follower"
wait "$follower"

# ---- nothing happens: it sleeps ----
slept()
{
	a=$(awk '/voluntary_ctxt/ { n += $2 } END { print n }' "/proc/$watcher/status")
	sleep 2
	b=$(awk '/voluntary_ctxt/ { n += $2 } END { print n }' "/proc/$watcher/status")
	[ "$a" -eq "$b" ]
}
sleep 2
slept || slept || fail "it wakes while nothing happens"

# ---- many at once; a follower that is stopped meanwhile misses nothing ----
follower stopped -n 0
kill -STOP "$follower"
for w in 1 2 3 4 5 6; do
	(for i in 1 2 3 4 5 6 7 8; do
		"$HULL" create --name "w$w-$i" && "$HULL" update "w$w-$i" --label a=b && "$HULL" rm "w$w-$i"
	done) >/dev/null 2>&1 &
	eval "w$w=$!"
done
# shellcheck disable=SC2154
wait "$w1" "$w2" "$w3" "$w4" "$w5" "$w6"
kill -CONT "$follower"
expect 0 "$HULL" rm www
tells all '"deleted".*www'
tells stopped '"deleted".*www'
expect 0 "$HULL" events -o jsonl
cmp out all || fail "followed: $(diff out all)"
[ "$(grep -c w6-8 out)" -eq 4 ] || fail "$(grep w6-8 out)"
[ "$(jq -s -c '(map(.seq) | . == (unique))' out)" = true ] || fail "not in order"
tail -n "$(wc -l <stopped)" out | cmp - stopped || fail "stopped: $(cat stopped)"
[ "$(wc -l <stopped)" -ge 192 ] || fail "stopped: $(wc -l <stopped)"
kill -TERM "$follower" "$watcher"
wait "$follower" "$watcher"

# ---- nobody reads any more ----
mkfifo pipe
"$HULL" events -f -n 0 >pipe 2>/dev/null &
follower=$!
head -n 1 <pipe >/dev/null
wait_for 5 sh -c "! kill -0 $follower"
