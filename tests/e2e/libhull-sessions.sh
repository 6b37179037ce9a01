#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A C program runs commands in a VM by the library: their streams, terminals, ends and names, by several
# threads at once; and so do the example and a program in Python.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/library.sh"
requires python3

on_exit '"$HULL" rm -a -f >/dev/null 2>&1'
library_program libhull-sessions example-exec
expect 0 timeout 250 bin/libhull-sessions
is out good
is err ''
expect 0 "$HULL" ls -q
is out ''

expect 0 "$HULL" create --name web
expect 125 bin/example-exec web true
has err "exec: VM 'web' is not running (STATE)"
expect 0 "$HULL" start web
expect 3 bin/example-exec web sh -c 'uname; exit 3'
is out Linux
is err ''
expect 125 bin/example-exec web nonesuch
has err NOT_FOUND
expect 0 timeout 100 python3 "$(dirname "$script")/../api/sessions.py" "$LD_LIBRARY_PATH/libhull.so.0"
is out good
expect 0 "$HULL" ps -q web
is out ''
expect 0 "$HULL" rm -f web
