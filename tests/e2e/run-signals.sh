#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C goes to the command; a second one within two seconds stops the VM; TERM and HUP too.
. "$(dirname "$0")/functions.sh"

# begin COMMAND... : in the background, until it has printed "ready"
begin()
{
	: >out
	# A shell without job control has its background jobs ignore SIGINT, which hull respects.
	rm -f out # what is waited for is not of the one before
	env --default-signal "$HULL" run -- "$@" >out 2>err &
	pid=$!
	wait_for 60 grep -q ready out
}

# over PID : it has ended, waited for or not
over()
{
	! grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null
}

# ended CODE
ended()
{
	wait_for 90 over "$pid"
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq "$1" ] || fail "exit code $code, not $1: $(cat err)"
}

begin sh -c 'trap "echo caught; exit 5" INT; sleep 1000 & echo ready; wait'
kill -INT "$pid"
ended 5
has out caught

begin sh -c 'echo ready; exec sleep 1000'
kill -TERM "$pid"
ended 143

# During boot the first one ends it.
env --default-signal "$HULL" run -- sleep 1000 >out 2>err &
pid=$!
sleep 0.3
kill -INT "$pid"
ended 130

[ "$(id -u)" -eq 0 ] || exit 0 # the rest is the same for everybody
begin sh -c 'trap "" INT; echo ready; exec sleep 1000'
# On a busy host two may come further apart than they are sent.
for _ in 1 2 3 4 5 6; do
	kill -INT "$pid" 2>/dev/null
	sleep 0.3
done
ended 130

# What the caller ignores stays ignored.
: >out
rm -f out
(trap '' HUP && exec "$HULL" run -- sh -c 'echo ready; sleep 2; exit 9') >out 2>err &
pid=$!
wait_for 60 grep -q ready out
kill -HUP "$pid"
ended 9
