#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Standard streams: input with -i, none without, large ones whole in both directions.
. "$(dirname "$0")/functions.sh"

echo hi >in
expect 0 sh -c '"$HULL" run -i -- cat <in'
is out hi
expect 0 sh -c 'echo piped | "$HULL" run -i -- cat'
is out piped
expect 0 sh -c 'echo lost | "$HULL" run -- cat'
is out ''

head -c 20000000 /dev/urandom >big
expect 0 sh -c '"$HULL" run -i -- sh -c "tee /dev/stderr | sha256sum >/tmp/sum; cat /tmp/sum >&1" <big 2>back'
has out "$(sha256sum <big | cut -d' ' -f1)"
cmp big back || fail "20 MB came back changed"

# Faster than the link, for long enough to meet every limit on the way.
expect 0 sh -c '"$HULL" run -- head -c 200000000 /dev/zero | wc -c'
is out 200000000

# The command ends without reading its input.
expect 0 sh -c 'yes | "$HULL" run -i -- true'
# Its input stays open when it ends.
mkfifo pipe
sleep 300 >pipe &
sleeper=$!
expect 0 timeout 60 "$HULL" run -i -- echo done <pipe
kill "$sleeper"
is out done
