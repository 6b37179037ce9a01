#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The agent's source and discard ports carry any number of bytes, whole, in both directions at once.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires python3

cat >ports.py <<'END'
import socket
import sys

AMOUNT = 32 << 20


def connect(path, port):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(path)
    s.sendall(f"CONNECT {port}\n".encode())
    line = b""
    while not line.endswith(b"\n"):
        line += s.recv(1) or sys.exit(f"port {port}: closed after {line!r}")
    assert line.startswith(b"OK "), line
    return s


source, sink = connect(sys.argv[1], 19), connect(sys.argv[1], 9)
got = sent = 0
while got < AMOUNT or sent < AMOUNT:
    if sent < AMOUNT:
        sent += sink.send(b"x" * 65536)
    if got < AMOUNT:
        piece = source.recv(65536)
        assert piece and not piece.strip(b"\0"), piece[:80]
        got += len(piece)
sink.shutdown(socket.SHUT_WR)
assert sink.recv(1) == b""
# Full at both ends, then gone: the next one is served all the same.
source.close()
for _ in range(20):
    connect(sys.argv[1], 19).close()
assert connect(sys.argv[1], 19).recv(1) == b"\0"
END
vm_start
expect 0 python3 ports.py "$V"
ctl 0 "$V" info
rss=$(sed -n 's/^rss_bytes=//p' out)
[ "$rss" -le 2097152 ] || fail "the agent uses $rss bytes of memory"
ctl 0 "$V" poweroff
vm_ended shutdown
