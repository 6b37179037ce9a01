#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is hypervisor and guest of hull-vsock at once, over vhost-user and rings in memory of its own, and breaks
the rules of each. A guest that does must find the device at rest and working again once it has been reset;
a hypervisor that does must find it gone, with one line that says why.
usage: vsock-hostile.py HULL-VSOCK"""
import array
import contextlib
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from vsock_spawn import cpu_ms, spawn_vsock

PROGRAM = sys.argv[1]
ANSWER_S = 20
CID, HOST = 9, 2
SIZE = 1 << 20
GUEST, USER = 0x100000, 0x7f1200000000
NUM = 64
RX, TX = 0, 1
RING = 0x4000           # from one ring to the next
DATA = 0x10000
HEADER = struct.Struct("<QQIIIHHIII")
REQUEST, RESPONSE, RST, SHUTDOWN, RW, CREDIT_UPDATE, CREDIT_REQUEST = 1, 2, 3, 4, 5, 6, 7
NEXT, WRITE, INDIRECT = 1, 2, 4
COMPLAINTS = 8          # then it has complained often enough
FEATURES = 1 << 32 | 1 << 30 | 1 << 29 | 1 << 28
random.seed(7)


def fail(text):
    sys.exit(f"vsock-hostile: {text}")


def check(condition, text):
    if not condition:
        fail(text)


class Device:
    """hull-vsock, and what a hypervisor knows about it."""

    def __init__(self, **spec):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(ANSWER_S)
        self.process = spawn_vsock(PROGRAM, theirs.fileno(), {"cid": CID, **spec}, stderr=subprocess.PIPE)
        theirs.close()
        self.memfd = os.memfd_create("guest", 0)
        os.ftruncate(self.memfd, SIZE)
        self.kicks = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2)]
        self.calls = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2)]
        self.next, self.seen = [0, 0], [0, 0]

    def close(self):
        self.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        for fd in (self.memfd, *self.kicks, *self.calls):
            os.close(fd)

    # ---- the hypervisor ----

    def say(self, request, payload=b"", fds=(), flags=1, size=None):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        header = struct.pack("<III", request, flags, len(payload) if size is None else size)
        self.socket.sendmsg([header + payload], control)

    def answer(self):
        _, _, size = struct.unpack("<III", self.socket.recv(12, socket.MSG_WAITALL))
        return self.socket.recv(size, socket.MSG_WAITALL)

    def start(self, address=USER):
        os.pwrite(self.memfd, bytes(DATA), 0)
        self.next, self.seen = [0, 0], [0, 0]
        self.say(2, struct.pack("<Q", FEATURES))
        self.say(5, struct.pack("<IIQQQQ", 1, 0, GUEST, SIZE, USER, 0), [self.memfd])
        for i in range(2):
            at = address + i * RING
            self.say(8, struct.pack("<II", i, NUM))
            self.say(10, struct.pack("<II", i, 0))
            self.say(9, struct.pack("<IIQQQQ", i, 0, at, at + 0x2000, at + 0x1000, 0))
            self.say(13, struct.pack("<Q", i), [self.calls[i]])
            self.say(12, struct.pack("<Q", i), [self.kicks[i]])
            self.say(18, struct.pack("<II", i, 1))

    def stop(self):
        for i in range(2):
            self.say(18, struct.pack("<II", i, 0))
            self.say(11, struct.pack("<II", i, 0))
            self.answer()

    def ended(self, words):
        """It has ended by itself, for this reason."""
        try:
            status = self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            fail(f"it lives on in spite of: {words}")
        said = self.process.stderr.read().decode()
        check(status == 1 and said.count("\n") == 1 and words in said, f"status {status}, not '{words}': {said}")

    # ---- the guest ----

    def desc(self, ring, i, addr, size, flags, following=0):
        os.pwrite(self.memfd, struct.pack("<QIHH", addr, size, flags, following), ring * RING + i * 16)

    def offer(self, ring, head):
        n = self.next[ring]
        os.pwrite(self.memfd, struct.pack("<H", head), ring * RING + 0x1004 + n % NUM * 2)
        self.next[ring] = (n + 1) & 0xffff
        os.pwrite(self.memfd, struct.pack("<H", self.next[ring]), ring * RING + 0x1002)

    def kick(self, ring):
        os.eventfd_write(self.kicks[ring], 1)

    def send(self, op, to, length=0, port=5000, flags=0, data=b"", room=1 << 16, taken=0, cid=CID):
        """A packet in the next slot of the ring."""
        i = self.next[TX] % NUM
        at = 0x80000 + i * 0x1000
        header = HEADER.pack(cid, HOST, port, to, length, 1, op, flags, room, taken)
        os.pwrite(self.memfd, header + data, at)
        self.desc(TX, i, GUEST + at, len(header) + len(data), 0)
        self.offer(TX, i)
        self.kick(TX)

    def may_send(self, seconds):
        """Whether there is room in the ring, within that time."""
        end = time.monotonic() + seconds
        while True:
            used, = struct.unpack("<H", os.pread(self.memfd, 2, TX * RING + 0x2002))
            if (self.next[TX] - used) & 0xffff < NUM:
                return True
            if time.monotonic() > end:
                return False
            select.select([self.calls[TX]], [], [], 0.002)

    def give_buffers(self, n=32):
        for _ in range(n):
            i = self.next[RX] % NUM
            self.desc(RX, i, GUEST + 0x40000 + i * 0x1000, 0x1000, WRITE)
            self.offer(RX, i)
        self.kick(RX)

    def packets(self, seconds=ANSWER_S):
        """Those that come, until none does for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            used, = struct.unpack("<H", os.pread(self.memfd, 2, RX * RING + 0x2002))
            if used == self.seen[RX]:
                select.select([self.calls[RX]], [], [], 0.02)
                continue
            e = os.pread(self.memfd, 8, RX * RING + 0x2004 + self.seen[RX] % NUM * 8)
            self.seen[RX] = (self.seen[RX] + 1) & 0xffff
            i, _ = struct.unpack("<II", e)
            yield HEADER.unpack(os.pread(self.memfd, HEADER.size, 0x40000 + i * 0x1000))

    def expect(self, op, port=5000):
        for p in self.packets():
            if p[3] == port:
                check(p[6] == op, f"packet {p} instead of {op}")
                return p
        return fail(f"no packet {op}; it said: {self.said()}")

    def said(self):
        if select.select([self.process.stderr], [], [], 0)[0]:
            return os.read(self.process.stderr.fileno(), 65536).decode()
        return ""

    def works(self, why):
        """A connection from begin to end, to the echo server."""
        check(self.process.poll() is None, f"it ended after {why}: {self.said()}")
        self.give_buffers()
        self.send(REQUEST, 7)
        self.expect(RESPONSE)
        self.send(RW, 7, 5, data=b"hello")
        p = self.expect(RW)
        check(p[4] == 5, f"echo of {p}")
        self.send(SHUTDOWN, 7, flags=3)
        self.expect(RST)


# ---- guests ----

def chain(*descriptors, ring=TX):
    """A ring whose next chain is made of these."""
    def breaks(d):
        for i, (addr, size, flags, following) in enumerate(descriptors):
            d.desc(ring, i, addr, size, flags, following)
        d.offer(ring, 0)
        d.kick(ring)
        if ring == RX:
            d.send(REQUEST, 99)     # so that it is looked at
    return breaks


def index(value, ring=TX):
    def breaks(d):
        os.pwrite(d.memfd, struct.pack("<H", value), ring * RING + 0x1002)
        d.kick(ring)
        if ring == RX:
            d.send(REQUEST, 99)
    return breaks


def noise(d):
    os.pwrite(d.memfd, random.randbytes(2 * RING), 0)
    d.kick(RX)
    d.kick(TX)


AT = GUEST + DATA
BROKEN = {
    "a loop": chain((AT, 1, NEXT, 1), (AT, 1, NEXT, 0)),
    "no such descriptor": chain((AT, 1, NEXT, 64)),
    "an address outside": chain((0, 44, 0, 0)),
    "an end outside": chain((GUEST + SIZE - 4, 44, 0, 0)),
    "a sum that wraps": chain((2 ** 64 - 8, 44, 0, 0)),
    "an indirect table outside": chain((GUEST + SIZE, 32, INDIRECT, 0)),
    "an indirect table of no descriptors": chain((AT, 7, INDIRECT, 0)),
    "an indirect table in the ring": chain((GUEST + RING, 16, INDIRECT, 0)),
    "a buffer to read after one to write": chain((AT, 44, WRITE | NEXT, 1), (AT, 44, 0, 0)),
    "a buffer for nothing": chain((AT, 44, WRITE, 0), ring=RX),
    "a buffer to read among those to write": chain((AT, 44, 0, 0), ring=RX),
    "an index far ahead": index(1000),
    "an index that goes back": index(65535),
    "an index far ahead for packets": index(1000, RX),
}


def broken_rings(d):
    for i, (what, breaks) in enumerate(BROKEN.items()):
        d.start()
        breaks(d)
        said, deadline = "", time.monotonic() + (ANSWER_S if i < COMPLAINTS else 0.1)
        while "broke its virtio-vsock device" not in said and time.monotonic() < deadline:
            time.sleep(0.01)
            said += d.said()
        check(("broke its virtio-vsock device" in said) == (i < COMPLAINTS), f"{what}: it said '{said}'")
        d.kick(TX)
        d.kick(RX)
        d.stop()
        d.start()
        d.works(what)
        d.stop()


def noises(d):
    for i in range(300):
        d.start()
        noise(d)
        if i % 10 == 0:
            time.sleep(0.02)
        d.stop()
    d.start()
    d.works("noise")


def packets(d):
    """Any packets, in rings that are right."""
    d.give_buffers()
    for _ in range(20000):
        if not d.may_send(0.02):
            for _ in d.packets(0.05):   # takes them
                pass
            used, = struct.unpack("<H", os.pread(d.memfd, 2, RX * RING + 0x2002))
            d.give_buffers(NUM - ((d.next[RX] - used) & 0xffff))
            check(d.may_send(ANSWER_S), f"it takes no packet: {d.said()}")
        d.send(random.choice((0, 1, 1, 2, 3, 4, 5, 5, 5, 6, 7, 99)), random.choice((7, 8, 99, 1 << 30)),
               random.choice((0, 3, 100, 5000, 2 ** 32 - 1)), random.randrange(20), random.randrange(8),
               bytes(random.randrange(200)), random.randrange(2 ** 32), random.randrange(2 ** 32),
               random.choice((CID, CID, CID, 0)))
    check(d.process.poll() is None and d.said() == "", f"it ended or complained: {d.said()}")
    d.stop()
    d.start()
    d.works("packets")


def takes_nothing(d):
    """No buffers: what it is owed is bounded, nothing spins, and nothing is lost."""
    sent = 0
    while d.may_send(2):
        d.send(*((REQUEST, 99) if sent % 2 else (RW, 98)), port=sent)
        sent += 1
        check(sent < 3000, "it takes packets without end, and is owed as many answers")
    check(sent > NUM, f"it took none of {sent} packets")
    used = cpu_ms(d.process.pid)
    time.sleep(1)
    used = cpu_ms(d.process.pid) - used
    check(used <= 20, f"{used} ms of CPU time in a second in which nothing can be done")
    with open(f"/proc/{d.process.pid}/status", encoding="ascii") as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))
    check(rss < 4096, f"{rss} KiB for a guest that takes nothing")
    answered = set()
    deadline = time.monotonic() + ANSWER_S
    while len(answered) < sent:
        check(time.monotonic() < deadline, f"{len(answered)} of {sent} packets were answered: {d.said()}")
        d.give_buffers(32)
        for p in d.packets(0.05):
            check(p[6] == RST, f"an answer {p}")
            answered.add(p[3])
    d.stop()
    d.start()
    d.works("a guest that took nothing")


def never_confirms(d):
    """The host has closed, and the guest says nothing to it: after a while the connection is nobody's."""
    d.give_buffers()
    d.send(REQUEST, 9, port=6000)
    d.listener.accept()[0].close()
    d.expect(RESPONSE, 6000)
    began = time.monotonic()
    p = d.expect(SHUTDOWN, 6000)
    check(p[7] == 3, f"an end of both directions: {p}")
    d.expect(RST, 6000)
    took = time.monotonic() - began
    check(3 < took, f"it waited for {took:.1f} s only")
    d.works("a guest that does not confirm")


def voluntary_switches(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches"))


def fill(listener):
    """Connections until no more may wait to be accepted; and one that may not."""
    clients = []
    while True:
        clients.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        if clients[-1].connect_ex(listener.getsockname()):
            return clients


def full_queue(d):
    """The host's program is slow to accept: who dials waits for it, and nothing is busy meanwhile."""
    listener = d.listener
    listener.listen(1)
    clients = fill(listener)
    d.give_buffers()
    d.send(REQUEST, 7, port=6999)
    d.expect(RESPONSE, 6999)
    with open(f"/proc/{d.process.pid}/task/{d.process.pid}/children", encoding="ascii") as f:
        dialler, = map(int, f.read().split())
    for port in range(7000, 7005):
        d.send(REQUEST, 9, port=port)
    d.send(REQUEST, 7, port=7999)
    d.expect(RESPONSE, 7999)        # another port is nobody's affair
    before = voluntary_switches(dialler)
    time.sleep(0.5)
    switches = voluntary_switches(dialler) - before
    check(switches <= 3, f"{switches} wake-ups while there is nothing to do")
    clients += [listener.accept()[0] for _ in clients[1:]]
    for port in range(7000, 7005):  # in their order
        clients.append(listener.accept()[0])
        d.expect(RESPONSE, port)
    for s in clients:
        s.close()
    # Where it accepts nobody at all they are refused in the end; so are those behind the first.
    clients = fill(listener)
    refused = set(range(7100, 7103))
    for port in sorted(refused):
        d.send(REQUEST, 9, port=port)
    for p in d.packets():
        if p[3] in refused:
            check(p[6] == RST, f"an answer {p}")
            refused.remove(p[3])
        if not refused:
            break
    check(not refused, f"{len(refused)} are never refused: {d.said()}")
    for s in clients:
        s.close()
    listener.listen()
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
    listener.settimeout(ANSWER_S)
    d.works("a full queue")


# ---- hypervisors ----

def hypervisors():
    cases = {
        "message 99: it is not known here": lambda d: d.say(99),
        "message 1: no request of version 1": lambda d: d.say(1, flags=2),
        "message 5: too long": lambda d: d.say(5, size=2 ** 32 - 1),
        "message 5: a number of regions": lambda d: d.say(5, struct.pack("<IIQQQQ", 1, 0, GUEST, SIZE, USER, 0)),
        "map 0x200000 bytes": lambda d: d.say(5, struct.pack("<IIQQQQ", 1, 0, GUEST, 2 * SIZE, USER, 0), [d.memfd]),
        "lies outside of the guest's memory": lambda d: d.start(USER + SIZE - 64),
        "is not aligned": lambda d: d.start(USER + 8),
        "message 12: the ring has no address": lambda d: d.say(12, struct.pack("<Q", 0), [d.kicks[0]]),
        "message 8: there is no such ring": lambda d: d.say(8, struct.pack("<II", 2, 16)),
    }
    for words, does in cases.items():
        with contextlib.closing(Device()) as d:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                does(d)
            d.ended(words)
    # One that takes the rings' memory away while the guest has not been told all of what is in them.
    for i in range(10):
        with contextlib.closing(Device()) as d:
            d.start()
            d.say(1)
            d.answer()
            d.send(CREDIT_UPDATE, 9, cid=CID + 1)
            time.sleep(i / 10000)
            d.say(5, struct.pack("<IIQQQQ", 1, 0, GUEST, 2 * SIZE, USER, 0), [d.memfd])
            d.ended("map 0x200000 bytes")
    # One that goes away in the middle of a message.
    d = Device()
    d.socket.send(b"\5\0\0\0\1")
    d.socket.close()
    check(d.process.wait(ANSWER_S) == 0, "its end with the hypervisor's")
    d.close()


def bad_specs():
    for spec, words in (({"cid": 2}, "cid: not a number from 3"), ({"cidd": 5}, "cidd: unknown key"),
                        ({"hybrid": "x"}, "hybrid: not an absolute path"),
                        ({"hybrid": "/" + "x" * 107}, "hybrid: a path too long"),
                        ({"ports": [{"port": 5}]}, "ports[0].direction: missing"),
                        ({"ports": [{"port": 5, "direction": "listen"}]}, "ports[0].socket: missing"),
                        ({"ports": [{"port": 5, "socket": "/a"}]}, "ports[0].direction: missing"),
                        ({"ports": [{"port": 5, "socket": "/a", "direction": "listen"}] * 2}, "ports[1].port: it leads"),
                        ({"hybrid": "/nowhere/at/all"}, "make socket '/nowhere/at/all'")):
        with contextlib.closing(Device(**spec)) as d:
            d.ended(words)
    with tempfile.NamedTemporaryFile() as f:
        with contextlib.closing(Device(hybrid=f.name)) as d:
            d.ended("or it is no socket")
        check(os.path.exists(f.name), "a file where a socket was to be")


def dies_with_parent(work):
    """Whoever started it is killed: it goes, and so does what it made."""
    reading, writing = os.pipe()
    os.chmod(work, 0o777)
    parent = os.fork()
    if parent == 0:
        d = Device(hybrid=f"{work}/vsock")
        d.start()
        d.give_buffers()
        while not os.path.exists(f"{work}/vsock"):
            time.sleep(0.01)
        d.send(CREDIT_REQUEST, 5)
        d.expect(RST)   # it serves
        os.write(writing, f"{d.process.pid}".encode())
        time.sleep(ANSWER_S)
        os._exit(1)
    os.close(writing)
    pid = int(os.read(reading, 20))
    os.close(reading)
    pidfd = os.pidfd_open(pid)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    check(select.select([pidfd], [], [], ANSWER_S)[0], "it outlives its parent")
    os.close(pidfd)
    deadline = time.monotonic() + ANSWER_S
    while os.path.exists(f"{work}/vsock"):
        check(time.monotonic() < deadline, "its socket outlives it")
        time.sleep(0.01)


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{work}/echo")
        os.chmod(f"{work}/echo", 0o777)
        listener.listen(100)
        mine = socket.socket(socket.AF_UNIX)
        mine.bind(f"{work}/mine")
        os.chmod(f"{work}/mine", 0o777)
        mine.listen()
        mine.settimeout(ANSWER_S)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            while True:
                client = listener.accept()[0]
                if os.fork() == 0:
                    with contextlib.suppress(ConnectionError):
                        while data := client.recv(65536):
                            client.sendall(data)
                    os._exit(0)
                client.close()
        try:
            bad_specs()
            hypervisors()
            dies_with_parent(work)
            for guest in (broken_rings, noises, packets, takes_nothing, never_confirms, full_queue):
                with contextlib.closing(Device(ports=[
                        {"port": port, "socket": f"{work}/{name}", "direction": "listen"}
                        for port, name in ((7, "echo"), (8, "nobody"), (9, "mine"))])) as d:
                    d.listener = mine
                    if guest in (packets, takes_nothing, never_confirms, full_queue):
                        d.start()
                    guest(d)
                    d.socket.close()
                    check(d.process.wait(ANSWER_S) == 0, "its status at the end")
                print(f"{guest.__name__}: ok", flush=True)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


main()
