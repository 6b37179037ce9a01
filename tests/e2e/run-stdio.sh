#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Standard streams: input with -i, none without, large ones whole in both directions.
. "$(dirname "$0")/functions.sh"

expect 0 sh -c 'echo piped | "$HULL" run -i -- cat'
is out piped

# From a file: a line, and 20 MB there and back.
head -c 20000000 /dev/urandom >big
{ echo hi && cat big; } >in
expect 0 sh -c '"$HULL" run -i -- sh -c "read -r line && echo \$line; tee /dev/stderr | sha256sum >/tmp/sum; cat /tmp/sum" <in 2>back'
is out "hi
$(sha256sum <big)"
cmp big back || fail "20 MB came back changed"

[ "$(id -u)" -eq 0 ] || exit 0 # what follows is the same for everybody

# No input.  Output faster than the link, for long enough to meet every limit on the way, many times
# over: windows, pipes and sockets hold a few MB together.
expect 0 sh -c 'echo lost | "$HULL" run -- sh -c "cat; head -c 64000000 /dev/zero" | wc -c'
is out 64000000

# The command ends without reading its input.
expect 0 sh -c 'yes | "$HULL" run -i -- true'
# Its input stays open when it ends.
mkfifo pipe
sleep 300 >pipe &
sleeper=$!
expect 0 timeout 60 "$HULL" run -i -- echo done <pipe
kill "$sleeper"
is out done
