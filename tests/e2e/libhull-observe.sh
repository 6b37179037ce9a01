#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A C program looks at VMs by the library: what they use and what they take on disk, what they say on their
# consoles, and what is left of those that are gone.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/library.sh"

on_exit '"$HULL" rm -a -f >/dev/null 2>&1'
library_program libhull-observe
expect 0 timeout 250 bin/libhull-observe
is out good
is err ''
expect 0 "$HULL" ls -q
is out ''
