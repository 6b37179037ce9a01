#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# C programs do by the library what the commands do: all verbs on VMs of the mock backend, by many threads at once, given
# up in the middle; and the example boots a guest.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/library.sh"
requires python3

library_program libhull-vms example-vms
expect 0 timeout 250 bin/libhull-vms
is out good
is err ''
expect 0 "$HULL" ls -q
is out ''

expect 0 timeout 100 python3 "$(dirname "$script")/../api/vms.py" "$LD_LIBRARY_PATH/libhull.so.0"
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
