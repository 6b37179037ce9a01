#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ports of a guest's vsock that are sockets on the host, both ways: a program that knows what it sends
# (device-vsock.py), and socat. What becomes of the VM when hull-vsock is killed, and of the sockets at the end.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq python3 socat
tests=$(dirname "$script")
ends=$tests/device-vsock.py

python3 "$ends" serve "$T/up.sock" >serve 2>&1 &
served=$!
on_exit 'kill $served 2>/dev/null'
wait_for 20 grep -q ready serve

# ---- a description's devices by option; the machine is microvm where that can be ----
"$HULL" run -v "$tests:/srv/tests:ro" --device "virtio-vsock,port=2000,socketURL=$T/up.sock,listen" \
	--device virtio-vsock,port=3000,socketURL=down.sock,connect \
	-- python3 -u /srv/tests/device-vsock.py guest 2000 3000 >run.out 2>run.err &
runner=$!
wait_for 60 test -S down.sock # made before the guest is there
[ "$(stat -c %a down.sock)" = 600 ] || fail "down.sock: $(ls -l down.sock)"
wait_for 120 grep -q listening run.out
expect 0 timeout 60 python3 "$ends" dial down.sock
is out echoed
wait "$runner" || fail "hull run: $(cat run.err)"
is run.out 'address 3
echoed
refused
listening
from 2'
[ ! -e down.sock ] || fail 'down.sock is left'
[ -S up.sock ] || fail 'up.sock, which is not ours, is gone'

# ---- socat, on q35; two sockets for one port ----
port() { echo "{\"kind\":\"virtio-vsock\",\"port\":$1,\"path\":\"$T/$2\",\"listen\":$3}"; }
devices="\"devices\":[$(port 2000 up.sock true),$(port 3000 a.sock false),{\"kind\":\"virtio-rng\"},$(port 3000 b.sock false)]"
vm_start "$host_root,\"machine\":\"q35\",$devices"
guest 'echo from socat | socat -t 30 - VSOCK-CONNECT:2:2000'
is out 'from socat'
session listener socat VSOCK-LISTEN:3000,fork EXEC:cat
for socket in a.sock b.sock; do
	wait_for 30 sh -c "echo by $socket | timeout 20 socat -t 20 - UNIX-CONNECT:$socket >back && grep -q by back"
	is back "by $socket"
done
seq 1 200000 >much
timeout 60 socat -t 60 UNIX-CONNECT:a.sock STDIO <much >back || fail 'socat on the host'
cmp much back || fail "of $(wc -c <much) bytes $(wc -c <back) came back, or others"

# ---- it is killed: the VM ends, the sockets go ----
vsock=$(pgrep -P "$(monitor)" -x hull-vsock)
[ -n "$vsock" ] || fail 'no hull-vsock'
if [ "$(id -u)" -eq 0 ]; then
	[ "$(stat -c %u "/proc/$vsock")" -ge 1879048192 ] || fail "hull-vsock's user: $(stat -c %u "/proc/$vsock")"
	grep -q '^CapEff:.0*$' "/proc/$vsock/status" || fail "hull-vsock's capabilities"
fi
kill -9 "$vsock"
vm_ended helper-died
has vm.out 'hull-vsock'
[ ! -e a.sock ] && [ ! -e b.sock ] || fail 'sockets are left'

# ---- the monitor is killed: the next call of hull removes its sockets, and nobody else's ----
# held : a VM that waits for a debugger, with five sockets, one of which goes and one of which becomes the user's
held()
{
	"$HULL" run --gdb="$T/gdb.sock" --restful-uri "unix://$T/rest.sock" --device "virtio-vsock,port=1,socketURL=a.sock,connect" \
		--device "virtio-vsock,port=1,socketURL=b.sock,connect" --display=./vnc.sock --device virtio-gpu -- true >out 2>err &
	run=$!
	wait_for 30 test -S b.sock
	wait_for 30 grep -q b.sock "$HULL_HOME"/run/vm/*/monitor.json
	killed=$(jq .pid "$HULL_HOME"/run/vm/*/monitor.json)
	rm a.sock rest.sock
	echo mine >rest.sock
}
only_mine()
{
	for left in gdb.sock vnc.sock a.sock b.sock; do
		[ ! -e $left ] || fail "$left is left"
	done
	is rest.sock mine
	rm rest.sock
}
held
kill -9 "$killed"
code=0
wait "$run" || code=$?
[ $code -eq 125 ] || fail "hull run: $code"
only_mine
# The same where nobody is there to see it.
held
kill -STOP "$run"
kill -9 "$killed"
kill -9 "$run"
wait "$run" && fail 'hull run was not killed'
wait_for 10 flock -n "$HULL_HOME"/run/vm/*/lock true # the monitor dies when the host gets round to it
[ -S b.sock ] || fail 'b.sock is gone already'
expect 0 "$HULL" run --net none -- true
only_mine
# Those that are left for another reason are in nobody's way.
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("a.sock")'
expect 0 "$HULL" run --device "virtio-vsock,port=1,socketURL=a.sock,connect" -- true
[ ! -e a.sock ] || fail 'a.sock is left'

# ---- what can't be, before anything runs ----
refused()
{
	want_err=$1
	shift
	expect 125 "$HULL" run --timing "$@" -- true
	has err "$want_err"
	lacks err 'guest runs'
}
echo mine >file
refused "'$T/file' exists already" --device "virtio-vsock,port=1,socketURL=file,connect"
is file mine
refused "'$T/up.sock' exists already" --device "virtio-vsock,port=1,socketURL=$T/up.sock,connect"
has err "or 'listen', if a program of the host's listens there"
[ -S up.sock ] || fail 'up.sock is gone'
refused "missing" --device "virtio-vsock,port=1,socketURL=$T/missing/sock,connect"
refused "must be 1 to 4294967294" --device "virtio-vsock,port=4294967295,socketURL=new,connect"
refused "leads it elsewhere already" --device "virtio-vsock,port=7,socketURL=x,listen" \
	--device "virtio-vsock,port=7,socketURL=y,listen"
refused "a guest can have only one" --link vsock --device "virtio-vsock,port=7,socketURL=x,listen"
[ ! -e new ] || fail 'a socket is left'
