# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# VMs with devices of the description's list; to be sourced after vm.sh.

requires busybox python3

# What the initramfs lacks is in there.
modules_disk="\"disks\":[{\"path\":\"${HULL_GUEST_DIR:-$build/guest}/modules.img\",\"readonly\":true,\"serial\":\"hull-modules\"}]"

# status KEY : of the VM
status()
{
	"$hullctl" "$C" status | sed -n "s/^$1=//p"
}
