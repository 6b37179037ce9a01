# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For scripts about programs on the library: those are found as when all of hull is installed, with hull's
# programs beside them.
: "${LIBHULL_PROGRAMS:?LIBHULL_PROGRAMS must be the directory of the programs on the library}"
build=$(dirname "$HULL")
export LD_LIBRARY_PATH="$build/src"
mkdir bin
for program in hull-monitor hull-mock hull-share hull-vsock guest; do
	ln -s "$build/$program" bin
done

# library_program NAME... : as bin/NAME
library_program()
{
	for program in "$@"; do
		cp "$LIBHULL_PROGRAMS/$program" bin
	done
}
