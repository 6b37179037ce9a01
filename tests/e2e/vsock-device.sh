#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest with a virtio-vsock device of hull-vsock's, in a QEMU started by hand: connections both
# ways, see vsock-device.py; then a hypervisor and guest that misbehave, see vsock-hostile.py.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires python3 qemu-system-x86_64
tests=$(dirname "$script")
guest=${HULL_GUEST_DIR:-$build/guest}

# What this host's guests need on their command line, hull knows.
vm_start
ctl 0 "$C" status
words=$(tr '\0' '\n' <"/proc/$(sed -n 's/^hypervisor_pid=//p' out)/cmdline" | grep '^console=')
vm_stop

"$tests/../../tools/mkinitramfs" --agent "${VSOCK_GUEST:-$build/tests/e2e/vsock-guest}" \
	--modules "$guest/kernel/modules/$(cat "$guest/kernel/version")" --out "$T/initramfs" ||
	fail "no initramfs"
run()
{
	mkdir "$1"
	(cd "$1" && exec timeout 60 python3 "$tests/vsock-device.py" "$build" "$T/initramfs" "$@" </dev/null) ||
		fail "on $1"
}
if [ "$(id -u)" -eq 0 ]; then
	run microvm "$words"
	run q35 "$words" few
else
	run microvm "$words" few
fi
timeout 60 python3 "$tests/vsock-hostile.py" "$build/hull-vsock" || fail "hostile peers"
