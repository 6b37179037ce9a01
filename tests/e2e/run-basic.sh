#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A command in a VM: output, exit codes, its own kernel.
. "$(dirname "$0")/functions.sh"

expect 0 "$HULL" run -- uname -a
has out Linux
[ "$(uname -v)" != "$(cut -d' ' -f4- out)" ] || fail "that was the host's kernel"

expect 3 "$HULL" run -- sh -c 'echo to-out; echo to-err >&2; exit 3'
is out to-out
is err to-err

expect 0 "$HULL" run -- python3 -c 'print(6*7)'
is out 42

expect 127 "$HULL" run -- no-such-command
has err no-such-command
expect 126 "$HULL" run -- /etc/passwd
has err /etc/passwd
expect 143 "$HULL" run -- sh -c 'kill -TERM $$'
