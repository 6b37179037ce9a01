# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For scripts about programs on the library, which finds hull's programs by itself: what is beside the caller's
# program may be anybody's.
: "${LIBHULL_PROGRAMS:?LIBHULL_PROGRAMS must be the directory of the programs on the library}"
LD_LIBRARY_PATH=$(dirname "$HULL")
export LD_LIBRARY_PATH
mkdir bin bin/guest
for trap in hull-monitor hull-mock hull-share hull-vsock guest/vmlinux guest/initramfs guest/modules.img; do
	printf '#!/bin/sh\nexit 1\n' >"bin/$trap"
	chmod 755 "bin/$trap"
done

# library_program NAME... : as bin/NAME
library_program()
{
	for program in "$@"; do
		cp "$LIBHULL_PROGRAMS/$program" bin
	done
}
