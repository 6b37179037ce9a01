#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A command in a VM: output, exit codes, its own kernel.
. "$(dirname "$0")/functions.sh"

expect 3 "$HULL" run -- sh -c 'echo to-out; echo to-err >&2; uname -sv; python3 -c "print(6*7)"; exit 3'
is err to-err
sed -n 2p out >line
has line Linux
[ "$(uname -sv)" != "$(cat line)" ] || fail "that was the host's kernel"
sed 2d out >rest
is rest 'to-out
42'

expect 127 "$HULL" run -- no-such-command
has err no-such-command
[ "$(id -u)" -eq 0 ] || exit 0 # other exit codes are the same for everybody
expect 126 "$HULL" run -- /etc/passwd
has err /etc/passwd
expect 143 "$HULL" run -- sh -c 'kill -TERM $$'
