#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ports of a guest's vsock that are sockets on the host, both ways: a program that knows what it sends
# (device-vsock.py), and socat. What becomes of the VM when hull-vsock is killed, and of the sockets at the end.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq python3 socat
tests=$(dirname "$script")
ends=$tests/device-vsock.py
# ---- the monitor is killed: the next call of hull removes its sockets, and nobody else's ----
# held : a VM that waits for a debugger, with four sockets, one of which goes and one of which becomes the user's
held()
{
	"$HULL" run --gdb="$T/gdb.sock" --restful-uri "unix://$T/rest.sock" --device "virtio-vsock,port=1,socketURL=a.sock,connect" \
		--device "virtio-vsock,port=1,socketURL=b.sock,connect" -- true >out 2>err &
	run=$!
	wait_for 30 test -S b.sock
	wait_for 30 grep -q b.sock "$HULL_HOME"/run/vm/*/monitor.json
	killed=$(jq .pid "$HULL_HOME"/run/vm/*/monitor.json)
	rm a.sock rest.sock
	echo mine >rest.sock
}
only_mine()
{
	for left in gdb.sock a.sock b.sock; do
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
[ -S b.sock ] || fail 'b.sock is gone already'
expect 0 "$HULL" run --net none -- true
only_mine
# Those that are left for another reason are in nobody's way.
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("a.sock")'
expect 0 "$HULL" run --device "virtio-vsock,port=1,socketURL=a.sock,connect" -- true
[ ! -e a.sock ] || fail 'a.sock is left'

# ---- what can't be, before anything runs ----
