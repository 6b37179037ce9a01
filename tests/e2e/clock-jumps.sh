#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The host's clock jumps, forwards and backwards, while VMs start, run, stop and are waited for: nothing is taken for
# dead or for old, and what takes a second takes a second.  The host is a guest, so that its clock may be set.
. "$(dirname "$0")/functions.sh"

build=$(dirname "$HULL")
cat >inner.sh <<'END'
set -u
export HULL_HOME=/tmp/hull
hull=/srv/hull/hull
mkdir "$HULL_HOME"
cd /tmp

fail()
{
	echo "after $jump: $*: $(cat out err)" >&2
	exit 1
}

good()
{
	patiently "$@" >out 2>err || fail "'$*'"
}

# Hundredths of a second since the host's boot, which don't jump.
uptime()
{
	tr -d . </proc/uptime | cut -d ' ' -f 1
}

# took HUNDREDTHS : at least, from "$begun" on; that it ends is seen by patiently
took()
{
	passed=$(($(uptime) - begun))
	[ "$passed" -ge "$1" ] || fail "that took $passed hundredths of a second"
}

# patiently VERB... : what goes by a clock that was set back would take years
patiently()
{
	timeout -s KILL 100 "$hull" "$@"
}

state()
{
	"$hull" inspect "$1" | jq -r '.[0] | .state + " " + (.reason // "")'
}

make()
{
	printf '{"version":1,"backend":"mock","agent":"none","memory":"64M","restart":{%s},"append":[%s]}' "$2" "$3" >"$1.json"
	good create --config "$1.json" --name "$1"
}

jump=nothing
make web '' ''
make deaf '' '"deaf"'
make slow '' '"boot=3000"'
make brief '"policy":"on-failure","max":2' '"end=panic:300"'
good start web
monitor=$("$hull" inspect web | jq '.[0].monitor_pid')
"$hull" events -f -n 0 -o jsonl >followed 2>&1 &
follower=$!
for jump in '+10 years' '@1000' '2026-11-26'; do
	good start deaf brief
	begun=$(uptime)
	patiently stop -t 3s deaf >/dev/null 2>&1 & # each of them is under way
	stopper=$!
	patiently start slow >/dev/null 2>&1 &
	starter=$!
	patiently wait --deadline 3s web >/dev/null 2>&1 &
	waiter=$!
	sleep 0.5
	date -s "$jump" >/dev/null || exit 1
	good ls
	[ "$(state web)" = 'running ' ] || fail "web is $(state web)"
	[ "$("$hull" inspect web | jq '.[0].monitor_pid')" -eq "$monitor" ] || fail 'web is another one'
	good pause web
	good resume web
	good gc
	[ "$(cat out)" = '0 collected, 0 left alone, 0 failed' ] || fail gc
	wait "$stopper" || fail 'the guest that is deaf was not stopped'
	took 290
	wait "$waiter"
	[ $? -eq 124 ] || fail 'who waited'
	took 290
	wait "$starter" || fail 'the slow one did not start'
	[ "$(state deaf)" = 'stopped stopped' ] && [ "$(state slow)" = 'running ' ] || fail "$(state deaf), $(state slow)"
	good wait brief
	took 30
	[ "$(state brief)" = 'error panic' ] || fail "brief is $(state brief)"
	good kill slow
	begun=$(uptime)
	patiently wait --deadline 1s web >out 2>err
	[ $? -eq 124 ] || fail 'who waited after it'
	took 95
	make later '' ''
	good start later
	good rm -f later
done
good rm -f web deaf slow brief
tries=100
until grep -q '"deleted".*brief' followed || [ $tries -eq 0 ]; do
	sleep 0.1
	tries=$((tries - 1))
done
kill "$follower"
"$hull" events -o jsonl | jq -s 'map(.seq) | . == sort' | grep -qx true || fail 'events are out of order'
"$hull" events -o jsonl | sed '1,/"running".*web/d' | cmp - followed || fail 'what was followed is something else'
[ "$("$hull" events --since '2030-01-01' -o jsonl | jq -s 'length > 10')" = true ] || fail 'the events of 2036'
[ -z "$(ls "$HULL_HOME/run/vm")" ] || fail 'something is left'
echo good
END
requires jq
expect 0 "$HULL" run --net none --cap all -v "$build:/srv/hull:ro" -v "$PWD/inner.sh:/srv/inner.sh:ro" -- sh /srv/inner.sh
is out good
