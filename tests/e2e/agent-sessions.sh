#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sessions of a running VM: names, states, statuses, signals, and what they share and don't.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"

vm_start
ctl 0 "$V" health
is out SERVING
ctl 0 "$V" version
is out "$("$HULL" --version | sed 's/^[^0-9]*//') 0.0.1"
ctl 0 "$V" info
has out "machine=$(uname -m)"
rss=$(sed -n 's/^rss_bytes=//p' out)
[ "$rss" -gt 0 ] && [ "$rss" -le 2097152 ] || fail "the agent uses $rss bytes of memory"

# The status is there for every waiter, before and after the end, until the session is deleted.
session kept sh -c 'sleep 0.5; exit 7'
waiters=
for i in 1 2 3 4; do
	timeout 60 "$hullctl" "$V" wait kept >"waiter$i" 2>&1 &
	waiters="$waiters $!"
done
# shellcheck disable=SC2086
wait $waiters
for i in 1 2 3 4; do
	is "waiter$i" 'status=7 signal=0 oom=0'
done
ctl 0 "$V" list
is out "kept stopped 0 7 sh -c sleep 0.5; exit 7"
ended kept 7
for words in 'wait kept' 'start kept' 'signal kept 15' 'resize kept 1 1' 'close-stdin kept' 'attach kept' \
	'delete kept'; do
	# shellcheck disable=SC2086
	ctl 1 "$V" $words
	has err 'NOT_FOUND [no-such-session]'
done

# One session a name, one start a session.
ctl 0 "$V" create one sleep 1000
ctl 1 "$V" create one true
has err EXISTS
ctl 1 "$V" signal one 15
has err 'STATE [not-running]'
ctl 0 "$V" start one
[ "$(cat out)" -gt 1 ] || fail "pid $(cat out)"
ctl 1 "$V" start one
has err 'STATE [already-started]'
ctl 1 "$V" resize one 24 80
has err 'STATE [no-terminal]'
ctl 1 "$V" signal one 99
has err INVALID
ctl 0 "$V" signal one 15
ctl 0 "$V" wait one
is out 'status=143 signal=15 oom=0'
ctl 1 "$V" signal one 15
has err 'STATE [not-running]'
ctl 1 "$V" start one
has err 'STATE [already-started]'
ctl 0 "$V" delete one

# Deleting what runs kills it; who waits for it hears that.
session doomed sh -c 'flock /tmp/doomed sh -c "echo ready; sleep 1000"'
follow doomed doomed.out
shows doomed.out ready
timeout 60 "$hullctl" "$V" wait doomed --ready waits >waiter 2>&1 &
waiter=$!
wait_for 30 test -e waits
ctl 0 "$V" delete doomed
wait "$waiter" "$follower"
is waiter 'status=137 signal=9 oom=0'
guest 'flock -n /tmp/doomed true'

# What can't be started says why, and has a status as in a shell.
ctl 0 "$V" create missing no-such-program
ctl 1 "$V" start missing
has err command-not-found
ended missing 127
ctl 0 "$V" create plain /etc/passwd
ctl 1 "$V" start plain
has err not-executable
ended plain 126
ctl 1 "$V" create empty
has err INVALID

# Masks of capabilities are the host's, but not believed.
for caps in 3:0:0 -1:0:0 0:6:4; do
	ctl 1 "$V" create caps --caps $caps true
	has err INVALID
done
ctl 0 "$V" create caps --caps 2:8000000000000001:2 true
ctl 1 "$V" start caps
has err 'UNSUPPORTED [no-such-capability]'
has err "no capability '63'"
ended caps 125
ctl 0 "$V" create caps --caps 0:0:8000000000000001 sh -c 'chown 1 /tmp || exit 9'
ctl 0 "$V" start caps
ended caps 9

# A signal for the first process, or for all.
session family sh -c 'trap "echo interrupted" TERM; sleep 1000 & sleep 1000 & echo ready; until wait; do :; done; exit 5'
follow family family.out
shows family.out ready
ctl 0 "$V" signal family 15
shows family.out interrupted
sleep 0.3
ctl 0 "$V" list
has out 'family running'
ctl 0 "$V" signal family 15 --all
ended family 5
wait "$follower" || fail "attached to 'family': $(cat family.out.err)"
session stubborn sh -c 'trap "" TERM; sleep 1000 & exec sleep 1000'
ctl 0 "$V" signal stubborn 9 --all
ended stubborn 137 9

# What a program leaves behind dies with it, daemons too.
session parent sh -c 'setsid flock /tmp/orphan sleep 1000 & until ! flock -n /tmp/orphan true; do sleep 0.05; done; exit 4'
ctl 0 "$V" wait parent
guest 'flock -w 5 /tmp/orphan true'
ended parent 4

# Its own processes, control group and mounts.
ctl 0 "$V" exec group-1 sh -c 'cat /proc/self/cgroup'
cp out group
ctl 0 "$V" exec group-2 sh -c 'cat /proc/self/cgroup'
! cmp -s out group && ! grep -qx '0::/' out ||
	fail "two sessions in one control group: $(cat group out)"
ctl 0 "$V" delete group-1
ctl 0 "$V" delete group-2
guest 'echo $$; ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm'
[ "$(sed -n 1p out)" -le 5 ] && [ "$(sed -n 2p out)" -le 8 ] || fail "sees others' processes: $(cat out)"
session mounter sh -c 'mount -t tmpfs private /mnt && touch /mnt/mark && echo mounted && sleep 1000'
follow mounter mounter.out
shows mounter.out mounted
guest 'ls /mnt; grep -c private /proc/self/mounts || true'
is out 0
ctl 0 "$V" delete mounter
wait "$follower"
guest 'ls /mnt; ls -d /sys/fs/cgroup/*/ | wc -l'
is out 1 # the groups of earlier ones are gone

# A terminal's size, before the start and later.
ctl 0 "$V" create term --tty sh -c 'trap "stty size; exit 6" WINCH; stty size; while :; do sleep 0.1; done'
ctl 0 "$V" resize term 31 77
ctl 0 "$V" start term
follow term term.out --tty
shows term.out '31 77'
ctl 0 "$V" resize term 41 97
ended term 6
wait "$follower" || fail "attached to 'term': $(cat term.out.err)"
has term.out '41 97'

# The end of input by a call, after what is pending.
mkfifo typed
timeout 60 "$hullctl" "$V" exec cat --stdin cat <typed >cat.out 2>cat.err &
cat=$!
exec 8>typed
echo some text >&8
shows cat.out 'some text'
ctl 0 "$V" close-stdin cat
wait "$cat" || fail "cat: $(cat cat.err)"
exec 8>&-

# A user by name, with its groups; one that is not there.
ctl 0 "$V" create daemon --user daemon id -un
ctl 0 "$V" start daemon
ctl 0 "$V" wait daemon
ctl 0 "$V" attach daemon
is out daemon
ctl 0 "$V" create nobody --user no-such-user true
ctl 1 "$V" start nobody
has err no-such-user

vm_stop
