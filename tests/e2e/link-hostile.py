#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Misbehaves on a VM's vsock.sock in every way a client can, while others go on using it.
usage: link-hostile.py HULLCTL VSOCK MONITOR-PID

The VM must have a session "endless" that prints without end."""
import os
import socket
import struct
import subprocess
import sys
import time

HULLCTL, VSOCK, MONITOR = sys.argv[1], sys.argv[2], int(sys.argv[3])
CLIENTS_MAX = 512       # of a link
STREAMS_MAX = 256       # of a channel
CONNECT_S = 10          # to send the line
ANSWER_S = 10           # what is not meant to wait takes no longer, whatever the host is busy with
RSS_MORE = 6 << 20      # of the monitor, while it lasts
RSS_KEPT = 3 << 20      # and afterwards


def fail(text):
    sys.exit(f"link-hostile: {text}")


def check(condition, text):
    if not condition:
        fail(text)


def connect(first=b""):
    s = socket.socket(socket.AF_UNIX)
    s.connect(VSOCK)    # waits for its turn
    s.settimeout(ANSWER_S)
    if first:
        try:
            s.sendall(first)
        except BrokenPipeError:
            pass    # refused already
    return s


def closed(s, seconds=ANSWER_S):
    """Whether it ends without another byte within that time."""
    s.settimeout(seconds)
    try:
        return s.recv(1) == b""
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def rss():
    with open(f"/proc/{MONITOR}/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("RssAnon"):
                return int(line.split()[1]) << 10
    return fail("no RssAnon")


def descriptors():
    return len(os.listdir(f"/proc/{MONITOR}/fd"))


def cpu_seconds():
    with open(f"/proc/{MONITOR}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def field(number, data):
    """A length-delimited field of a protobuf message shorter than 16 KiB."""
    size = bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])
    return bytes([number << 3 | 2]) + size + data


def frame(stream, service, method, payload=b""):
    body = field(1, service) + field(2, method) + field(3, payload)
    return struct.pack(">IIBB", len(body), stream, 1, 0) + body


class Rpc:
    """A connection to the agent's calls."""

    def __init__(self):
        self.socket = connect(b"CONNECT 1024\n")
        self.stream = 1
        line = b""
        while not line.endswith(b"\n"):
            byte = self.socket.recv(1)
            check(byte, "the agent refused a connection")
            line += byte
        check(line.startswith(b"OK "), f"the agent said {line}")

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            check(piece, "the connection for calls was lost")
            data += piece
        return data

    def call(self, service, method, payload=b""):
        stream, self.stream = self.stream, self.stream + 2
        self.socket.sendall(frame(stream, service, method, payload))
        size, got, kind, _ = struct.unpack(">IIBB", self.read(10))
        check(got == stream and kind == 2, f"answer {kind} of call {got}, not {stream}")
        return self.read(size)

    def health(self):
        """Seconds that it took."""
        start = time.monotonic()
        check(b"\x08\x01" in self.call(b"grpc.Health", b"Check"), "the agent is not serving")
        took = time.monotonic() - start
        check(took < ANSWER_S, f"a call took {took:.1f} s")
        return took


def bad_lines():
    for line in (b"HELLO\n", b"CONNECT\n", b"CONNECT abc\n", b"CONNECT -1\n", b"CONNECT 4294967296\n",
                 b"CONNECT 1024 1024\n", b"\n", b"\0" * 40, b"CONNECT" + b" " * 40, b"x" * 100000):
        check(closed(connect(line)), f"still open after {line[:40]}")


def unserved_ports():
    for port in (0, 1, 1023, 1025, 9999, 4294967295):
        check(closed(connect(b"CONNECT %d\n" % port)), f"port {port} is served")


def crowd(rpc):
    """More than may be there at once: the last are refused, the others not disturbed."""
    crowd_of = [connect() for _ in range(600)]
    refused = 0
    for s in crowd_of:
        s.setblocking(False)
    deadline = time.monotonic() + CONNECT_S / 2     # before they are cut off for their silence
    while time.monotonic() < deadline and refused < 600 - CLIENTS_MAX:
        refused = 0
        for s in crowd_of:
            try:
                refused += s.recv(1) == b""
            except BlockingIOError:
                pass
        rpc.health()
    check(600 - CLIENTS_MAX <= refused <= 600 - CLIENTS_MAX + 64, f"{refused} of 600 were refused")
    for s in crowd_of:
        s.close()
    Rpc().health()


def many_calls(rpc):
    """More connections for calls than the channel has streams."""
    opened = [connect(b"CONNECT 1024\n") for _ in range(300)]
    served = 0
    for s in opened:
        s.settimeout(ANSWER_S)
        try:
            served += s.recv(3) == b"OK "
        except ConnectionError:
            pass
    check(STREAMS_MAX - 16 <= served <= STREAMS_MAX, f"{served} of 300 connections for calls")
    rpc.health()
    for s in opened:
        s.close()
    deadline = time.monotonic() + ANSWER_S
    while True:     # their ends are on the way to the agent
        s = connect(b"CONNECT 1024\n")
        if s.recv(3) == b"OK ":
            break
        check(time.monotonic() < deadline, "the channel's streams do not come back")
        time.sleep(0.05)


def half_closed(rpc):
    for first in (b"", b"CONN", b"CONNECT 1024\n", b"CONNECT 1026\n", b"CONNECT 1026\n\0\0\0\x05ab"):
        s = connect(first)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(ANSWER_S)
        try:
            while s.recv(64):
                pass
        except socket.timeout:
            fail(f"still open after {first} and the end")
    # The other way round: no answer can be given.
    s = connect(b"CONNECT 1024\n")
    s.shutdown(socket.SHUT_RD)
    for stream in range(1, 2001, 2):
        try:
            s.sendall(frame(stream, b"grpc.Health", b"Check"))
        except (BrokenPipeError, ConnectionError):
            break
    rpc.health()


def garbage(rpc):
    for port in (1024, 1026):
        s = connect(b"CONNECT %d\n" % port)
        s.settimeout(1)
        try:
            s.sendall(os.urandom(300000))
        except (socket.timeout, ConnectionError):
            pass
        s.close()
        rpc.health()


def hasty(rpc):
    for i in range(1000):
        s = connect((b"", b"CONN", b"CONNECT 1024\n", b"CONNECT 1026\n")[i % 4])
        s.close()
    rpc.health()


def flood(rpc):
    """Calls without end, and no answer is read: it has to wait, the others do not."""
    s = connect(b"CONNECT 1024\n")
    s.settimeout(1)
    sent, stream, before = 0, 1, rss()
    try:
        while sent < 64 << 20:
            data = b"".join(frame(stream + 2 * i, b"grpc.Health", b"Check") for i in range(100))
            stream += 200
            sent += s.send(data)
    except socket.timeout:
        pass
    check(sent < 8 << 20, f"{sent} bytes of calls were taken without an answer being read")
    for _ in range(10):
        rpc.health()
    check(rss() < before + RSS_MORE, f"{rss() - before} more bytes of memory")
    return s


def stuck(rpc):
    """Takes the output of the endless session, and does not read it."""
    s = connect(b"CONNECT 1026\n\0\0\0\x05stuck")
    s.settimeout(ANSWER_S)
    answer = b""
    while b"stuck" not in answer:
        piece = s.recv(64)
        check(piece, f"the stream was refused: {answer}")
        answer += piece
    answer = rpc.call(b"hull.agent.v1.Agent", b"Attach", field(2, b"endless") + field(4, b"stuck"))
    check(b"hull.v1.Error" not in answer, f"attach: {answer}")
    return s


def flow(rpc):
    """Somebody else's 30 MB go by, and calls are answered meanwhile."""
    size, most, slowest = 30000000, 0, 0.0
    other = subprocess.Popen([HULLCTL, VSOCK, "exec", "flow", "head", "-c", str(size), "/dev/zero"],
                             stdout=subprocess.PIPE)
    got = 0
    while True:
        data = other.stdout.read(1 << 20)
        if not data:
            break
        got += len(data)
        most = max(most, rss())
        slowest = max(slowest, rpc.health())
    check(other.wait() == 0 and got == size, f"{got} of {size} bytes came, exit {other.returncode}")
    return most, slowest


def main():
    rpc = Rpc()
    rpc.health()
    rss_before, descriptors_before, started = rss(), descriptors(), time.monotonic()
    silent = [connect() for _ in range(5)] + [connect(b"CONNECT 10") for _ in range(5)]
    bad_lines()
    unserved_ports()
    many_calls(rpc)
    half_closed(rpc)
    garbage(rpc)
    hasty(rpc)
    held = [flood(rpc), stuck(rpc)]
    most, slowest = flow(rpc)
    check(most < rss_before + RSS_MORE, f"{most - rss_before} more bytes of memory")
    crowd(rpc)
    early = time.monotonic() - started
    for s in silent:
        if early < CONNECT_S - 1:
            s.setblocking(False)
            try:
                fail(f"a silent client was told {s.recv(1)} after {early:.1f} s")
            except BlockingIOError:
                pass
    for s in silent:
        check(closed(s, max(1, started + CONNECT_S + 2 - time.monotonic())),
              "a silent client is still there")
    # With everybody stuck and nobody talking there is nothing to do.
    used = cpu_seconds()
    time.sleep(1)
    used = cpu_seconds() - used
    check(used < 0.2, f"the monitor used {used:.2f} s of a second with nothing to do")
    for s in held:
        s.close()
    deadline = time.monotonic() + ANSWER_S
    while descriptors() > descriptors_before:
        check(time.monotonic() < deadline,
              f"{descriptors()} descriptors, {descriptors_before} before")
        time.sleep(0.05)
    check(rss() < rss_before + RSS_KEPT, f"{rss() - rss_before} bytes of memory were kept")
    rpc.health()
    print(f"memory {rss_before >> 10} kB, at most {most >> 10} kB, after {rss() >> 10} kB; "
          f"slowest call beside the bulk {slowest * 1000:.0f} ms")


main()
