#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of the REST service that curl can't be.  ADDRESS is a socket's path or a port.
  rest-peer.py ADDRESS raw TEXT     sends TEXT (with escapes), prints what comes until the end
  rest-peer.py ADDRESS hold N       N connections, silent or stuck in head or body, one after the other
                                    and all kept open, until there is something on standard input
  rest-peer.py ADDRESS storm N      N connections, all open before the first answer is read; prints how
                                    many got the state
"""
import resource
import socket
import sys

address, what, argument = sys.argv[1:4]
HALVES = [
    b"",
    b"GET /vm/state HTTP/1.1\r\nHo",
    b'POST /vm/state HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"state"',
]


def dial():
    if address.isdigit():
        s = socket.create_connection(("127.0.0.1", int(address)), 60)
    else:
        s = socket.socket(socket.AF_UNIX)
        s.connect(address)  # with a deadline it would not wait for room at all
        s.settimeout(60)
    return s


def everything(s):
    data = b""
    try:
        while more := s.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    return data


def say(s, data):
    try:
        s.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # sent away already


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
if what == "raw":
    peer = dial()
    peer.sendall(argument.encode().decode("unicode_escape").encode("latin-1"))
    sys.stdout.write(everything(peer).decode())
elif what == "hold":
    peers = []
    for i in range(int(argument)):
        peers.append(dial())
        say(peers[-1], HALVES[i % len(HALVES)])
    print("held", flush=True)
    sys.stdin.readline()
else:
    peers = []
    for i in range(int(argument)):
        peers.append(dial())
        say(peers[-1], b"GET /vm/state HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    print(sum(b'"state":"VirtualMachineState' in everything(s) for s in peers))
