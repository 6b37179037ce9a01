#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Both machine types, CPU models, a kernel of one's own, the console, no agent.
. "$(dirname "$0")/functions.sh"

guest=$(dirname "$HULL")/guest
expect 0 "$HULL" run --machine q35 --cpu max -c 2 -- sh -c 'nproc; grep -m1 -c avx2 /proc/cpuinfo'
is out '2
1'

# Processors that one host thread emulates in turn, where QEMU can't do better without mistakes; it is asked
# only where there are several.
mkdir bin mark
# planned MEMBERS PRINTS : the accelerator for a description with these, and a QEMU that prints that
planned()
{
	printf '#!/bin/sh\necho "%s"\ntouch %s/mark/asked\n' "$2" "$T" >bin/qemu-system-x86_64
	chmod 755 "$T" bin bin/qemu-system-x86_64
	chmod 777 mark # whoever it runs as
	echo "{\"version\":1,\"accel\":\"tcg\",$1}" >vm.json
	expect "${3:-0}" env PATH="$T/bin:$PATH" "$HULL" config plan -o lines vm.json
	sed -n '/^-accel$/{n;p;}' out
}
[ "$(planned '"cpus":1' 'QEMU emulator version 7.2.22')" = tcg ] && [ ! -e mark/asked ] || fail "one CPU: $(cat out)"
for several in '"cpus":2' '"cpus":1,"cpus_max":2'; do
	[ "$(planned "$several" 'QEMU emulator version 8.0.5')" = tcg,thread=single ] || fail "8.0: $(cat out)"
	[ "$(planned "$several" 'QEMU emulator version 8.1.0')" = tcg ] || fail "8.1: $(cat out)"
done
[ -e mark/asked ] || fail 'it was not asked'
planned '"cpus":2' huh 1
has err "does not say which QEMU it is"

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
