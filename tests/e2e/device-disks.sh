#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disks of every kind and format in one guest: each is there with its size and serial number, what
# the host has written is read, what the guest writes is found, and readonly ones refuse.
. "$(dirname "$0")/functions.sh"
requires qemu-img

# image NAME MIB : a raw file that begins with "host-NAME"
image()
{
	truncate -s "$2M" "$1.raw"
	printf 'host-%s\n' "$1" | dd of="$1.raw" conv=notrunc status=none
}

image plain 4
image qcow 5
image vmdk 6
image stream 7
image nvme 8
image usb 9
image fixed 10
qemu-img convert -O qcow2 qcow.raw qcow.img
qemu-img convert -O vmdk vmdk.raw vmdk.img
qemu-img convert -O vmdk -o subformat=streamOptimized stream.raw stream.img
cache=writeback # a tmpfs has no direct I/O
dd if=nvme.raw of=/dev/null iflag=direct bs=4k count=1 status=none 2>/dev/null && cache=none

set -- --device virtio-blk,path=plain.raw,deviceId=plain,cache=unsafe,queues=1,discard \
	--device virtio-blk,path=qcow.img,id=qcow,format=qcow2 \
	--device virtio-blk,path=vmdk.img,id=vmdk,format=vmdk \
	--device virtio-blk,path=stream.img,id=stream,format=vmdk,readonly \
	--device nvme,path=nvme.raw,id=nvme,queues=2,cache=$cache \
	--device usb-mass-storage,path=usb.raw,id=usb \
	--device nvme,path=fixed.raw,id=fixed,readonly
writable='plain qcow vmdk nvme usb'
fixed='stream fixed'

# A block device itself, where a loop device can be had.
image loop 11
loop=
if [ "$(id -u)" -eq 0 ] && loop=$(losetup -f --show loop.raw 2>/dev/null); then
	on_exit "losetup -d $loop"
	set -- "$@" --device "virtio-blk,path=$loop,type=dev,id=loop"
	writable="$writable loop"
fi

cat >guest.sh <<'END'
# The disk with that serial number, wherever its kind has it.
disk()
{
	for at in /sys/block/*; do
		for file in "$at/serial" "$at/device/serial" "$at/device/../../../../serial"; do
			serial=
			read -r serial 2>/dev/null <"$file"
			[ "$serial" != "$1" ] || found=${at##*/}
		done
	done
}
for name in $1; do
	found=none
	disk $name
	size=$(cat /sys/block/$found/size)
	echo "$name $((size / 2048)) $(head -n 1 /dev/$found) ro=$(cat /sys/block/$found/ro)"
	printf 'guest-%s\n' $name | dd of=/dev/$found bs=512 seek=2048 conv=fsync,sync status=none ||
		echo "$name can't be written"
done
for name in $2; do
	found=none
	disk $name
	size=$(cat /sys/block/$found/size)
	echo "$name $((size / 2048)) $(head -n 1 /dev/$found)"
	printf 'guest-%s\n' $name | dd of=/dev/$found bs=512 seek=2048 conv=fsync,sync status=none 2>/dev/null &&
		echo "$name can be written"
done
true
END
expect 0 "$HULL" run --net none "$@" -i -- sh -s "$writable" "$fixed" <guest.sh
is out "plain 4 host-plain ro=0
qcow 5 host-qcow ro=0
vmdk 6 host-vmdk ro=0
nvme 8 host-nvme ro=0
usb 9 host-usb ro=0
${loop:+loop 11 host-loop ro=0
}stream 7 host-stream
fixed 10 host-fixed"

# What the guest wrote, in the same places.
qemu-img convert -f qcow2 -O raw qcow.img qcow.raw
qemu-img convert -f vmdk -O raw vmdk.img vmdk.raw
for disk in $writable; do
	dd if="$disk.raw" bs=512 skip=2048 count=1 status=none | head -n 1 >wrote
	is wrote "guest-$disk"
done
dd if=fixed.raw bs=512 skip=2048 count=1 status=none | tr -d '\0' >wrote
is wrote ''

# refused TEXT DEVICE : before anything starts
refused()
{
	expect 125 "$HULL" run --device "$2" -- true
	has err "$1"
}
qemu-img create -q -f qcow2 -b qcow.raw -F raw child.img
qemu-img create -q -f vmdk -o subformat=monolithicFlat parts.img 4M
refused "child.img' needs a backing file" virtio-blk,path=child.img,format=qcow2
refused "only describes an image that is in other files" nvme,path=parts.img,format=vmdk
refused 'compressed' virtio-blk,path=stream.img,format=vmdk
refused 'is not a qcow2 image' virtio-blk,path=plain.raw,format=qcow2
refused 'is no block device' virtio-blk,path=plain.raw,type=dev
refused "needs cache 'none'" virtio-blk,path=plain.raw,aio=native
refused "unknown option 'formt'; did you mean 'format'?" virtio-blk,path=plain.raw,formt=raw

# One that appears later gets its driver as well, and so does one that comes back.
expect 0 "$HULL" run --net none --device nvme,path=nvme.raw,id=later -- sh -c '
	for turn in 1 2; do
		for at in /sys/bus/pci/devices/*; do
			[ "$(cat $at/class)" != 0x010802 ] || echo 1 >$at/remove
		done
		rmmod nvme nvme_core
		! test -e /dev/nvme0n1 || echo "still there"
		echo 1 >/sys/bus/pci/rescan
		tries=300
		until [ -b /dev/nvme0n1 ] || [ $tries = 0 ]; do
			tries=$((tries - 1))
			sleep 0.1
		done
		head -n 1 /dev/nvme0n1
	done'
is out 'host-nvme
host-nvme'
