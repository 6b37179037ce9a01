# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What every end-to-end script sources first.  Each script has its own HULL_HOME; when it ends, the
# census asserts that nothing of it is left: processes, mounts, sockets, files.  Everything that
# hull starts inherits HULL_HOME in its environment, which is how its processes are found.
set -u

script=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
name=$(basename "$0" .sh)
: "${HULL:?HULL must be the path of the program under test}"
T=$(mktemp -d "${TMPDIR:-/tmp}/hull-e2e.XXXXXX")
HULL_HOME=$T/home
export HULL_HOME
mkdir "$HULL_HOME"
cd "$T" || exit 1
cleanup_hooks=

fail()
{
	printf '%s: FAILED: %s\n' "$name" "$*" >&2
	exit 1
}

skip()
{
	printf '%s: skipped: %s\n' "$name" "$*" >&2
	exit 77
}

# requires PROGRAM... : skips where one is missing
requires()
{
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "no $program"
	done
}

# on_exit COMMAND : runs at the end, before the census
on_exit()
{
	cleanup_hooks="$1; $cleanup_hooks"
}

# expect CODE COMMAND... : runs it with output to ./out and ./err, checks the exit code
expect()
{
	want=$1
	shift
	code=0
	"$@" >out 2>err || code=$?
	[ "$code" -eq "$want" ] ||
		fail "'$*' exited with $code, not $want; stdout: $(head -c 600 out); stderr: $(head -c 1200 err)"
}

# is FILE TEXT : the file's whole content
is()
{
	[ "$(cat "$1")" = "$2" ] || fail "$1 is '$(head -c 600 "$1")', not '$2'; stderr: $(head -c 600 err)"
}

# has FILE TEXT
has()
{
	grep -qF -- "$2" "$1" || fail "$1 lacks '$2'; it is: $(head -c 1000 "$1")"
}

lacks()
{
	! grep -qF -- "$2" "$1" || fail "$1 has '$2'"
}

# wait_for SECONDS COMMAND... : until it succeeds
wait_for()
{
	tries=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "gave up waiting for: $*"
		sleep 0.1
	done
}

# Pids of everything that hull started for this script.
our_processes()
{
	if [ -n "${HULL_E2E_UID-}" ]; then # all of that user are ours
		ps -o pid=,stat=,comm= -u "$HULL_E2E_UID" |
			awk '$2 !~ /^Z/ && $3 ~ /^(hull|qemu|virtiofsd|passt)/ { print $1 }'
		return
	fi
	grep -lzxF "HULL_HOME=$HULL_HOME" /proc/[0-9]*/environ 2>/dev/null |
		while IFS= read -r file; do
			pid=${file#/proc/}
			pid=${pid%/environ}
			case $(cat "/proc/$pid/comm" 2>/dev/null) in
			hull* | qemu* | virtiofsd* | passt*) echo "$pid" ;;
			esac
		done
}

# The script's own control group, where it may have one: what hull makes is made beneath it.
own_group=
enter_group()
{
	at=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	parent_group=$at$(sed -n 's/^0:://p' /proc/self/cgroup)
	[ -n "$at" ] && mkdir "${parent_group%/}/e2e-$$" 2>/dev/null || return 0
	own_group=${parent_group%/}/e2e-$$
	echo $$ >"$own_group/cgroup.procs" 2>/dev/null || {
		rmdir "$own_group"
		own_group=
	}
}

leave_group()
{
	[ -n "$own_group" ] || return 0
	echo $$ >"$parent_group/cgroup.procs"
	rmdir "$own_group"
}

# Hypervisors and helpers whose monitor has gone: nobody's may be left for longer than an instant.
orphans()
{
	[ -n "$own_group" ] || return 0
	monitors=$(pgrep -x hull-monitor | tr '\n' ' ')
	find "$own_group" -mindepth 2 -name cgroup.procs -exec cat {} + 2>/dev/null | while IFS= read -r pid; do
		parent=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$pid/stat" 2>/dev/null) || continue
		case " $monitors" in *" $parent "*) ;; *) echo "$pid" ;; esac
	done
}

# Control groups of VMs in which nobody lives; of version 1, for limits only, anybody's.
list_empty_old_cgroups()
{
	find /sys/fs/cgroup -depth -type d -name 'hull-*' 2>/dev/null | while IFS= read -r group; do
		[ -e "$group/tasks" ] && [ -z "$(cat "$group/cgroup.procs" 2>/dev/null)" ] && echo "$group"
	done
}

empty_cgroups()
{
	list_empty_old_cgroups | grep -vxF "${old_cgroups_before:-none}"
	[ -n "$own_group" ] || return 0
	find "$own_group" -depth -mindepth 1 -type d 2>/dev/null | while IFS= read -r group; do
		grep -q '^populated 0' "$group/cgroup.events" 2>/dev/null && echo "$group"
	done
}
old_cgroups_before=$(list_empty_old_cgroups)
enter_group

nothing_left()
{
	[ -z "$(empty_cgroups)" ] && [ -z "$(our_processes)" ] && [ -z "$(orphans)" ] && [ -z "$(ls "$HULL_HOME/run/vm" 2>/dev/null)" ] &&
		! grep -q "$HULL_HOME" /proc/self/mountinfo
}

census()
{
	tries=100 # a reaped process may linger for an instant
	while ! nothing_left; do
		tries=$((tries - 1))
		if [ "$tries" -le 0 ]; then
			printf '%s: CENSUS: left behind: processes [%s] run [%s] mounts [%s] cgroups [%s]\n' "$name" \
				"$(our_processes | tr '\n' ' ') $(orphans | tr '\n' ' ')" \
				"$(find "$HULL_HOME/run" 2>/dev/null | tr '\n' ' ')" \
				"$(grep "$HULL_HOME" /proc/self/mountinfo)" "$(empty_cgroups)" >&2
			for pid in $(our_processes); do
				tr '\0' ' ' <"/proc/$pid/cmdline" >&2
				kill -9 "$pid" 2>/dev/null
			done
			return 1
		fi
		sleep 0.05
	done
	# Only run/vm and log/vm may be there, and a store in which there is nothing.
	extra=$(find "$HULL_HOME" -mindepth 1 ! -path "$HULL_HOME/run" ! -path "$HULL_HOME/run/vm" \
		! -path "$HULL_HOME/log" ! -path "$HULL_HOME/log/vm" \
		! -path "$HULL_HOME/state" ! -path "$HULL_HOME/state/store" ! -path "$HULL_HOME/state/store/lock" \
		! -path "$HULL_HOME/state/store/hull.db*")
	[ ! -d "$HULL_HOME/state/store" ] || extra=$extra$("$HULL" ls -q 2>&1)
	[ -z "$extra" ] || {
		printf '%s: CENSUS: left: %s\n' "$name" "$extra" >&2
		return 1
	}
}

finish()
{
	code=$?
	trap - EXIT
	eval "$cleanup_hooks"
	census || code=1
	cd /
	rm -rf "$T"
	leave_group || code=1
	exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM
