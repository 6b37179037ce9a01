#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Closed output, full disk, read-only run directory, no memory: a clear error, no hang.
. "$(dirname "$0")/functions.sh"

# within SECONDS CODE COMMAND...
within()
{
	limit=$1
	shift
	code=$1
	shift
	expect "$code" timeout -k 5 "$limit" "$@"
}

within 60 125 sh -c '"$HULL" run -- sh -c "while :; do echo y; done" | head -c 1 >/dev/null; exit 125'
has err 'Broken pipe'
within 60 125 sh -c '"$HULL" run -- seq 1000000 >/dev/full'
has err 'No space left'
within 60 1 sh -c '"$HULL" --version >/dev/full'
has err 'standard output'
within 60 0 sh -c '"$HULL" run -- true <&- >&- 2>&-'
within 60 1 sh -c '"$HULL" --version >&-'
has err 'standard output'

# Too few descriptors, too little memory for the hypervisor.
within 60 125 sh -c 'ulimit -n 64; exec "$HULL" run -- true'
has err 'Too many open files'
within 60 125 sh -c 'ulimit -v 300000; exec "$HULL" run -- true'
has err 'the VM did not start'

[ "$(id -u)" -eq 0 ] || exit 0
mkdir small
mount -t tmpfs -o size=16k,nr_inodes=4 small small || skip "cannot mount"
on_exit 'umount -l "$T/small"'
within 60 125 env HULL_HOME="$T/small" "$HULL" run -- true
has err 'No space left'
mount -o remount,ro small
within 60 125 env HULL_HOME="$T/small" "$HULL" run -- true
has err 'Read-only file system'
within 60 125 env HULL_HOME="relative/path" "$HULL" run -- true
has err 'not an absolute path'
long=$T/$(printf '%0120d' 0)
mkdir "$long"
within 60 125 env HULL_HOME="$long" "$HULL" run -- true
has err 'too long a path'
within 60 125 env HULL_HOME=/proc/nothing "$HULL" run -- true
has err /proc/nothing
within 60 125 "$HULL" run -m 1000G -- true
has err emory
