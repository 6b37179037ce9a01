#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both ends of the network tests, in guest and host alike.

  net-peer.py serve FILE PORT...     echoes over TCP and UDP, on both loopbacks (port 0: any; the
                                     number goes to FILE) or, in a guest, on every address
  net-peer.py ask "tcp ADDRESS PORT"...   says hello to each, prints what came back or "none"
  net-peer.py await "tcp ADDRESS PORT"... the same, again and again until each has answered
  net-peer.py hold FILE PROTOCOL     holds a port of 127.0.0.1 that nobody answers on
  net-peer.py dns                    answers every question with 192.0.2.53 or 2001:db8::53, at
                                     127.0.0.1 and ::1, over UDP

Several can follow one another, with the word "then" between them.
"""
import os
import socket
import struct
import sys
import threading
import time

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
PATIENCE_S = 20


def bind(kind, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, KINDS[kind])
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == "tcp":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    if kind == "tcp":
        s.listen(16)
    return s


def bind_all(port):
    """A socket for each kind and family, all of the same port."""
    addresses = ("0.0.0.0", "::") if port else ("127.0.0.1", "::1")
    while True:
        sockets = []
        try:
            for kind in KINDS:
                for address in addresses:
                    try:
                        sockets.append((kind, bind(kind, address, port)))
                    except OSError:
                        if ":" not in address:
                            raise
                    port = port or sockets[0][1].getsockname()[1]
            return port, sockets
        except OSError:
            port = 0


def echo_tcp(s, port):
    while True:
        peer, _ = s.accept()
        data = peer.recv(1000)
        peer.sendall(b"tcp %d: %s" % (port, data))
        peer.close()


def echo_udp(s, port):
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(b"udp %d: %s" % (port, data), peer)


def publish(path, text):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text + "\n")
    os.rename(path + ".new", path)


def serve(path, *ports):
    numbers = []
    for port in ports:
        number, sockets = bind_all(int(port))
        numbers.append(str(number))
        for kind, s in sockets:
            echo = echo_tcp if kind == "tcp" else echo_udp
            threading.Thread(target=echo, args=(s, number), daemon=True).start()
    if path == "-":
        print("serving", flush=True)
    else:
        publish(path, " ".join(numbers))
    time.sleep(600)


def ask_one(target, patience_s):
    kind, address, port = target.split()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, KINDS[kind]) as s:
        s.settimeout(patience_s)
        try:
            s.connect((address, int(port)))
            s.send(b"hello")
            return s.recv(1000).decode()
        except OSError:
            return ""


def ask(*targets):
    for target in targets:
        print(f"{target} => {ask_one(target, PATIENCE_S) or 'none'}", flush=True)


def wait_for(*targets):
    deadline = time.monotonic() + PATIENCE_S
    for target in targets:
        answer = ""
        while not answer and time.monotonic() < deadline:
            answer = ask_one(target, 1)
            time.sleep(0 if answer else 0.2)
        print(f"{target} => {answer or 'none'}", flush=True)


def hold(path, kind):
    s = bind(kind, "127.0.0.1", 0)
    publish(path, str(s.getsockname()[1]))
    time.sleep(600)


def answer_dns(s):
    while True:
        question, peer = s.recvfrom(512)
        end = question.index(0, 12) + 5
        wanted = struct.unpack(">H", question[end - 4:end - 2])[0]
        data = {1: socket.inet_aton("192.0.2.53"),
                28: socket.inet_pton(socket.AF_INET6, "2001:db8::53")}.get(wanted)
        reply = question[:2] + struct.pack(">HHHHH", 0x8580, 1, 1 if data else 0, 0, 0)
        reply += question[12:end]
        if data:
            reply += struct.pack(">HHHIH", 0xC00C, wanted, 1, 60, len(data)) + data
        s.sendto(reply, peer)


def dns():
    for address in ("127.0.0.1", "::1"):
        threading.Thread(target=answer_dns, args=(bind("udp", address, 53),), daemon=True).start()
    print("serving", flush=True)
    time.sleep(600)


VERBS = {"serve": serve, "ask": ask, "await": wait_for, "hold": hold, "dns": dns}
words = sys.argv[1:]
while "then" in words:
    end = words.index("then")
    VERBS[words[0]](*words[1:end])
    words = words[end + 1:]
VERBS[words[0]](*words[1:])
