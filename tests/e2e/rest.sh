#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vfkit's REST service, by curl over a socket and over TCP: each endpoint, what is possible in which
# state and what is answered where it isn't; many connections, and such that say nothing; who may.
. "$(dirname "$0")/functions.sh"
requires curl python3 ss
peer="python3 $(dirname "$script")/rest-peer.py"

# rest STATUS PATH CURL-OPTIONS... : the answer's body in ./body, its headers in ./head
rest()
{
	want=$1
	path=$2
	shift 2
	got=$(curl -sS --max-time 60 ${socket:+--unix-socket "$socket"} -o body -D head -w '%{http_code}' "$@" \
		"http://localhost${port:+:$port}$path" 2>curl.err) || fail "curl $path $*: $(cat curl.err)"
	[ "$got" = "$want" ] || fail "$path $*: $got, not $want: $(cat body)"
}

# ask STATUS STATE
ask()
{
	rest "$1" /vm/state -d "{\"state\": \"$2\"}"
	if [ "$1" = 202 ]; then
		[ ! -s body ] || fail "$2: 202 has a body: $(cat body)"
	else
		has body '{"error":"'
		has head 'Content-Type: application/json; charset=utf-8'
	fi
}

# state HARD-STOP PAUSE RESUME STOP NAME
state()
{
	rest 200 /vm/state
	is body "{\"canHardStop\":$1,\"canPause\":$2,\"canResume\":$3,\"canStart\":false,\"canStop\":$4,\"state\":\"VirtualMachineState$5\"}"
}

in_state()
{
	rest 200 /vm/state
	grep -q "VirtualMachineState$1\"" body
}

# vm WORDS... : "hull run WORDS" in the background, $run, with the service up and in its first state
vm()
{
	"$HULL" run --restful-uri "$uri" "$@" >run.out 2>run.err &
	run=$!
	wait_for 30 curl -s ${socket:+--unix-socket "$socket"} "http://localhost${port:+:$port}/vm/state"
}

# ended CODE... : with one of these
ended()
{
	code=0
	wait "$run" || code=$?
	case " $* " in *" $code "*) ;; *) fail "exited with $code, not $*: $(cat run.err)" ;; esac
	[ -z "$socket" ] || [ ! -e "$socket" ] || fail "the socket is still there"
}

# process NAME : pid of the VM's
process()
{
	for pid in $(our_processes); do
		case $(cat "/proc/$pid/comm") in "$1"*) echo "$pid" ;; esac
	done
}

# What is answered whatever the state is.
endpoints()
{
	rest 200 /version
	grep -qx '{"version":"[0-9.]*"}' body || fail "version: $(cat body)"
	rest 200 /vm/inspect
	has head 'Content-Type: application/json; charset=utf-8'
	jq -e '.vcpus == 2 and .memoryBytes == 402653184 and .bootloader.kind == "linuxBootloader" and
		(.bootloader.vmlinuzPath | test("/vmlinux$")) and .bootloader.kernelCmdLine == "a=b" and
		([.devices[] | select(.kind == "virtiofs" and .mountTag == "/mnt/it" and .sharedDir == $dir)] | length) == 1 and
		([.devices[] | select(.kind == "virtionet" and .nat)] | length) == 1' --arg dir "$T" body >/dev/null ||
		fail "inspect: $(cat body)"
	for path in / /vm /vm/states /vm/state/x /VM/state /vm/inspect//; do
		rest 404 "$path"
		is body '404 page not found'
	done
	has head 'Content-Type: text/plain'
	rest 404 /vm/state -X PUT -d x
	rest 404 /vm/inspect -d x
	rest 404 /vm/state -I
	rest 301 '/vm/state/?a=b'
	has head 'Location: /vm/state?a=b'
	rest 307 /vm/state/ -d '{"state":"Stop"}'
	has head 'Location: /vm/state'
	rest 200 '/vm/st%61te?x=y'
	rest 400 /vm/state -d ''
	is body '{"error":"EOF"}'
	for body in 'state=Pause' '[]' '{"state":1}' '{"state":"Pause"'; do
		rest 400 /vm/state -d "$body"
	done
	for body in '{}' null '{"state":null}' '{"state":"Start"}' '{"state":"pause"}' '{"state":"<b>"}'; do
		rest 500 /vm/state -d "$body"
	done
	has body '\u003cb\u003e'
	rest 413 /vm/state -H 'Expect:' -d "$(head -c 20000 /dev/zero | tr '\0' ' ')"
	rest 200 /vm/state --http1.0
	rest 200 /vm/state -H 'Transfer-Encoding: chunked' -X GET -d x
	[ "$($peer "$peer_address" raw 'GET /vm/state HTTP/1.1\r\n\r\n' | head -c 12)" = 'HTTP/1.1 400' ] || fail 'no Host'
}

lines()
{
	wc -l <run.out
}

# Each way through the states, and what is not possible in each.
transitions()
{
	state true true false true Running
	for word in Resume Start; do ask 500 "$word"; done
	has body "'Start'"
	ask 202 Pause
	state true false true false Paused
	for word in Pause Stop; do ask 500 "$word"; done
	before=$(lines)
	sleep 1
	[ "$before" = "$(lines)" ] || fail 'the guest goes on while paused'
	rest 202 /vm/state -d '{"other": [1], "STATE": "Resume"} and more' -H 'Content-Type: text/html'
	state true true false true Running
	wait_for 30 eval '[ "$(lines)" -gt "$before" ]'
}

# The hypervisor answers late: on the way from one state to the next nothing is possible.
passing()
{
	qemu=$(pgrep -P "$(process hull-monitor)" qemu)
	kill -STOP "$qemu"
	curl -sS --max-time 60 ${socket:+--unix-socket "$socket"} -o pause.body -w '%{http_code}' -d '{"state":"Pause"}' \
		"http://localhost${port:+:$port}/vm/state" >pause.code &
	pausing=$!
	wait_for 10 in_state Pausing
	state false false false false Pausing
	for word in Pause Resume Stop HardStop; do ask 500 "$word"; done
	kill -CONT "$qemu"
	wait "$pausing"
	is pause.code 202
	# Whoever asks may go before the answer comes.
	kill -STOP "$qemu"
	curl -s --max-time 1 ${socket:+--unix-socket "$socket"} -d '{"state":"Resume"}' "http://localhost${port:+:$port}/vm/state"
	state false false false false Resuming
	kill -CONT "$qemu"
	wait_for 10 in_state Running
}

now_ms()
{
	echo $(($(date +%s%N) / 1000000))
}

crowd()
{
	monitor=$(process hull-monitor)
	before=$(ls "/proc/$monitor/fd" | wc -l)
	[ "$($peer "$peer_address" storm 1000)" -eq 1000 ] || fail 'not everybody was answered'
	[ -p hold ] || mkfifo hold
	: >held
	$peer "$peer_address" hold 1000 <>hold >held &
	holder=$!
	for i in 1 2 3; do # while they come
		start=$(now_ms)
		rest 200 /vm/state
		[ $(($(now_ms) - start)) -lt 10000 ] || fail "others had to wait for $(($(now_ms) - start)) ms"
	done
	wait_for 60 grep -q held held
	[ "$(ls "/proc/$monitor/fd" | wc -l)" -lt $((before + 140)) ] || fail 'too many connections'
	start=$(now_ms)
	ask 202 Pause
	ask 202 Resume
	[ $(($(now_ms) - start)) -lt 10000 ] || fail "to pause took $(($(now_ms) - start)) ms"
	kill "$holder"
	wait "$holder" 2>/dev/null
	wait_for 30 eval '[ "$(ls "/proc/$monitor/fd" | wc -l)" -le "$before" ]'
}

counting='i=0; while :; do echo $((i += 1)); sleep 0.1; done'

# A socket, in the place of one that somebody left behind: its owner's alone.
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("rest.sock")'
port=
socket=$T/rest.sock
peer_address=$socket
uri=unix://$socket?x
vm -c 2 -m 384M --append a=b -v "$T:/mnt/it:ro" -- sh -c "$counting"
[ "$(stat -c '%a %u' rest.sock)" = "600 $(id -u)" ] || fail "rest.sock is $(stat -c '%a %u' rest.sock)"
qemu=$(pgrep -P "$(process hull-monitor)" qemu) && kill -STOP "$qemu" # so that it stays in that state
if in_state Starting; then
	rest 200 /vm/inspect
	ask 500 Pause
fi
[ -z "$qemu" ] || kill -CONT "$qemu"
wait_for 60 in_state Running
wait_for 30 test -s run.out
endpoints
transitions
passing
crowd
# Nobody but programs can reach a socket: what they say of where they come from does not matter.
rest 200 /vm/state -H 'Origin: http://evil.example' -H 'Host: evil.example'
ask 202 Stop
ended 143 # the guest asks the command to end

# TCP.
socket=
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
peer_address=$port
uri=tcp://:$port
vm -c 2 -m 384M --append a=b -v "$T:/mnt/it:ro" -- sh -c "$counting"
wait_for 60 in_state Running
wait_for 30 test -s run.out
[ -z "$(ss -Hlnt "sport = :$port" | awk '{ print $4 }' | grep -v '^127\.0\.0\.1:\|^\[::1\]:')" ] || fail 'not only the loopback'
expect 125 "$HULL" run --restful-uri "tcp://localhost:$port" -- true
has err "REST service: port 127.0.0.1:$port/tcp is in use on this host"
endpoints
transitions
crowd
rest 403 /vm/state -H 'Origin: null' -d '{"state":"HardStop"}'
rest 403 /vm/inspect -H 'Host: evil.example'
rest 403 /vm/inspect -H "Host: localhost.evil.example:$port"
for host in "127.0.0.1:$port" "[::1]:$port" "LOCALHOST" "x.localhost:$port" "d"; do
	rest 200 /vm/state -H "Host: $host"
done
ask 202 Pause
# A stop is under way before anybody else is heard.
$peer "$port" raw 'POST /vm/state HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"state":"HardStop"}GET /vm/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >raw
has raw 'HTTP/1.1 202 Accepted'
has raw '"state":"VirtualMachineStateStopping"'
ended 125

# A guest that has nobody who listens: it is running at once, need not stop when asked, but by force.
socket=$T/bare.sock
port=
uri=unix://$socket
vm --agent none
wait_for 30 in_state Running
ask 202 Stop
sleep 1
state true true false true Running
ask 202 HardStop
ended 125

# A port of the system's choice is told.
socket=
port=
expect 0 "$HULL" run --restful-uri tcp://127.0.0.1:0 -- true
grep -q 'the REST service is at 127\.0\.0\.1:[0-9]' err || fail "no port: $(cat err)"

echo mine >file
expect 125 "$HULL" run --restful-uri "unix://$T/file" -- true
has err "REST service: '$T/file' exists already"
is file mine
expect 125 "$HULL" run --restful-uri "unix://$T/none/sock" -- true
has err "listen on '$T/none/sock': No such file or directory"
expect 125 "$HULL" run --restful-uri tcp://192.0.2.1:1234 -- true
has err "'192.0.2.1' is not an address of this host"
expect 125 "$HULL" run --restful-uri tcp://localhost -- true
has err "--restful-uri: 'tcp://localhost': the port is missing"
expect 125 "$HULL" run --restful-uri none:x -- true
has err "exactly 'none://'"
