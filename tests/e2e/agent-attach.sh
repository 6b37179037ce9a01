#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Output with nobody, somebody, somebody else and somebody slow attached.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires python3

ring=65536

# numbers FILE : its lines are consecutive numbers; prints the first and the last
numbers()
{
	awk 'NR == 1 { first = $1 } NR > 1 && $1 != last + 1 { print "gap after", last; bad = 1; exit }
		{ last = $1 } END { if (bad || !NR) exit 1; print first, last }' "$1"
}

state_of()
{
	"$hullctl" "$V" list | awk -v id="$1" '$1 == id { print $2 }'
}

vm_start

# 1 MB written with nobody there: the program never waits, the newest 64 KiB are kept, each stream's.
session quiet sh -c 'seq 1 150000; seq 200001 350000 >&2; exit 2'
ctl 0 "$V" wait quiet
is out 'status=2 signal=0 oom=0'
seq 1 150000 | tail -c $ring >want.out
seq 200001 350000 | tail -c $ring >want.err
for i in 1 2; do # not used up by being read
	ctl 0 "$V" attach quiet
	cmp out want.out || fail "replayed output: $(wc -c <out) bytes, first lines $(head -n 2 out)"
	cmp err want.err || fail "replayed errors: $(wc -c <err) bytes, first lines $(head -n 2 err)"
done
ctl 0 "$V" attach quiet --no-replay
is out ''
is err ''
ctl 0 "$V" delete quiet

# Attached before the start: nothing is lost, where it is much more than all that is on the way holds.
ctl 0 "$V" create whole sh -c 'head -c 10000000 /dev/zero | tr "\0" x; echo end'
follow whole whole.out
ctl 0 "$V" start whole
wait "$follower" || fail "attached: $(cat whole.out.err)"
{
	head -c 10000000 /dev/zero | tr '\0' x
	echo end
} | cmp - whole.out || fail "10 MB came changed"
ended whole 0

# Detached and attached again while it runs; the ring bridges what was said between.
session count python3 -I -S -c 'import time
i = 0
while True:
    i += 1
    print(i, flush=True)
    time.sleep(0.01)'
follow count first.out
wait_for 30 sh -c '[ $(wc -l <first.out) -ge 20 ]'
unfollow
sleep 0.3
follow count second.out
wait_for 30 sh -c "[ \$(wc -l <second.out) -gt \$((\$(wc -l <first.out) + 20)) ]"
ctl 0 "$V" health
head -n -1 first.out >first
numbers first >range || fail "first: $(cat range)"
head -n -1 second.out >second
numbers second >range || fail "second: $(cat range)"
[ "$(cut -d' ' -f1 range)" -eq 1 ] || fail "replay begins at $(cat range)"

# Another one takes over: the earlier one is cut off, the new one sees what is new only.
older=$follower
follow count third.out --no-replay
wait_for 30 sh -c '[ $(wc -l <third.out) -ge 20 ]'
wait "$older"
head -n -1 third.out >third
numbers third >range || fail "third: $(cat range)"
[ "$(cut -d' ' -f1 range)" -gt 20 ] || fail "no-replay begins at $(cat range)"
ctl 0 "$V" signal count 9
wait "$follower" || fail "attached: $(cat third.out.err)"
ended count 137 9

# A slow reader holds the program up, and loses nothing by it.
ctl 0 "$V" create slow sh -c 'seq 1 400000'
follow slow slow.out
kill -STOP "$follower"
ctl 0 "$V" start slow
sleep 1
[ "$(state_of slow)" = running ] || fail "the program did not wait for its reader"
ctl 0 "$V" health
kill -CONT "$follower"
wait "$follower" || fail "attached: $(cat slow.out.err)"
seq 1 400000 | cmp - slow.out || fail "a slow reader got something else"
ended slow 0

# Killed in the middle of 16 MB: the program goes on without its reader, the next one gets the rest.
ctl 0 "$V" create big sh -c 'seq 1 2200000 && exec sleep 1000'
mkfifo pipe
python3 -c 'import sys, time
sys.stdin.buffer.read(1000000); print("read", flush=True); time.sleep(1000)' <pipe >reader.out &
reader=$!
follow big pipe
ctl 0 "$V" start big
wait_for 30 grep -q read reader.out
unfollow KILL
kill "$reader"
wait "$reader" 2>/dev/null
ctl 0 "$V" health
ctl 0 "$C" status
has out state=running
follow big rest.out
shows rest.out 2200000
unfollow
tail -n +2 rest.out >rest # the first line may be a piece of one
numbers rest >range || fail "the rest: $(cat range)"
[ "$(cut -d' ' -f2 range)" -eq 2200000 ] || fail "the rest is $(cat range)"
guest 'echo still well'
is out 'still well'
ctl 0 "$V" delete big

# Input is kept open for whoever attaches next; it ends only when somebody ends it.
say()
{
	timeout 20 sh -c 'echo "$0" >typed' "$1" || fail "nobody reads '$1'"
}
mkfifo typed
"$hullctl" "$V" exec talk --stdin sh -c 'cat; echo over' <>typed >talk1 2>/dev/null &
follower=$!
say first
shows talk1 first
unfollow KILL
sleep 0.3
"$hullctl" "$V" attach talk --stdin <>typed >talk2 2>/dev/null &
follower=$!
shows talk2 first # replayed: attached
say second
shows talk2 second
unfollow
expect 0 sh -c 'echo third | timeout 60 "$0" "$1" attach talk --stdin' "$hullctl" "$V"
[ "$(tr '\n' ' ' <out)" = 'first second third over ' ] || fail "said: $(cat out)"
ended talk 0

# Input alone, to one who started with none: there is nothing to type into.
session deaf sh -c 'cat; echo over'
expect 0 sh -c 'echo lost | timeout 60 "$0" "$1" attach deaf --stdin' "$hullctl" "$V"
is out over
vm_stop
