#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A debugger for the guest's kernel: the guest waits for it, it reads and breaks, the guest goes on.
. "$(dirname "$0")/functions.sh"
requires gdb python3

# waits NAME WORDS... : "hull run WORDS" in the background, $run, which waits for a debugger
waits()
{
	to=$1
	shift
	"$HULL" run "$@" >"$to.out" 2>"$to.err" &
	run=$!
	wait_for 30 grep -qF 'waits for a debugger' "$to.err"
}

# attach TARGET COMMANDS... : as gdb does, to its end; what it says in ./gdb.out
attach()
{
	target=$1
	shift
	timeout 120 gdb -nx -batch -ex 'set architecture i386:x86-64' -ex "target remote $target" "$@" \
		>gdb.out 2>&1 </dev/null
}

ended()
{
	code=0
	wait "$run" || code=$?
	[ "$code" -eq "$1" ] || fail "exited with $code, not $1: $(cat "$2.err"); gdb: $(cat gdb.out)"
}

# Where things are is what the kernel says of itself; with --gdb it is there too.
expect 0 "$HULL" run --append nokaslr -- awk '$3 == "linux_banner" || $3 == "start_kernel" { print $3, $1 }' /proc/kallsyms
banner=0x$(sed -n 's/^linux_banner //p' out)
start=0x$(sed -n 's/^start_kernel //p' out)

# The default socket, in the run directory: the caller's alone.  Read, break, go on.
waits default --gdb -- sh -c 'echo done; cat /proc/cmdline'
socket=$(sed -n "s/.*target remote \(.*\)'.*/\1/p" default.err)
[ "$(stat -c '%a %u' "$socket")" = "600 $(id -u)" ] || fail "'$socket' is $(stat -c '%a %u' "$socket")"
attach "$socket" -ex "hbreak *$start" -ex continue -ex 'print/x $rip' -ex "x/s $banner" -ex 'delete' -ex continue
ended 0 default
has gdb.out "\$1 = $start"
has gdb.out '"Linux version'
has default.out done
has default.out nokaslr
[ ! -e "$socket" ] || fail "'$socket' is still there"

# A socket of one's own choice, a stale one replaced; detaching lets the guest go on.
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("own.sock")'
waits own --gdb=./own.sock -- echo done
attach "$T/own.sock" -ex detach
ended 0 own
is own.out done
[ ! -e own.sock ] || fail "own.sock is still there"

# A port.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
waits port --gdb="$port" -q -- echo done
has port.err "target remote 127.0.0.1:$port'"
expect 125 "$HULL" run --gdb="$port" -- true
has err "gdb: listen on port $port of the loopback: Address already in use"
attach "127.0.0.1:$port" -ex continue
ended 0 port
is port.out done

# Just a kernel.
waits bare --gdb --kernel "$(dirname "$HULL")/guest/kernel/vmlinuz" --agent none
attach "$(sed -n "s/.*target remote \(.*\)'.*/\1/p" bare.err)" -ex continue
ended 125 bare
has bare.out 'Linux version'

# Waiting takes nothing of the boot's time, whether nobody is there or the debugger has stopped it.
expect 125 "$HULL" run --gdb --boot-timeout 1s --timeout 3s -- true
has err 'did not end within 3.000 s'
waits stopped --gdb --boot-timeout 5s --timeout 20s -- true
attach "$(sed -n "s/.*target remote \(.*\)'.*/\1/p" stopped.err)" -ex "hbreak *$start" -ex continue -ex 'shell sleep 20' &
attached=$!
ended 125 stopped
wait "$attached"
has stopped.err 'did not end within 20.000 s'
has gdb.out 'Breakpoint 1, '
# But a guest that runs and never greets is given up.
waits silent --gdb --boot-timeout 500ms --timeout 60s --append init=/none --append rdinit=/none --append panic=0 -- true
attach "$(sed -n "s/.*target remote \(.*\)'.*/\1/p" silent.err)" -ex continue
ended 125 silent
has silent.err 'did not greet within 500 ms'

# Killed while it waits: nothing stays.
waits killed --gdb=./killed.sock -- true
kill -9 "$run"
wait "$run" 2>/dev/null
wait_for 10 test ! -e killed.sock
waits asked --gdb -- true
kill -TERM "$run"
ended 143 asked

expect 125 "$HULL" run --gdb=0 -- true
has err "'0' is neither a port nor a path"
expect 125 "$HULL" run --gdb=sock -- true
has err "a path has a slash: './sock'"
expect 125 "$HULL" run --gdb=./none/sock -- true
has err "open './none/': No such file or directory"
echo mine >file
expect 125 "$HULL" run --gdb=./file -- true
has err "file' exists already"
is file mine
