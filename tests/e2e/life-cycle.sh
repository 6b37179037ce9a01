#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# VMs that stay: made, started, held, stopped, removed, one and many at a time; what is illegal is
# refused by name, and what the store says is so, whoever was killed when.
. "$(dirname "$0")/functions.sh"
requires jq

# state VM STATE [REASON] : as listed
state()
{
	expect 0 "$HULL" ls -o json
	got=$(jq -r --arg vm "$1" '.[] | select(.name == $vm) | .state + " " + (.reason // "")' out)
	[ "$got" = "$2 ${3:-}" ] || fail "VM $1 is '$got', not '$2 ${3:-}'"
}

# refused CODE CAUSE COMMAND... : one VM, with this exit code and cause
refused()
{
	want_code=$1
	cause=$2
	shift 2
	expect "$want_code" "$HULL" "$@" -o json
	[ "$(jq -r '.failed[0].cause' out)" = "$cause" ] || fail "'$*': $(cat out)"
}

monitor_of()
{
	"$HULL" inspect "$1" | jq '.[0].monitor_pid'
}

# ---- nothing is there ----
expect 0 "$HULL" ls
is out "ID  NAME  STATE  CPUS  MEMORY  AGE  DETAIL"
expect 0 "$HULL" ls -o json
is out "[]"
expect 1 "$HULL" start web
has err "there is no VM 'web'"
expect 0 "$HULL" rm -f web
expect 2 "$HULL" start
has err "no VM was named"
expect 2 "$HULL" ls --filter state=runing
has err "did you mean 'running'"

# ---- made ----
expect 0 "$HULL" create --name web --label env=test
is out web
cat >vm.json <<END
{"version":1,"name":"db","cpus":2,"memory":"256M","root":{"kind":"host","cache":"always"}}
END
expect 0 "$HULL" create --config vm.json --label env=prod -o json
[ "$(jq -r '.name + " " + .state + " " + (.memory | tostring)' out)" = "db created 268435456" ] || fail "$(cat out)"
expect 1 "$HULL" create --name web
has err "is that of VM"
expect 2 "$HULL" create --name 'a b'
has err "name: 'a b'"
printf '{"version":1,"cpus":0}' >bad.json
expect 2 "$HULL" create --config bad.json
has err cpus
printf '{"version":1,"agent":"none","devices":[{"kind":"virtio-serial","stdio":true}]}' >bad.json
expect 1 "$HULL" create --config bad.json
has err "standard streams"
expect 0 "$HULL" ls -q
[ "$(wc -l <out)" -eq 2 ] || fail "$(cat out)"
short=$(head -n 1 out)
expect 0 "$HULL" ls --filter label=env=prod -o name
is out db

# ---- whose error it is ----
expect 1 "$HULL" start wep
has err "there is no VM 'wep'; did you mean 'web'?"
mkdir gone
for n in gone gone2; do expect 0 "$HULL" create --name $n -v ./gone:/srv; done
rmdir gone
expect 1 "$HULL" start gone gone2
has err "VM 'gone': share '$T/gone': No such file or directory"
has err "VM 'gone2': share '$T/gone': No such file or directory"
expect 0 "$HULL" rm -f gone nonesuch gone2
is out "gone
gone2"
expect 0 "$HULL" events --filter event=start-failed -o jsonl
[ "$(jq -r .detail out | tr '\n' ' ')" = 'no-such-file no-such-file ' ] || fail "$(cat out)"

# ---- what is illegal ----
refused 1 not-running pause web
refused 1 not-running resume web
expect 0 "$HULL" stop web
has err "is not running"

# ---- started, two at a time; by a part of the id too ----
expect 0 "$HULL" start "$short" db
state web running
state db running
expect 0 "$HULL" start web
has err "is running already"
refused 1 running rm web
expect 0 "$HULL" pause web db
state web paused
refused 1 paused start web
expect 0 "$HULL" pause web
has err "is paused already"
expect 0 "$HULL" resume db
state db running
expect 1 "$HULL" stop web nonesuch db -o json
[ "$(jq -c '[[.succeeded[].name], [.failed[].ref], .failed[0].code]' out)" = '[["web","db"],["nonesuch"],"NOT_FOUND"]' ] ||
	fail "$(cat out)"
state web stopped stopped
state db stopped stopped
expect 0 "$HULL" logs web # it was paused, and has powered off all the same
has out 'Power down'

# ---- and again; the guest powers off by itself ----
expect 0 "$HULL" restart web
state web running
(timeout 60 "$HULL" wait web >wait.out 2>wait.err) &
waiter=$!
kill -TERM "$(monitor_of web)"
wait "$waiter" || fail "wait: $(cat wait.err)"
is wait.out "web stopped terminated"
state web stopped terminated
expect 0 "$HULL" wait web
is out "web stopped terminated"

# ---- a monitor that is killed ----
expect 0 "$HULL" start web
kill -KILL "$(monitor_of web)"
wait_for 10 sh -c '"$0" ls --filter state=error -q | grep -q .' "$HULL"
state web error monitor-died
expect 0 "$HULL" start web
state web running

# ---- one that is stopped holds up no other, and is ended all the same ----
expect 0 "$HULL" start db
frozen=$(monitor_of web)
kill -STOP "$frozen"
expect 124 "$HULL" stop --deadline 1s web
has err "not done in the time"
(timeout 60 "$HULL" stop web >stop.out 2>stop.err) &
stopper=$!
expect 0 timeout 20 "$HULL" pause db
wait "$stopper" || fail "stop: $(cat stop.err)"
state web stopped killed
expect 0 "$HULL" start web
kill -STOP "$(monitor_of web)"
expect 0 "$HULL" kill web
state web stopped killed
expect 0 "$HULL" start web
kill -STOP "$(monitor_of web)"
expect 0 "$HULL" rm -f web db
expect 0 "$HULL" ls -o json
is out "[]"

# ---- whoever starts one is killed at any moment ----
expect 0 "$HULL" create --name web
for moment in 0.01 0.05 0.1 0.3 0.6 0.9 1.2 1.6; do
	"$HULL" start web >/dev/null 2>&1 &
	starter=$!
	sleep "$moment"
	kill -KILL "$starter" 2>/dev/null
	wait "$starter" 2>/dev/null
	expect 0 timeout 60 "$HULL" start web
	state web running
	expect 0 "$HULL" kill web
done

# ---- names and labels ----
expect 0 "$HULL" rename web www
expect 1 "$HULL" rename web other
expect 0 "$HULL" update www --label a=b --label env- -o json
[ "$(jq -c '[.name, .labels]' out)" = '["www",{"a":"b"}]' ] || fail "$(cat out)"
expect 0 "$HULL" rename -o name www www2
is out www2
expect 0 "$HULL" rename www2 www
is out ""
expect 2 "$HULL" rename -o table www other
has err "use name or json"
expect 0 "$HULL" inspect www
[ "$(jq -c '.[0] | [.labels, .config.version]' out)" = '[{"a":"b"},1]' ] || fail "$(cat out)"
expect 1 "$HULL" inspect web www
has err "there is no VM 'web'"
[ "$(jq length out)" -eq 1 ] || fail "$(cat out)"

# ---- described by options, and by both: the options win ----
mkdir site
echo shared >site/page
expect 0 "$HULL" create --name opts -c 2 --config vm.json --name opts -m 384M -v ./site:/srv:ro --label x=y
expect 0 "$HULL" inspect opts
[ "$(jq -c '.[0] | [.name, .cpus, .memory, .config.shares[0].target]' out)" = '["opts",2,402653184,"/srv"]' ] || fail "$(cat out)"
expect 2 "$HULL" create --memori 1G
has err "did you mean '--memory'"
expect 0 "$HULL" start opts
expect 0 "$HULL" exec opts -- cat /srv/page
is out shared
expect 0 "$HULL" rm -f opts
rm -r site

# ---- all at once, each with its own result ----
for n in 1 2 3 4; do expect 0 "$HULL" create --name "n$n" --label many; done
expect 0 timeout 200 "$HULL" start --filter label=many
is out "n1
n2
n3
n4"
expect 0 "$HULL" rm -a -f
expect 0 "$HULL" ls -q
is out ""
