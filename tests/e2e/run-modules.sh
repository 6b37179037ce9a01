#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the initramfs lacks comes from the modules image when the guest's kernel misses it.
. "$(dirname "$0")/functions.sh"

expect 0 "$HULL" run -- sh -c 'grep -c "^xfs\|^squashfs\|^virtio_blk" /proc/modules; mount -t xfs none /mnt 2>/dev/null; grep -w xfs /proc/filesystems && grep ^libcrc32c /proc/modules && grep ^crc32c /proc/modules'
sed -n 1p out >line && is line 0 # nothing is loaded that nobody asked for
has out xfs
# A name that nothing serves fails, and nothing hangs.
expect 32 "$HULL" run --machine q35 -- mount -t no-such-fs tmpfs /mnt
