#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Consoles of the list of devices: the starter's streams, a file, a terminal on the host.  What needs a
# terminal to be started from is in device-console.py.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires socat python3 curl

# While somebody has it open; afterwards the guest's terminal has modes of its own again, with an echo.
raw='stty raw -echo <&3;'

# ---- the streams of whoever starts it, by pipes ----
mkfifo in
{
	expect 7 "$HULL" run --device virtio-serial,stdio -- sh -c "exec 3<>/dev/hvc0; $raw"'
		echo ready >&3
		read -r line <&3
		echo "got <$line>" >&3
		seq 1 12000 >&3
		exit 7' <in
} &
runner=$!
exec 9>in
wait_for 60 grep -q ready out
echo 'some words' >&9
exec 9>&-
wait "$runner" || fail "hull run"
{
	echo ready
	echo 'got <some words>'
	seq 1 12000
} >want
cmp out want || fail "the console's output: $(head -c 300 out)"

# A terminal is told of.
expect 0 "$HULL" run --device virtio-serial,pty --device virtio-serial,logFilePath=new.log -- true
has err "the guest's console is /dev/pts/"
[ "$(stat -c %a new.log)" = 600 ] || fail "new.log: $(ls -l new.log)"
# Where the command has standard input, a console can't.
expect 125 "$HULL" run -i --device virtio-serial,stdio -- true
has err 'standard input belongs to the device'
expect 125 "$HULL" run --device virtio-serial,stdio --device virtio-serial,stdio -- true
has err 'another device has the standard streams'

# ---- a file and a terminal ----
echo old >log
chmod 640 log
vm_start "$host_root,\"machine\":\"q35\",\"rest\":{\"kind\":\"unix\",\"path\":\"$T/rest.sock\"},\"devices\":[{\"kind\":\"virtio-serial\",\"log\":\"$T/log\"},
	{\"kind\":\"virtio-serial\",\"pty\":true},{\"kind\":\"virtio-serial\",\"stdio\":true}]"
guest "exec 3<>/dev/hvc0; $raw"'seq 1 12000 >&3; cat /sys/class/tty/hvc0/dev'
seq 1 12000 | cmp - log || fail "log: $(head -c 300 log)"
[ "$(stat -c %a log)" = 640 ] || fail "log: $(ls -l log)" # as its owner has left it

ctl 0 "$C" status
terminal=$(sed -n 's/^terminal=//p' out)
[ -c "$terminal" ] || fail "no terminal: $(cat out)"
curl -sS --unix-socket rest.sock http://localhost/vm/inspect >inspect || fail "inspect"
has inspect "{\"kind\":\"virtioserial\",\"usesPty\":true,\"ptyName\":\"$terminal\"}"
# Nobody is at the terminal yet: what is printed waits there.
guest "exec 3<>/dev/hvc1; $raw"'echo from-the-guest >&3'
session taker sh -c "exec 3<>/dev/hvc1; $raw"'read -r line <&3; echo "got <$line>" >&3; head -c 3 <&3 | od -An -c >&3'
socat -u "$terminal,rawer" - >seen 2>seen.err &
peers=$!
shows seen from-the-guest
printf 'words\n' >"$terminal"
shows seen 'got <words>'
printf '\003\r\n' >"$terminal" # nothing means anything to the terminal itself
shows seen '003  \r  \n'
ended taker 0
# Programs come and go there; what is printed for nobody is no harm.
kill "$peers"
wait "$peers" 2>/dev/null
guest 'seq 1 12000 >/dev/hvc1; echo alive'
has out alive
socat -u "$terminal,rawer" - >again 2>seen.err &
peers=$!
wait_for 30 test -s again
kill "$peers"
wait "$peers" 2>/dev/null

# The starter's streams are a socket like the serial console's.
guest 'echo early >/dev/hvc2'
socat -u "UNIX-CONNECT:$R/serial2.sock" - >seen2 2>seen2.err &
peers=$!
shows seen2 early
guest 'echo late >/dev/hvc2'
shows seen2 late
vm_stop
wait "$peers"

# ---- what can't be ----
expect 1 "$hullctl" start "\"devices\":[{\"kind\":\"virtio-serial\",\"log\":\"$T/no-such-dir/log\"}]"
has err no-such-dir
expect 1 "$hullctl" start "\"devices\":[{\"kind\":\"virtio-serial\",\"log\":\"$T\"}]"
has err "create '$T'"
expect 1 "$hullctl" start "\"devices\":[{\"kind\":\"virtio-serial\",\"log\":\"/dev/null\"}]"
has err 'is no regular file'

expect 0 env HULL="$HULL" python3 "$(dirname "$script")/device-console.py"
