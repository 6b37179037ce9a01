#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A C program describes a machine by the library and has it run: the guest finds its disk, and its network is the
# socket that the program has handed over.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/initramfs.sh"
: "${LIBHULL_MACHINE:?LIBHULL_MACHINE must be the path of the program on the library}"
PATH=$(dirname "$HULL"):$PATH
export PATH

# ARP for an address that nobody has is a frame without anything else being set up.  What the guest says goes to
# the disk.
initramfs virtio_pci virtio_blk virtio_net <<'END'
echo "serial $(cat /sys/block/vda/serial), $(cat /sys/class/net/eth0/address)" |
	dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up
arping -c 1 -w 1 -I eth0 192.0.2.2
echo o >/proc/sysrq-trigger
sleep 600
END
truncate -s 1M disk.raw

expect 0 "$LIBHULL_MACHINE" "$guest/vmlinuz" initrd disk.raw
has out 'frame: its own'
has out 'ended: 0'
[ "$(head -c 512 disk.raw | tr -d '\0')" = 'serial first, 5a:94:ef:00:00:01' ] ||
	fail "the guest says: $(head -c 512 disk.raw | tr -d '\0')"
[ -z "$(ls "$HULL_HOME/run/vm")" ] || fail 'a machine is left'

# What can't be started is told by who was started, and the program gets its exit code.
expect 0 "$LIBHULL_MACHINE" "$T/no-such-kernel" initrd disk.raw
has out 'ended: 1'
has err 'no-such-kernel'
