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
image flat 5
qemu-img convert -O vmdk -o subformat=monolithicFlat flat.raw flat.img
# describe NAME LINES... : a VMDK image that is made of these parts
describe()
{
	into=$1
	shift
	printf '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="twoGbMaxExtentFlat"\n' >"$into"
	printf '%s\n' "$@" >>"$into"
}
mkdir elsewhere
image third 1
(cd elsewhere && image parts 1 && image other 1)
describe parts.img "RW 2040 FLAT \"$T/elsewhere/parts.raw\" 0" 'RW 8 ZERO' \
	"RW 2048 FLAT \"$T/elsewhere/other.raw\" 0" 'RW 2048 ZERO' 'RW 2048 FLAT "third.raw" 0'
cache=writeback # a tmpfs has no direct I/O
dd if=nvme.raw of=/dev/null iflag=direct bs=4k count=1 status=none 2>/dev/null && cache=none

set -- --device virtio-blk,path=plain.raw,deviceId=plain,cache=unsafe,queues=1,discard,iothread \
	--device virtio-blk,path=qcow.img,id=qcow,format=qcow2 \
	--device virtio-blk,path=vmdk.img,id=vmdk,format=vmdk \
	--device virtio-blk,path=stream.img,id=stream,format=vmdk,readonly \
	--device virtio-blk,path=flat.img,id=flat,format=vmdk \
	--device virtio-blk,path=parts.img,id=parts,format=vmdk,outside,readonly \
	--device nvme,path=nvme.raw,id=nvme,queues=2,cache=$cache \
	--device usb-mass-storage,path=usb.raw,id=usb \
	--device nvme,path=fixed.raw,id=fixed,readonly
writable='plain qcow vmdk flat nvme usb'
fixed='stream parts fixed'

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
# A part after zeros is where it belongs.
found=none
disk parts
for mib in 1 3; do
	dd if=/dev/$found bs=1M skip=$mib count=1 status=none | head -n 1
done
END
expect 0 "$HULL" run --net none "$@" -i -- sh -s "$writable" "$fixed" <guest.sh
is out "plain 4 host-plain ro=0
qcow 5 host-qcow ro=0
vmdk 6 host-vmdk ro=0
flat 5 host-flat ro=0
nvme 8 host-nvme ro=0
usb 9 host-usb ro=0
${loop:+loop 11 host-loop ro=0
}stream 7 host-stream
parts 4 host-parts
fixed 10 host-fixed
host-other
host-third"

# What the guest wrote, in the same places.
qemu-img convert -f qcow2 -O raw qcow.img qcow.raw
qemu-img convert -f vmdk -O raw vmdk.img vmdk.raw
mv flat-flat.img flat.raw
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
refused "child.img' needs a backing file" virtio-blk,path=child.img,format=qcow2
ln -s /etc/passwd link.raw
describe up.img 'RW 1 FLAT "../x"'
describe sparse.img 'RW 1 SPARSE "plain.raw"'
describe link.img 'RW 1 FLAT "link.raw"'
describe short.img 'RW 8193 FLAT "plain.raw"'
refused "it names '$T/elsewhere/parts.raw', which is not beside it" nvme,path=parts.img,format=vmdk,readonly
refused "it names '../x', which is not beside it" nvme,path=up.img,format=vmdk,readonly,outside
refused "can't be written" virtio-blk,path=parts.img,format=vmdk,outside
refused "type 'SPARSE'" virtio-blk,path=sparse.img,format=vmdk
refused "open 'link.raw': Too many levels of symbolic links" virtio-blk,path=link.img,format=vmdk,readonly
refused "'plain.raw' is shorter than it says" virtio-blk,path=short.img,format=vmdk
refused "has no cache 'none'" virtio-blk,path=flat.img,format=vmdk,cache=none
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
