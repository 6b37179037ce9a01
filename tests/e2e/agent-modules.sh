#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each machine gets the modules of the stages it needs, by the agent alone, and the devices work.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"

# loaded MODULE... / absent MODULE... : of the VM's modules in ./modules
loaded()
{
	for module in "$@"; do
		grep -qx "$module" modules || fail "module '$module' is not loaded; these are: $(tr '\n' ' ' <modules)"
	done
}

absent()
{
	for module in "$@"; do
		! grep -qx "$module" modules || fail "module '$module' is loaded for nothing"
	done
}

look()
{
	guest 'cut -d" " -f1 /proc/modules'
	mv out modules
}

# microvm: no PCI; a root from the host; no disk.
vm_start "\"machine\":\"microvm\",$host_root"
look
loaded virtio virtio_ring virtio_mmio virtio_console fuse virtiofs overlay
absent virtio_pci virtio_blk ext4
guest 'stat -f -c %T /; cat /sys/class/virtio-ports/*/name | sort | tr "\n" " "'
has out overlayfs
has out 'hull.bulk hull.ctl'
vm_stop

# q35: PCI, and a disk.
vm_start "\"machine\":\"q35\",$host_root,\"disks\":[{\"scratch\":67108864,\"serial\":\"hull-scratch\"}]"
look
loaded virtio virtio_ring virtio_pci virtio_console fuse virtiofs overlay virtio_blk ext4
absent virtio_mmio
guest 'cat /sys/block/vda/serial; echo; cat /sys/block/vda/size'
has out hull-scratch
has out 131072
vm_stop

# Nothing but the agent: only what the link needs.
vm_start '"machine":"microvm"'
ctl 0 "$V" info
has out 'span=link modules'
ctl 0 "$V" create none cat /proc/modules
ctl 1 "$V" start none # there are no programs in the initramfs
has err command-not-found
