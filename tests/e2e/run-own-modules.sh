#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A kernel of one's own with its modules: those the guest boots with, and all others on demand.
. "$(dirname "$0")/functions.sh"
requires cpio gzip

kernel=$(dirname "$HULL")/guest/kernel
version=$(cat "$kernel/version")
modules=$(readlink -f "$kernel/modules/$version")

# run CODE OPTIONS... : a run of that kernel
run()
{
	want_code=$1
	shift
	expect "$want_code" "$HULL" run --kernel "$kernel/vmlinuz" "$@"
}

# hull's agent in an initramfs that has no module, and is packed: all of them come from --modules.
mkdir bare
(cd bare && cpio -id --quiet --no-preserve-owner init mnt proc run sys tmp <"$kernel/../initramfs" && mkdir dev &&
	find . | cpio -o --quiet -H newc | gzip) >bare.gz || fail "can't make an initramfs"
run 125 --initrd "$T/bare.gz" --boot-timeout 5s -- true
has err 'did not greet'
for machine in microvm q35; do
	run 0 --initrd "$T/bare.gz" --modules "$modules" --machine $machine --scratch 64M -- sh -c 'uname -r
		! grep "^squashfs" /proc/modules
		modprobe dummy && grep ^dummy /proc/modules
		mount -t xfs none /mnt 2>/dev/null; grep -w xfs /proc/filesystems && grep ^libcrc32c /proc/modules
		touch /lib/modules/$(uname -r)/modules.dep; true'
	has out "$version"
	has out 'dummy '
	has out libcrc32c
	has err 'Read-only file system'
done

# The directory under which they were installed; a root that refuses writes; another share.
mkdir -p tree/lib/modules other
ln -s "$modules" "tree/lib/modules/$version"
run 0 --modules tree --read-only --here --net none -- sh -c 'modprobe dummy && grep ^dummy /proc/modules'
has out 'dummy '
run 0 --modules tree --cap none -- sh -c 'ls /lib/modules/*/modules.dep'
has out "/lib/modules/$version/modules.dep"

# What is wrong is told before anything starts.
run 125 --modules other -- true
has err "has neither modules.dep nor lib/modules/$version with it"
has err depmod
cp "$modules/modules.builtin" other
grep -v 'virtio_console\|overlay' "$modules/modules.dep" >other/modules.dep
run 125 --modules other -- true
has err 'neither a module nor built in: virtio_console, overlay'
has err 'CONFIG_VIRTIO_CONSOLE, CONFIG_OVERLAY_FS'
cp "$modules/modules.dep" other
run 125 --modules other -- true
has err "read '$T/other/kernel/drivers/virtio/"
mkdir -p 9.9/kernel
: >9.9/modules.dep
sed -n 's/:.*//p' "$modules/modules.dep" >9.9/modules.builtin
run 125 --modules 9.9 -- true
has err "'$T/9.9' is for kernel 9.9, and"
has err "is $version"
sed "s/vermagic=$version/vermagic=9.9.9${version#?????}/" "$modules/kernel/drivers/virtio/virtio_ring.ko" >9.9/kernel/virtio_ring.ko
echo kernel/virtio_ring.ko: >9.9/modules.dep
sed -i /virtio_ring/d 9.9/modules.builtin
run 125 --modules 9.9 -- true
has err "'$T/9.9/kernel/virtio_ring.ko' is for kernel 9.9.9"
expect 125 "$HULL" run --modules none -- true
has err "--modules: open 'none': No such file or directory"
run 125 --modules tree --agent none
has err 'nobody loads them'

# What would be started is told in the same way: with the machine that the modules drive.
mkdir no-mmio
ln -s "$modules/kernel" no-mmio/kernel
cp "$modules/modules.builtin" no-mmio
grep -v virtio_mmio "$modules/modules.dep" >no-mmio/modules.dep
for dir in tree no-mmio other; do
	printf '{"version":1,"kernel":"%s","modules":"%s"}' "$kernel/vmlinuz" $dir >$dir.json
done
expect 0 "$HULL" config plan -o lines no-mmio.json
grep -q '^pc-q35' out || fail "not the machine that its modules drive: $(cat out)"
expect 0 "$HULL" config plan -o lines tree.json
grep -q '^microvm,' out || fail "no microvm: $(cat out)"
expect 1 "$HULL" config plan other.json
has err "read '$T/other/kernel/drivers/virtio/"
echo text >text
expect 125 "$HULL" run --kernel text --modules tree -- true
has err "'$T/text' does not tell its version"
