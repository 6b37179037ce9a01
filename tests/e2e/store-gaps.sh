#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What keepers of VMs are known to get wrong, each on the mock backend: slips of the pen that pass, a state that
# depends on how one asks, a pid that is somebody else's, batches that tell half of it, signals that leave
# something behind, one failure that is told for all.
. "$(dirname "$0")/functions.sh"
requires jq python3
on_exit '"$HULL" rm -a -f -q >/dev/null 2>&1'
db=$HULL_HOME/state/store/hull.db
run=$HULL_HOME/run/vm

# sql TEXT : behind the program's back
sql()
{
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
db.executescript(sys.argv[2])' "$db" "$1" || fail "sql: $1"
}

# make NAME [WORDS] : a VM whose mock gets these words
make()
{
	made=$1
	shift
	words=$(printf '"%s",' "$@")
	[ $# -gt 0 ] || words=
	printf '{"version":1,"backend":"mock","agent":"none","memory":"64M","append":[%s]}' "${words%,}" >"$made.json"
	expect 0 "$HULL" create --name "$made" --config "$made.json"
	is out "$made"
	is err ''
}

# field VM JQ : of what "inspect" says
field()
{
	"$HULL" inspect "$1" 2>/dev/null | jq -r ".[0] | $2"
}

# state VM WANTED
state()
{
	[ "$(field "$1" '.state + " " + (.reason // "-")')" = "$2" ] || fail "VM $1 is not $2: $("$HULL" inspect "$1")"
}

# refused CAUSE VERB... : a VM, by this name
refused()
{
	cause=$1
	shift
	expect 1 "$HULL" "$@" -o json
	[ "$(jq -r '.failed[0] | .code + " " + .cause' out)" = "STATE $cause" ] || fail "'$*': $(cat out)"
}

# unchanged VERB... : a VM, nothing had to be done
unchanged()
{
	expect 0 "$HULL" "$@" -o json
	[ "$(jq .succeeded[0].unchanged out)" = true ] || fail "'$*': $(cat out)"
}

# kill_monitor VM : dead, and its locks free, before anybody looks
kill_monitor()
{
	killed=$(field "$1" .monitor_pid)
	held=$(field "$1" .run_dir)/lock
	kill -KILL "$killed"
	wait_for 10 flock -n "$held" true
}

# gone PID : or dead, if not buried yet
gone()
{
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

# is_starting VM : and its monitor is there
is_starting()
{
	wait_for 20 sh -c '"$0" inspect "$1" | jq -e ".[0] | .state == \"starting\"" &&
		ls "$2/$("$0" inspect "$1" | jq -r ".[0].id[:12]")/monitor.json"' "$HULL" "$1" "$run"
}

nothing_runs()
{
	[ -z "$(ls "$run")" ] && [ -z "$(our_processes)" ]
}

# ---- slips: each verb and option that is none is refused, and told what may have been meant ----
for verb in $("$HULL" --list-verbs); do
	want=2
	case $verb in vfkit) continue ;; run | exec | attach) want=125 ;; esac
	expect "$want" "$HULL" "$verb" --nonesuch
	has err "unknown option '--nonesuch'"
	is out ''
done
while read -r slip meant; do
	expect 2 "$HULL" "$slip"
	has err "unknown verb '$slip'; did you mean '$meant'?"
	is out ''
done <<END
strat start
crate create
pasue pause
lss ls
pss ps
rmm rm
inspekt inspect
Stop stop
END
expect 2 "$HULL" config chek
has err "did you mean 'check'?"
expect 2 "$HULL" snapshit
has err "unknown verb 'snapshit'"
while read -r verb slip meant; do
	expect 2 "$HULL" "$verb" "--$slip"
	has err "unknown option '--$slip'; did you mean '--$meant'?"
done <<END
ls fliter filter
stop daedline deadline
rm forse force
create lable label
gc dry-rum dry-run
events folow follow
logs tial tail
END
for verb in ls gc df events create version doctor; do
	expect 2 "$HULL" "$verb" stray
	has err "unexpected argument 'stray'"
done
for verb in start stop kill rm ls ps stats df events gc create; do
	expect 2 "$HULL" "$verb" -o xml
	has err "xml"
	is out ''
done
expect 2 "$HULL" create --name 'x;y'
expect 2 "$HULL" create --name "$(printf 'x\ny')"

# ---- nothing is there: that is a list too ----
expect 0 "$HULL" ls -o json
is out '[]'
expect 0 "$HULL" ls --filter state=running -o json
is out '[]'
expect 0 "$HULL" ps -o json
is out '[]'
expect 0 "$HULL" stats --interval 100ms -n 1 -o json
is out '[]'
for words in 'ls -o jsonl' 'ls -q' 'ls -o name' 'events -o jsonl'; do
	# shellcheck disable=SC2086
	expect 0 "$HULL" $words
	is out ''
done
for verb in ls ps events; do
	expect 0 "$HULL" "$verb"
	[ "$(wc -l <out)" -eq 1 ] || fail "'$verb' has no heading: $(cat out)"
done
expect 0 "$HULL" start --all -o json
[ "$(jq -c . out)" = '{"succeeded":[],"failed":[]}' ] || fail "$(cat out)"
expect 1 "$HULL" inspect nonesuch
is out '[]'

# ---- what is for programs is on standard output, and nothing else is ----
expect 0 "$HULL" create --config /dev/stdin --label k=v -q <<END
{"version":1,"name":"web","backend":"mock","agent":"none","memory":"64M"}
END
is err ''
id=$(cat out)
[ "$(field web .id | head -c 12)" = "$id" ] && [ ${#id} -eq 12 ] || fail "the id is '$id'"
for verb in start pause resume stop; do
	expect 0 "$HULL" "$verb" web
	is out web
	is err ''
done
for verb in start pause resume stop; do # all that is known of it, by each
	expect 0 "$HULL" "$verb" web -o json
	is err ''
	jq -S '.succeeded[0] | del(.unchanged)' out >said
	"$HULL" inspect web | jq -S '.[0] | del(.config)' | cmp - said || fail "'$verb': $(cat said)"
done
expect 0 "$HULL" rm web
is out web
is err ''

# ---- a name is one VM's, whatever its backend; that is found before anything is made ----
make web
"$HULL" ls -q >before
find "$HULL_HOME" ! -path "$db*" | sort >files
expect 1 "$HULL" create --name web
has err "is that of VM $(field web .id | head -c 12)"
expect 1 "$HULL" create --config web.json --name web
"$HULL" ls -q | cmp - before || fail "something was made"
find "$HULL_HOME" ! -path "$db*" | sort | cmp - files || fail "something was made"

# ---- each once, however often it is named; what is not one VM alone is none ----
make db
sql "PRAGMA foreign_keys = OFF;
UPDATE vm SET id = 'fee' || substr(id, 4) WHERE name = 'web'; UPDATE config SET vm = (SELECT id FROM vm WHERE name = 'web')
	WHERE vm LIKE '%' || substr((SELECT id FROM vm WHERE name = 'web'), 4);
UPDATE vm SET id = 'fee' || substr(id, 4) WHERE name = 'db'; UPDATE config SET vm = (SELECT id FROM vm WHERE name = 'db')
	WHERE vm LIKE '%' || substr((SELECT id FROM vm WHERE name = 'db'), 4)"
expect 2 "$HULL" inspect fee
has err "$(field web .id | head -c 12)"
has err "$(field db .id | head -c 12)"
expect 1 "$HULL" rm fee db -o json
[ "$(jq -c '[[.succeeded[].ref], .failed[0].cause]' out)" = '[["db"],"ambiguous"]' ] || fail "$(cat out)"
expect 0 "$HULL" inspect fee # now it is
expect 1 "$HULL" inspect fe
has err "there is no VM 'fe'"
make db
expect 0 "$HULL" start web db fee web "$(field db .id)" -o json
[ "$(jq -c '[.succeeded[].name]' out)" = '["web","db"]' ] || fail "$(cat out)"
expect 0 "$HULL" rm -f web db

# ---- what may be done in which state ----
make web
before=$(field web .created_at)
for verb in stop kill; do unchanged "$verb" web; done
state web 'created -' # nothing was stopped
[ "$(field web .stopped_at)" = null ] && [ "$(field web .created_at)" = "$before" ] || fail "$("$HULL" inspect web)"
for verb in pause resume; do refused not-running "$verb" web; done
expect 1 "$HULL" console web
expect 125 "$HULL" exec web true
sql "UPDATE vm SET state = 'creating'"
refused creating start web
for verb in pause resume; do refused not-running "$verb" web; done
unchanged stop web
expect 0 "$HULL" rm web # whoever was making it
make web off=60000 # its guest takes a minute to power off
expect 0 "$HULL" start web
started=$(field web .started_at)
monitor=$(field web .monitor_pid)
unchanged start web
unchanged resume web
refused running rm web
[ "$(field web .started_at)" = "$started" ] && [ "$(field web .monitor_pid)" = "$monitor" ] || fail "it was started again"
expect 0 "$HULL" pause web
unchanged pause web
refused paused start web
refused running rm web
expect 0 "$HULL" resume web
HULL_FAULT_LOG=$T/points "$HULL" stop -t 60s web >/dev/null 2>&1 &
stopper=$!
wait_for 10 grep -q hull/rpc.called:2 points # whether it lives, and that it may end
expect 124 timeout 20 "$HULL" start --deadline 300ms web -o json # somebody is at it
[ "$(jq -r '.failed[0] | .code + " " + .cause' out)" = "TIMEOUT locked" ] || fail "$(cat out)"
kill -KILL "$stopper"
wait "$stopper" 2>/dev/null
for verb in start pause resume; do refused stopping "$verb" web; done
refused running rm web
state web 'stopping -'
[ "$(field web .monitor_pid)" = "$monitor" ] || fail "it is another one"
expect 0 "$HULL" kill web
state web 'stopped stopped'
unchanged kill web
gone "$monitor" || fail "monitor $monitor lives"
for verb in pause resume; do refused not-running "$verb" web; done
expect 0 "$HULL" start web
kill_monitor web
state web 'error monitor-died'
for verb in pause resume; do refused not-running "$verb" web; done
unchanged stop web
state web 'error monitor-died'
expect 0 "$HULL" rm web

# ---- whoever looks first sees that it has died, in whatever form ----
make web
for look in 'ls --filter state=error -q' 'ls -o json' 'ls' 'ls -o jsonl' 'inspect web' 'wait web' 'start web' 'pause web'; do
	expect 0 "$HULL" start web
	kill_monitor web
	# shellcheck disable=SC2086
	"$HULL" $look >out 2>err
	case $look in
	start*) ;;
	pause*) has err 'is not running' ;;
	*-q) [ "$(wc -l <out)" -eq 1 ] || fail "'$look' does not show it" ;;
	*) has out monitor-died ;;
	esac
done

# ---- its pid has become somebody else's, who is not harmed ----
sleep 1000 &
innocent=$!
on_exit "kill $innocent 2>/dev/null"
sleep 0.1 # the kernel tells starts to the hundredth of a second
for verb in ls kill 'stop -t 1s' 'rm -f'; do
	expect 0 "$HULL" start web
	dir=$(field web .run_dir)
	kill_monitor web
	sql "UPDATE vm SET monitor_pid = $innocent"
	jq -c ".pid = $innocent" "$dir/monitor.json" >forged && cat forged >"$dir/monitor.json"
	# shellcheck disable=SC2046,SC2086
	expect 0 "$HULL" $verb $([ "$verb" = ls ] || echo web)
	[ "$verb" != ls ] || has out monitor-died
	kill -0 "$innocent" || fail "'$verb' has killed somebody else"
	[ ! -e "$dir" ] || fail "'$verb' left $dir"
done
expect 0 "$HULL" ls -q
is out ''

# ---- nobody reaps its monitor, which is dead all the same ----
make web
python3 - <<'END' || fail "a dead monitor that nobody reaps"
import ctypes, json, os, signal, subprocess, time
hull = os.environ["HULL"]
def vm():
    return json.loads(subprocess.run([hull, "inspect", "web"], check=True, capture_output=True).stdout)[0]
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # all orphans become ours
subprocess.run([hull, "start", "-q", "web"], check=True)
pid = vm()["monitor_pid"]
os.kill(pid, signal.SIGKILL)
deadline = time.monotonic() + 20
while open(f"/proc/{pid}/stat").read().rpartition(") ")[2][0] != "Z":
    assert time.monotonic() < deadline
    time.sleep(0.01)
assert vm()["state"] == "error", vm()
subprocess.run([hull, "start", "-q", "web"], check=True)
assert vm()["state"] == "running", vm()
END
expect 0 "$HULL" rm -f web

# ---- many, of which some fail: each is told, in order, by its own error ----
make one
make two 'fail=two is broken'
make three
make four 'fail=four is broken'
printf '{"version":1,"name":"five","kernel":"%s/kernel","agent":"none"}' "$T" >five.json
cp "${HULL_GUEST_DIR:-$(dirname "$HULL")/guest}/vmlinux" kernel # of another backend
expect 0 "$HULL" create --config five.json
rm kernel
expect 1 "$HULL" start one two three nonesuch four five -o json
is err ''
[ "$(jq -c '[.succeeded[].name]' out)" = '["one","three"]' ] || fail "$(cat out)"
[ "$(jq -c '[.failed[] | [.ref, .code]]' out)" = \
	'[["two","BACKEND"],["nonesuch","NOT_FOUND"],["four","BACKEND"],["five","NOT_FOUND"]]' ] || fail "$(cat out)"
[ "$(jq '[.failed[] | has("cause") and has("message") and has("hint")] | all' out)" = true ] || fail "$(cat out)"
for n in 'two is broken' 'four is broken' "$T/kernel"; do has out "$n"; done
expect 1 "$HULL" start two one nonesuch four
is out one
has err 'two is broken'
has err "there is no VM 'nonesuch'"
has err 'four is broken'
has err '3 of 4 failed'
grep -E 'broken|nonesuch' err | grep -o 'two\|nonesuch\|four' | uniq | tr '\n' ' ' >order
is order 'two nonesuch four '
expect 1 "$HULL" rm one two nonesuch -o json # the one that runs
[ "$(jq -c '[[.succeeded[].ref], [.failed[] | [.ref, .cause]]]' out)" = \
	'[["two"],[["one","running"],["nonesuch",""]]]' ] || fail "$(cat out)"
expect 0 "$HULL" rm -f -a

# ---- a failure is tried once, and is told at once ----
make web 'fail=it is broken'
begun=$(date +%s%N)
rm -f points
HULL_FAULT_LOG=$T/points "$HULL" start web >/dev/null 2>err && fail "it started"
took=$((($(date +%s%N) - begun) / 1000000))
has err 'it is broken'
[ "$(grep -c hull-monitor/spawn: points)" -eq 1 ] || fail "the hypervisor was spawned $(grep spawn points)"
[ "$took" -le 5000 ] || fail "a start that failed took $took ms"
state web 'error start-failed'
expect 0 "$HULL" events --filter "vm=$(field web .id)" -o jsonl
[ "$(jq -r .event out | tr '\n' ' ')" = "created starting start-failed " ] || fail "$(cat out)"
expect 0 "$HULL" rm web

# ---- ended by a signal, a start is taken back, and nobody's after it ----
make slow boot=60000
make quick
while read -r signal number; do
	env --default-signal "$HULL" start quick slow >out 2>err &
	starter=$!
	is_starting slow
	wait_for 20 sh -c '"$0" ls --filter state=running -o name | grep -q quick' "$HULL"
	kill "-$signal" "$starter"
	code=0
	wait "$starter" 2>/dev/null || code=$?
	[ "$code" -eq $((128 + number)) ] || fail "SIG$signal: $code"
	state quick 'running -'
	wait_for 20 sh -c '"$0" inspect slow | jq -e ".[0].state == \"error\""' "$HULL"
	state slow 'error start-interrupted'
	[ "$(ls "$run")" = "$(basename "$(field quick .run_dir)")" ] || fail "SIG$signal left: $(ls "$run")"
	expect 0 "$HULL" rename slow other # its name is free
	expect 0 "$HULL" rename other slow
	expect 0 "$HULL" kill quick
	nothing_runs || wait_for 10 nothing_runs
done <<END
HUP 1
INT 2
KILL 9
TERM 15
END

# ---- a stop that nobody waits for any more goes on, and is recorded by who looks ----
make soft off=1500
for signal in INT KILL; do
	expect 0 "$HULL" start soft
	rm -f points
	HULL_FAULT_LOG=$T/points env --default-signal "$HULL" stop -t 60s soft >out 2>err &
	stopper=$!
	wait_for 20 grep -q hull/rpc.called:2 points
	kill "-$signal" "$stopper"
	code=0
	wait "$stopper" 2>/dev/null || code=$?
	[ "$code" -gt 128 ] || fail "SIG$signal: $code $(cat err)"
	wait_for 20 sh -c '"$0" ls --filter state=stopped -o name | grep -q soft' "$HULL"
	state soft 'stopped stopped'
done
expect 0 "$HULL" rm soft

# ---- one that takes its time holds nobody up ----
"$HULL" start slow >/dev/null 2>&1 &
starter=$!
is_starting slow
while read -r words; do
	# shellcheck disable=SC2086
	expect 0 timeout 10 "$HULL" $words
done <<END
ls
inspect slow
inspect quick
create --config quick.json --name third
start quick third
pause quick
resume quick
stop quick
rm -f third
events
df
gc
END
state slow 'starting -'
expect 0 timeout 10 "$HULL" kill slow
code=0
wait "$starter" || code=$?
[ "$code" -eq 1 ] || fail "the start of a killed VM: $code"
"$HULL" start slow >/dev/null 2>&1 &
starter=$!
is_starting slow
expect 0 timeout 10 "$HULL" rm -f slow
wait "$starter" && fail "a VM that was removed has started"
nothing_runs || wait_for 10 nothing_runs

# ---- a hypervisor that does not do what it is asked for ----
make stuck stuck
expect 0 "$HULL" start stuck
begun=$(date +%s%N)
expect 124 timeout 20 "$HULL" pause --deadline 1s stuck -o json
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -ge 990 ] && [ "$took" -le 4000 ] || fail "a deadline of 1 s took $took ms"
[ "$(jq -r '.failed[0].code' out)" = TIMEOUT ] || fail "$(cat out)"
state stuck 'running -'
expect 0 timeout 20 "$HULL" stop -t 1s stuck
expect 0 "$HULL" rm stuck

# ---- a store that can't be read is not an empty one ----
expect 0 "$HULL" start quick
monitor=$(field quick .monitor_pid)
"$HULL" events -f -o jsonl -n 0 >followed 2>followed.err &
follower=$!
wait_for 20 sh -c '[ "$(ls -l "/proc/$0/fd" | grep -c inotify)" -eq 1 ]' "$follower"
python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute("PRAGMA wal_checkpoint(TRUNCATE)")' "$db"
cp "$db" good.db
mv "$db-wal" good.wal
mv "$db-shm" good.shm
head -c 5000 /dev/urandom >"$db"
for words in 'ls -o json' 'ls -q' 'stats -o json -n 1 --interval 100ms' 'top -n 1' 'ps -o json' 'gc -o json' \
	'events -o jsonl' 'rm -a -f' 'inspect quick'; do
	# shellcheck disable=SC2086
	code=0
	timeout 20 "$HULL" $words >out 2>err || code=$?
	[ "$code" -eq 1 ] || fail "'$words' of a damaged store: $code, $(cat out err)"
	has err 'is damaged'
	lacks out '[]'
done
kill -0 "$monitor" || fail "what runs was taken for nobody's"
cp good.db "$db"
rm -f "$db-wal" "$db-shm" good.db good.wal good.shm
state quick 'running -'
[ "$(field quick .monitor_pid)" -eq "$monitor" ] || fail "it is another one"
[ ! -s followed ] || fail "told: $(cat followed)"
kill "$follower" 2>/dev/null
wait "$follower"
expect 0 "$HULL" stop quick
expect 0 "$HULL" rm -a
