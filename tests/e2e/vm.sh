# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# VMs that are spoken to by their sockets; to be sourced after functions.sh.  hullctl finds hull's
# programs and the guest beside itself, so it runs from a directory made for that.

build=$(dirname "$HULL")
mkdir bin
cp "${HULLCTL:-$build/tests/e2e/hullctl}" bin/hullctl
ln -s "$build/hull-monitor" bin/hull-monitor
ln -s "${HULL_GUEST_DIR:-$build/guest}" bin/guest
hullctl=$T/bin/hullctl
host_root='"root":{"kind":"host","cache":"always"}'
vm=

# vm_start [JSON MEMBERS] : a VM tied to this script; its run directory is $R, its sockets $V and $C.
# What "hullctl start" says stands in ./vm.out.
vm_start()
{
	[ -p hold ] || mkfifo hold
	: >vm.out
	"$hullctl" start "${1:-$host_root}" <>hold >vm.out 2>vm.err & # that input never ends
	vm=$!
	tries=600
	until [ -s vm.out ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] && kill -0 "$vm" 2>/dev/null || fail "VM did not start: $(cat vm.err)"
		sleep 0.1
	done
	vm_at "$(head -n 1 vm.out)"
	[ -d "$R" ] || fail "VM did not start: $(cat vm.err)"
}

# vm_at RUN-DIRECTORY
vm_at()
{
	R=$1
	V=$R/vsock.sock
	C=$R/control.sock
}

# vm_of NAME : a VM of the store that runs
vm_of()
{
	vm_at "$("$HULL" inspect "$1" | sed -n 's/^ *"run_dir": *"\(.*\)",*$/\1/p')"
	[ -d "$R" ] || fail "VM '$1' does not run"
}

# follows PID N : that program waits for changes at so many places by now
follows()
{
	wait_for 20 sh -c '[ "$(ls -l "/proc/$0/fd" | grep -c inotify)" -eq "$1" ]' "$1" "$2"
}

# vm_stop : kills it, waits for its end
vm_stop()
{
	[ -n "$vm" ] || return 0
	kill -TERM "$vm" 2>/dev/null
	wait "$vm"
	vm=
}

# vm_ended REASON : it has ended by itself, for this reason
vm_ended()
{
	wait "$vm" || fail "hullctl start: $(cat vm.err)"
	vm=
	has vm.out "end=$1"
}

# ctl CODE WORDS... : expect CODE of hullctl, within a minute
ctl()
{
	want_code=$1
	shift
	expect "$want_code" timeout 60 "$hullctl" "$@"
}

# session ID ARGS... : created and started
session()
{
	ctl 0 "$V" create "$@"
	ctl 0 "$V" start "$1"
}

# guest SCRIPT : runs it as a session of its own; its output in ./out
guest()
{
	guests=$((guests + 1))
	ctl 0 "$V" exec "guest-$guests" sh -c "$1"
	"$hullctl" "$V" delete "guest-$guests" || fail "delete session"
}
guests=0

# ended ID STATUS [SIGNAL] : waits for the session, then forgets it
ended()
{
	ctl 0 "$V" wait "$1"
	is out "status=$2 signal=${3:-0} oom=0"
	ctl 0 "$V" delete "$1"
}

# follow ID FILE [OPTIONS] : attaches in the background, $follower
follow()
{
	followed=$1
	into=$2
	shift 2
	rm -f "$into.ready"
	"$hullctl" "$V" attach "$followed" "$@" --ready "$into.ready" >"$into" 2>"$into.err" &
	follower=$!
	wait_for 30 test -e "$into.ready"
}

# unfollow [SIGNAL] : kills the attached client
unfollow()
{
	kill "-${1:-TERM}" "$follower"
	wait "$follower" 2>/dev/null
}

# shows FILE TEXT : waits until the file has it
shows()
{
	wait_for 30 grep -qF -- "$2" "$1"
}

# monitor : pid of the VM's monitor
monitor()
{
	"$hullctl" "$C" status | sed -n 's/^monitor_pid=//p'
}

on_exit vm_stop
