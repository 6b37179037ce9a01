# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Guests of Debian's kernel with busybox in the place of hull's agent; to be sourced after functions.sh.

requires cpio
busybox=$(command -v busybox) || skip "no busybox"
guest=${HULL_GUEST_DIR:-$(dirname "$HULL")/guest}/kernel
version=$(cat "$guest/version")

# initramfs MODULE... <SCRIPT : makes ./initrd of ./root, with these modules and what they need, loaded before
# SCRIPT is what PID 1 goes on with
initramfs()
{
	modules=root/lib/modules/$version
	mkdir -p root/bin "$modules" root/proc root/sys root/dev
	cp "$busybox" root/bin/busybox
	for module in "$@"; do
		grep "/$module\.ko:" "$guest/modules/$version/modules.dep" || fail "there is no module '$module'"
	done >"$modules/modules.dep"
	tr -d : <"$modules/modules.dep" | tr ' ' '\n' | sort -u | while IFS= read -r file; do
		mkdir -p "$modules/$(dirname "$file")"
		cp "$guest/modules/$version/$file" "$modules/$file" || exit 1
	done || fail "can't copy the modules"
	{
		cat <<-END
			#!/bin/busybox sh
			/bin/busybox mkdir -p /sbin
			/bin/busybox --install -s /bin
			mount -t proc none /proc
			mount -t sysfs none /sys
			mount -t devtmpfs none /dev
			for module in $*; do modprobe \$module; done
		END
		cat
	} >root/init
	chmod +x root/init
	(cd root && find . | cpio -o --quiet -H newc) >initrd || fail "can't make an initramfs"
}
