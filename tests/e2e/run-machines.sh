#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Both machine types, CPU models, a kernel of one's own, the console, no agent.
. "$(dirname "$0")/functions.sh"

guest=$(dirname "$HULL")/guest
for machine in q35 microvm; do
	expect 0 "$HULL" run --machine $machine -c 2 -- sh -c 'nproc; cat /proc/cmdline'
	has out 2
done
expect 0 "$HULL" run --cpu max -- grep -m1 -c avx2 /proc/cpuinfo
is out 1

# The distribution's bzImage, with hull's agent: the same release as the modules.
expect 0 "$HULL" run --kernel "$guest/kernel/vmlinuz" --append 'hull.test=1' --console -- cat /proc/cmdline
has out hull.test=1

# Just a kernel: it boots, finds no root, panics; that is told.
expect 125 "$HULL" run --kernel "$guest/kernel/vmlinuz" --agent none --append 'panic=-1'
has out 'Linux version'
has err 'Kernel panic'
