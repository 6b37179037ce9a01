#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# C programs do by the library what the commands do: all verbs on VMs of the mock backend, by many threads at once, given
# up in the middle; and the example boots a guest.
. "$(dirname "$0")/functions.sh"
: "${LIBHULL_PROGRAMS:?LIBHULL_PROGRAMS must be the directory of the programs on the library}"
build=$(dirname "$HULL")

requires python3

# As they are when all of hull is installed: its programs are found beside.
mkdir bin
for program in hull-monitor hull-mock hull-share hull-vsock guest; do
	ln -s "$build/$program" bin
done
cp "$LIBHULL_PROGRAMS/libhull-vms" "$LIBHULL_PROGRAMS/example-vms" bin
export LD_LIBRARY_PATH="$build/src"

expect 0 timeout 250 bin/libhull-vms
is out good
is err ''
expect 0 "$HULL" ls -q
is out ''

expect 0 timeout 100 python3 "$(dirname "$script")/../api/vms.py" "$build/src/libhull.so.0"
is out good

expect 0 timeout 100 bin/example-vms
is out 'example: running, 512 MiB
example: stopped, stopped'
is err ''
expect 1 bin/example-vms '{"version": 1, "memory": "512M", "cpus": -1}'
has err 'description: '
expect 1 bin/example-vms '{"version": 1, "kernel": "/nonesuch"}'
has err "start: start QEMU: open kernel '/nonesuch'"
expect 0 "$HULL" ls -q
is out ''
