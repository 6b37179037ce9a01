#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A disk of Debian's parts, with a boot loader of EFI's, boots by --firmware efi; what its system puts among the
# firmware's variables is there when it boots again.
. "$(dirname "$0")/functions.sh"
requires cpio mkfs.vfat mcopy socat
busybox=$(command -v busybox) || skip "no busybox"
loader=/usr/lib/systemd/boot/efi/systemd-bootx64.efi
[ "$(uname -m)" = x86_64 ] || skip "no image for $(uname -m)"
[ -e $loader ] || skip "no $loader"
[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no UEFI"
guest=$(dirname "$HULL")/guest/kernel

# run CODE FIRMWARE : boots the disk
run()
{
	expect "$1" "$HULL" run --firmware "$2" --device virtio-blk,path=esp.img </dev/null
}

# The system: sets a variable, or tells what it finds, as in a directory that is shared; then powers off.
mkdir -p root/bin root/proc root/sys root/mnt
cp "$busybox" root/bin/busybox
for module in efivarfs virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci fuse virtiofs; do
	find "$guest/modules/" -name $module.ko -exec cp {} root \;
done
cat >root/init <<'END'
#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox insmod /efivarfs.ko
cd /sys/firmware/efi/efivars && /bin/busybox mount -t efivarfs none . && cd "$PWD"
v=HullTest-6a7a9e1c-5b1e-4d0c-9a58-3c1f1e4b7d20
if [ -e $v ]; then
	echo "found: $(/bin/busybox tail -c +5 $v)"
else
	printf '\007\000\000\000blue' >$v && echo "set: $(/bin/busybox tail -c +5 $v)"
fi
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci fuse virtiofs; do
	/bin/busybox insmod /$module.ko
done
/bin/busybox mount -t virtiofs shared /mnt && /bin/busybox cat /mnt/in && echo written >/mnt/out
echo o >/proc/sysrq-trigger
/bin/busybox sleep 60
END
chmod +x root/init
(cd root && find . | cpio -o --quiet -H newc) >initrd || fail "can't make an initramfs"

# The disk.
mkdir -p esp/EFI/BOOT esp/loader/entries
cp $loader esp/EFI/BOOT/BOOTX64.EFI
cp "$guest/vmlinuz" initrd esp
echo 'timeout 0' >esp/loader/loader.conf
printf 'title hull\nlinux /vmlinuz\ninitrd /initrd\noptions console=ttyS0 quiet\n' >esp/loader/entries/hull.conf
truncate -s 48M esp.img
mkfs.vfat esp.img >/dev/null && mcopy -i esp.img -s esp/* ::/ || fail "can't make a disk"

# What is wrong is told before anything starts.
run 125 efi,store=nv
has err "there is no '$T/nv'"
has err "'create' makes it"
[ ! -e nv ] || fail 'a store was made'
: >empty
run 125 efi,store=empty,create
has err "'$T/empty' is empty"
run 125 efi,stroe=nv
has err "did you mean 'store'?"
run 125 efi,create
run 125 uefi
expect 125 "$HULL" run --firmware efi --kernel "$guest/vmlinuz"
has err "firmware 'efi' boots what the disks hold"
expect 125 "$HULL" run --firmware efi --machine microvm
has err "'q35' has"
expect 125 "$HULL" run --firmware efi -- true
has err "can't run 'true'"

run 0 efi,store=nv,create
has out 'set: blue'
[ "$(stat -c '%a %s' nv)" = "600 $(stat -c %s /usr/share/OVMF/OVMF_VARS_4M.fd)" ] || fail "nv is $(ls -l nv)"

# The second time by vfkit's command line, whose "create" keeps the store as well; with a directory, for which the
# firmware has a driver too.
mkdir shared
echo 'of the host' >shared/in
"$HULL" vfkit -b efi,variable-store=nv,create -d virtio-blk,path=esp.img \
	-d virtio-fs,sharedDir=shared >out 2>err &
started=$!
on_exit 'kill -9 $started 2>/dev/null' # shellcheck disable=SC2016
wait_for 60 grep -q 'serial console is' err
socat -u "UNIX-CONNECT:$(sed -n "s/.*serial console is '\(.*\)'/\1/p" err)" - >console 2>/dev/null &
reader=$!
wait "$started" || fail "vfkit exited with $?: $(cat err)"
wait "$reader"
has console 'found: blue'
has console 'of the host'
is shared/out written
[ -z "$(find . -name 'nv?*')" ] || fail "left: $(ls)"
