#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "hull console": while the VM starts, with and without an agent, on terminals and through pipes; who types
# when several do, and that the terminal is as it was, however it is left.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq python3

# ---- what is not there ----
expect 1 "$HULL" console web
has err "there is no VM 'web'"
expect 0 "$HULL" create --name web
expect 1 "$HULL" console web
has err "VM 'web' is not running"
for key in '' '^M' '^@' '^J' '^^^' ab 'ä'; do
	expect 2 "$HULL" console --escape "$key" web
	has err "can't be the escape key"
done
expect 2 "$HULL" console
expect 2 "$HULL" console web web

# let_go VM : the guest, which waits for a debugger; until $debugger is killed
let_go()
{
	socket=$HULL_HOME/run/vm/$("$HULL" ls -q --filter "name=$1")/gdb.sock
	wait_for 20 test -S "$socket"
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"+$c#63")
time.sleep(300)' "$socket" &
	debugger=$!
}

# ---- it starts: held until we have connected ----
echo '{"version":1,"root":{"kind":"host","cache":"always"},"gdb":{"kind":"socket"}}' >held.json
expect 0 "$HULL" create --name held --config held.json
"$HULL" start held >start.out 2>start.err &
starter=$!
wait_for 20 sh -c '"$0" ls --filter state=starting -q | grep -q .' "$HULL"
"$HULL" console held </dev/null >early 2>early.err &
reader=$!
wait_for 20 sh -c "ls -l /proc/$reader/fd | grep -c socket: | grep -qx 3"
expect 0 "$HULL" ls --filter state=starting -o name
is out held
[ ! -s early ] || fail "it runs already: $(cat early)"
let_go held
wait "$starter" || fail "start: $(cat start.err)"
vm_of held
guest 'echo after the start >/dev/console'
shows early 'after the start'
has early '] ' # what the kernel said
expect 0 "$HULL" kill held
wait "$reader" || fail "console: $(cat early.err)"
has early.err "closed: the VM has ended"
kill "$debugger"
wait "$debugger" 2>/dev/null

# ---- nobody in the guest to talk to ----
guest_dir=${HULL_GUEST_DIR:-$(dirname "$HULL")/guest}
printf '{"version":1,"agent":"none","kernel":"%s","gdb":{"kind":"socket"}}' "$guest_dir/vmlinux" >bare.json
expect 0 "$HULL" create --name bare --config bare.json
"$HULL" start bare >start.out 2>start.err &
starter=$!
wait_for 20 sh -c '"$0" ls --filter name=bare -o json | grep -Eq "starting|running"' "$HULL"
"$HULL" console bare </dev/null >early 2>early.err &
reader=$!
wait_for 20 sh -c "ls -l /proc/$reader/fd | grep -c socket: | grep -qx 3"
let_go bare
wait "$reader" || fail "console: $(cat early.err)"
has early 'Kernel panic - not syncing: VFS: Unable to mount root'
wait "$starter" || fail "start: $(cat start.err)"
kill "$debugger"
wait "$debugger" 2>/dev/null
expect 0 "$HULL" rm -f held bare

# ---- terminals and pipes, one after the other and against each other ----
expect 0 "$HULL" start web
vm_of web
session echo sh -c 'stty -F /dev/ttyS0 -echo icrnl; exec </dev/ttyS0 >/dev/ttyS0; echo ready; while IFS= read -r line; do echo "got:$line."; done'
wait_for 20 sh -c '"$0" logs web | grep -q ready' "$HULL"
timeout 200 python3 "$(dirname "$script")/vm-console.py" web || fail "on terminals"

# ---- a monitor that does not answer holds nobody up for ever ----
frozen=$("$HULL" inspect web | jq '.[0].monitor_pid')
kill -STOP "$frozen"
expect 124 timeout 60 "$HULL" console web </dev/null
kill -CONT "$frozen"

# ---- a pipe; and the VM's end ----
mkfifo keys
"$HULL" console web <keys >shown 2>shown.err &
reader=$!
exec 7>keys
printf 'with \035 in it\n' >&7
shows shown "$(printf 'got:with \035 in it.')"
expect 0 "$HULL" kill web
wait "$reader" || fail "console: $(cat shown.err)"
exec 7>&-
expect 1 "$HULL" console web
has err "is not running"
expect 0 "$HULL" rm web
