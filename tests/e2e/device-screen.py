#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""device-screen.py draw             in the guest: a pattern on /dev/fb0
device-screen.py keys NAME COUNT     in the guest: so many key events of that input device, then where it points
device-screen.py check PNG W H       on the host: whether a picture shows that pattern
device-screen.py size PNG

The pattern: a grid of 8x8 tiles, each of a colour of its own."""
import glob
import mmap
import struct
import sys
import zlib

TILES = 8


def colour(x, y, width, height):
    column, row = x * TILES // width, y * TILES // height
    return (30 * column + 20, 30 * row + 20, (column * row * 5) % 200 + 20)


def draw():
    def value(name):
        with open(f"/sys/class/graphics/fb0/{name}", encoding="ascii") as f:
            return f.read().strip()
    width, height = map(int, value("virtual_size").split(","))
    stride = int(value("stride"))
    if value("bits_per_pixel") != "32":
        sys.exit("not 32 bits a pixel")
    with open("/dev/fb0", "r+b", buffering=0) as fb, mmap.mmap(fb.fileno(), height * stride) as memory:
        for y in range(height):
            if y * TILES // height != (y - 1) * TILES // height: # all lines of a row of tiles are alike
                line = b"".join(struct.pack("<BBBx", *reversed(colour(x, y, width, height))) for x in range(width))
            memory[y * stride:y * stride + len(line)] = line
    print(f"drawn {width}x{height}")


def find_event(name):
    for path in glob.glob("/sys/class/input/event*/device/name"):
        with open(path, encoding="ascii") as f:
            if name in f.read():
                return "/dev/input/" + path.split("/")[4]
    sys.exit(f"no input device {name}")


def keys(name, count):
    seen, at = [], {}
    with open(find_event(name), "rb", buffering=0) as device:
        print("listening", flush=True)
        while len(seen) < count:
            _, _, kind, code, value = struct.unpack("qqHHi", device.read(24))
            if kind == 1:
                seen.append(f"{code} {value}")
            elif kind == 3:
                at[code] = value
    print(" ".join(seen))
    if at:
        print("at", at.get(0), at.get(1))


def read_png(path):
    """Width, height and lines of RGB."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit(f"{path} is no PNG")
    at, packed, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colours, *_ = header
    if (depth, colours) != (8, 2):
        sys.exit(f"{path} is not 8-bit RGB")
    raw, size, lines = zlib.decompress(packed), 3 * width, []
    before = bytearray(size)
    for y in range(height):
        line = raw[y * (size + 1):(y + 1) * (size + 1)]
        before = unfilter(line[0], bytearray(line[1:]), before)
        lines.append(before)
    return width, height, lines


def unfilter(kind, line, up):
    for i in range(len(line)):
        left, corner = (line[i - 3], up[i - 3]) if i >= 3 else (0, 0)
        if kind == 1:
            line[i] = (line[i] + left) & 255
        elif kind == 2:
            line[i] = (line[i] + up[i]) & 255
        elif kind == 3:
            line[i] = (line[i] + (left + up[i]) // 2) & 255
        elif kind == 4:
            guess = left + up[i] - corner
            line[i] = (line[i] + min((left, up[i], corner), key=lambda v: abs(guess - v))) & 255
    return line


def check(path, want_width, want_height):
    width, height, lines = read_png(path)
    if (width, height) != (want_width, want_height):
        sys.exit(f"{path} is {width}x{height}")
    for row in range(TILES):
        for column in range(TILES):
            x, y = (2 * column + 1) * width // (2 * TILES), (2 * row + 1) * height // (2 * TILES)
            got, want = tuple(lines[y][3 * x:3 * x + 3]), colour(x, y, width, height)
            if got != want:
                sys.exit(f"{path}: {got} at {x},{y}, not {want}")


verb, words = sys.argv[1], sys.argv[2:]
if verb == "draw":
    draw()
elif verb == "keys":
    keys(words[0], int(words[1]))
elif verb == "check":
    check(words[0], int(words[1]), int(words[2]))
else:
    print("{}x{}".format(*read_png(words[0])[:2]))
