#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Both machine types, CPU models, a kernel of one's own, the console, no agent.
. "$(dirname "$0")/functions.sh"

guest=$(dirname "$HULL")/guest
expect 0 "$HULL" run --machine q35 --cpu max -c 2 -- sh -c 'nproc; grep -m1 -c avx2 /proc/cpuinfo'
is out '2
1'

[ "$(id -u)" -eq 0 ] || exit 0 # the rest is the same for everybody
expect 0 "$HULL" run --machine microvm -c 2 -- nproc
is out 2

# The distribution's bzImage, with hull's agent: the same release as the modules.
expect 0 "$HULL" run --kernel "$guest/kernel/vmlinuz" --append 'hull.test=1' --console -- cat /proc/cmdline
has out hull.test=1

# Just a kernel: it boots, finds no root, panics; that is told.  The console is all there is then.
expect 125 "$HULL" run --kernel "$guest/vmlinux" --agent none --timeout 60s
has out 'Linux version'
has out 'Kernel panic'
has err 'Kernel panic'
