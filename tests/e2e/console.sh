#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The serial console: several readers, the replay for those who come late, one writer at a time.
# Its bounds are tested without a VM, by tests/unit/test-console.c.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires socat

ring=65536

# reader FILE : reads the console into it, $reader
reader()
{
	socat -u "UNIX-CONNECT:$R/console.sock" - >"$1" 2>"$1.err" &
	reader=$!
}

# print TEXT : on the guest's console
print()
{
	guest "printf '%s\n' '$1' >/dev/console"
}

vm_start
print early-words
reader a
a=$reader
reader b
b=$reader
shows a early-words # replayed
shows b early-words
print for-both
shows a for-both
shows b for-both
guest 'seq 1 12000 >/dev/console; echo last-words >/dev/console' # about 60 KB
shows a last-words
shows b last-words
cmp a b || fail "two readers were shown different things"
tr -d '\r' <a >plain
seq 1 12000 >want
sed -n '/^1$/,/^12000$/p' plain | cmp - want || fail "the console's text came changed"
cmp a "$R/console.log" || fail "the log has something else"

# Who comes late gets the last of it, exactly.
guest 'seq 20000 22000 >/dev/console; echo all-said >/dev/console'
shows a all-said
reader late
shows late all-said
tail -c $ring "$R/console.log" | cmp - late || fail "replayed: $(wc -c <late) bytes"
kill "$reader"

# The log follows, also when nobody reads.
kill "$a" "$b"
wait "$a" "$b" "$reader" 2>/dev/null
print unread
wait_for 10 grep -q unread "$R/console.log"

# What is typed comes from the first of those who are connected, then from the next.
session typed sh -c 'stty -F /dev/ttyS0 raw -echo; exec </dev/ttyS0; echo ready; for i in 1 2; do read -r line; echo "$line"; done'
follow typed typed.out
shows typed.out ready
mkfifo keys1 keys2
socat "UNIX-CONNECT:$R/console.sock" - <keys1 >shown1 2>/dev/null &
first=$!
exec 7>keys1
shows shown1 unread
socat "UNIX-CONNECT:$R/console.sock" - <keys2 >shown2 2>/dev/null &
second=$!
exec 6>keys2
shows shown2 unread
echo from-second-too-early >&6
echo from-first >&7
shows typed.out from-first
exec 7>&-
kill "$first"
wait "$first" 2>/dev/null
sleep 0.2
echo from-second >&6
ended typed 0
wait "$follower" || fail "attached: $(cat typed.out.err)"
has typed.out from-second
lacks typed.out too-early

exec 6>&-
kill "$second"
wait "$second" 2>/dev/null

private_kb()
{
	awk '/^RssAnon/ { print $2 }' "/proc/$(monitor)/status"
}

# More is typed than the guest reads: it waits where it is typed, and the console goes on.
before=$(private_kb)
yes | head -c 20000000 | timeout 60 socat -u - "UNIX-CONNECT:$R/console.sock" 2>/dev/null &
flood=$!
sleep 1
print still-there
wait_for 10 grep -q still-there "$R/console.log"
[ "$(private_kb)" -le $((before + 2048)) ] || fail "the monitor uses $(private_kb) kB, $before before"
guest 'stty -F /dev/ttyS0 raw -echo; head -c 6 /dev/ttyS0 | tr -d "\n"'
is out yyy
kill "$flood" # as long as it goes on, the guest has to do with it
wait "$flood" 2>/dev/null
vm_stop

# "hull run --console" shows it on standard error, apart from the command's output.
expect 0 "$HULL" run --console -- sh -c 'echo to-console >/dev/console; echo to-out; sleep 0.2'
is out to-out
has err to-console
