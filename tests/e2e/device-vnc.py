#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A viewer of screens, by RFB 3.8, as much of it as it takes to look and to type.

device-vnc.py WHERE picture PNG         what the screen shows
device-vnc.py WHERE key KEYSYM...       pressed in order, released the other way round
device-vnc.py WHERE click X Y           the pointer goes there, and its left button
device-vnc.py WHERE closed              nobody answers there

WHERE is a socket's path, or a port of 127.0.0.1."""
import socket
import struct
import sys
import zlib

RAW, RESIZED = 0, -223


class Viewer:
    def __init__(self, where):
        if where.isdigit():
            self.socket = socket.create_connection(("127.0.0.1", int(where)))
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(where)
        self.socket.settimeout(60)
        if self.read(12) != b"RFB 003.008\n":
            sys.exit("it does not speak RFB 3.8")
        self.socket.sendall(b"RFB 003.008\n")
        kinds = self.read(self.read(1)[0])
        if kinds != b"\1":
            sys.exit(f"it wants one of {list(kinds)} for security, not none")
        self.socket.sendall(b"\1")
        if self.read(4) != bytes(4):
            sys.exit("it lets nobody in")
        self.socket.sendall(b"\1")      # others may look as well
        self.width, self.height, _, name = struct.unpack(">HH16sI", self.read(24))
        self.read(name)
        # 32 bits a pixel, of which blue, green, red and nothing are bytes in that order.
        self.socket.sendall(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.socket.sendall(struct.pack(">BxHii", 2, 2, RAW, RESIZED))

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                sys.exit("it hung up")
            data += part
        return data

    def ask(self):
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))

    def rectangle(self, screen):
        """Whether the screen has another size now."""
        x, y, width, height, kind = struct.unpack(">HHHHi", self.read(12))
        if kind == RESIZED:
            self.width, self.height = width, height
            return True
        if kind != RAW:
            sys.exit(f"encoding {kind}")
        data = self.read(4 * width * height)
        for row in range(height):
            screen[y + row][4 * x:4 * (x + width)] = data[4 * width * row:4 * width * (row + 1)]
        return False

    def picture(self):
        """Lines of pixels."""
        screen, wanted = [], True
        self.ask()
        while True:
            if wanted:
                screen, wanted = [bytearray(4 * self.width) for _ in range(self.height)], False
            kind = self.read(1)[0]
            if kind != 0:
                sys.exit(f"message {kind}")
            _, count = struct.unpack(">BH", self.read(3))
            for _ in range(count):
                if self.rectangle(screen):
                    wanted = True
                    screen = [bytearray(4 * self.width) for _ in range(self.height)]
            if not wanted:
                return screen
            self.ask()

    def settle(self):
        """All that was sent has been dealt with when what was asked for later is answered."""
        self.picture()

    def key(self, keysym, down):
        self.socket.sendall(struct.pack(">BBxxI", 4, down, keysym))

    def point(self, x, y, buttons):
        self.socket.sendall(struct.pack(">BBHH", 5, buttons, x, y))


def write_png(path, lines, width):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = b"".join(b"\0" + b"".join(bytes((l[i + 2], l[i + 1], l[i])) for i in range(0, len(l), 4)) for l in lines)
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(lines), 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def main(where, verb, *words):
    if verb == "closed":
        try:
            Viewer(where)
        except OSError:
            return
        sys.exit("it answers")
    viewer = Viewer(where)
    if verb == "picture":
        lines = viewer.picture()
        write_png(words[0], lines, viewer.width)
    elif verb == "key":
        keys = [int(w, 0) for w in words]
        for k in keys:
            viewer.key(k, True)
        for k in reversed(keys):
            viewer.key(k, False)
        viewer.settle()
    elif verb == "click":
        at = [int(w) for w in words]
        for buttons in (0, 1, 0):
            viewer.point(*at, buttons)
        viewer.settle()


main(*sys.argv[1:])
