#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A network's far side, for network devices that end in sockets: answers ARP and ICMP echo for 192.168.77.1,
and passes frames between guests, whichever way they are connected.

device-net.py END...                 each END is gram:PATH, magic:PATH (wants a greeting) or stream:PATH
device-net.py hand gram|stream PROGRAM ARGS...
                                     runs it with a socket as descriptor 7, and is at the other end"""
import fcntl
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys

OUR_IP = socket.inet_aton("192.168.77.1")
OUR_MAC = bytes.fromhex("020000000001")
BROADCAST = b"\xff" * 6


def say(*words):
    print(*words, flush=True)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def answer(frame):
    """What the peer itself says to a frame, or None."""
    source, kind, body = frame[6:12], frame[12:14], frame[14:]
    head = source + OUR_MAC + kind
    if kind == b"\x08\x06" and body[6:8] == b"\0\1" and body[24:28] == OUR_IP:
        return head + body[:6] + b"\0\2" + OUR_MAC + OUR_IP + body[8:18]
    if kind == b"\x08\x00" and body[9] == 1 and body[16:20] == OUR_IP:
        size = struct.unpack(">H", body[2:4])[0]
        echo = body[20:size]
        if echo[0] != 8:
            return None
        reply = b"\0\0" + struct.pack(">H", checksum(b"\0\0\0\0" + echo[4:])) + echo[4:]
        ip = body[:10] + b"\0\0" + OUR_IP + body[12:16]
        return head + ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + reply
    return None


class Gram:
    def __init__(self, sock, magic=False):
        self.sock, self.magic, self.peer = sock, magic, None

    def read(self):
        frame, address = self.sock.recvfrom(1 << 17)
        if address and address != self.peer:
            self.peer = address
            say("connected", address)
        if self.magic:
            say("greeting", frame)
            self.magic = False
            return []
        return [frame]

    def write(self, frame):
        try:
            if self.peer:
                self.sock.sendto(frame, self.peer)
            else:
                self.sock.send(frame)
        except OSError as e:
            say("lost", e)


class Stream:
    def __init__(self, sock):
        self.sock, self.data = sock, b""

    def read(self):
        data, frames = self.sock.recv(1 << 17), []
        if not data:
            raise EOFError
        self.data += data
        while len(self.data) >= 4:
            size = struct.unpack(">I", self.data[:4])[0]
            if len(self.data) < 4 + size:
                break
            frames.append(self.data[4:4 + size])
            self.data = self.data[4 + size:]
        return frames

    def write(self, frame):
        self.sock.sendall(struct.pack(">I", len(frame)) + frame)


def serve(ends):
    known, watched = set(), selectors.DefaultSelector()
    for end in ends:
        watched.register(end.sock, selectors.EVENT_READ, end)
    while watched.get_map():
        for key, _ in watched.select():
            end = key.data
            try:
                frames = end.read()
            except (EOFError, ConnectionError):
                watched.unregister(end.sock)
                ends.remove(end)
                continue
            for frame in frames:
                if frame[6:12] not in known:
                    known.add(frame[6:12])
                    say("from", frame[6:12].hex(":"))
                reply = answer(frame)
                if reply:
                    end.write(reply)
                for other in ends:
                    if other is not end and frame[:6] != OUR_MAC:
                        other.write(frame)


def make(words):
    ends = []
    for word in words:
        kind, path = word.split(":", 1)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM)
        sock.bind(path)
        if kind == "stream":
            sock.listen()
        ends.append((kind, sock))
    say("ready")
    return [Stream(s.accept()[0]) if kind == "stream" else Gram(s, kind == "magic") for kind, s in ends]


def hand(kind, argv):
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_DGRAM)
    # Neither may be 7 already.
    ours, theirs = (socket.socket(fileno=fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 20)) for s in pair)
    for end in pair:
        end.close()
    os.dup2(theirs.fileno(), 7)
    theirs.close()
    with subprocess.Popen(argv, pass_fds=[7]) as child:
        os.close(7)
        server = os.fork()
        if server == 0:
            serve([Stream(ours) if kind == "stream" else Gram(ours)])
            os._exit(0)
        ours.close()
        code = child.wait()
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    sys.exit(code)


if sys.argv[1] == "hand":
    hand(sys.argv[2], sys.argv[3:])
serve(make(sys.argv[1:]))
