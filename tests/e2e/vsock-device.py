#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest with a virtio-vsock device whose back end is hull-vsock, and every kind of connection.
usage: vsock-device.py BUILD INITRAMFS microvm|q35 WORDS [few]

WORDS: what hull puts on its guests' command line, without which microvm's clock is not found. With
"few" what takes long is left out.

The guest's side is vsock-guest.c."""
import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib

sys.dont_write_bytecode = True

from vsock_spawn import cpu_ms, spawn_vsock

BUILD, INITRAMFS, MACHINE, WORDS = sys.argv[1:5]
FEW = sys.argv[5:] == ["few"]
ANSWER_S = 120
BIG = 256 << 20
CID = 42
ECHO, SINK, SOURCE, KEPT, COMMAND, NEVER_READS, CLOSES = range(10, 17)
READY, HOST_ECHO, HOST_SINK, HOST_SOURCE, HOST_HALF, HOST_HOLDS, NOBODY = 1, 2000, 2001, 2002, 2003, 2004, 2999
UNLISTED = 3000         # by the hybrid socket's name
REFUSED = "Connection reset by peer"


def fail(text):
    sys.exit(f"vsock-device: {text}")


def check(condition, text):
    if not condition:
        fail(text)


def note(text):
    print(f"{MACHINE}: {text}", flush=True)


# ---- bytes ----

def pieces(size):
    """The same bytes as the guest's: pieces that are alike but for a number at their beginning."""
    x, block = 1, bytearray()
    for _ in range(256 << 10 >> 2):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        block += x.to_bytes(4, "little")
    for i in range(size // len(block)):
        block[:8] = i.to_bytes(8, "little")
        yield block


def recv_all(s):
    data = bytearray()
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            return bytes(data)
        data += piece


def drain(s):
    """How much comes, and its checksum."""
    size, crc = 0, 0
    view = memoryview(bytearray(1 << 20))
    while True:
        n = s.recv_into(view)
        if not n:
            return size, crc
        size += n
        crc = zlib.crc32(view[:n], crc)


def recv_exactly(s, size):
    data = bytearray()
    while len(data) < size:
        piece = s.recv(size - len(data))
        check(piece, f"the stream ended after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


# ---- the host's ends ----

def dial(port, path="vsock.sock"):
    """A connection to the guest's port, by the hybrid socket; None if it is refused."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(ANSWER_S)
    s.connect(path)
    s.sendall(f"CONNECT {port}\n".encode())
    line = b""
    while not line.endswith(b"\n"):
        c = s.recv(1)
        if not c:
            s.close()
            return None
        line += c
    check(re.fullmatch(rb"OK \d+\n", line), f"the answer was {line}")
    return s


def ask(command):
    with dial(COMMAND) as s:
        s.sendall(command.encode() + b"\n")
        return recv_all(s).decode()


def serve(path, handle, backlog=200):
    """A server of the host's: each client in a thread."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(backlog)

    def accept():
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                threading.Thread(target=run, args=(client,), daemon=True).start()

    def run(client):
        with client, contextlib.suppress(ConnectionError):
            handle(client)

    threading.Thread(target=accept, daemon=True).start()
    return listener


def host_echo(s):
    while True:
        data = s.recv(65536)
        if not data:
            return
        s.sendall(data)


def host_sink(s):
    size, crc = drain(s)
    s.sendall(f"{size} {crc:08x}\n".encode())


half_said = []


def host_half(s):
    """Ends its sending, then hears what the guest says."""
    s.sendall(b"the host has done")
    s.shutdown(socket.SHUT_WR)
    half_said.append(recv_all(s))


held = []


def host_holds(s):
    held.append(s)
    threading.Event().wait()


# ---- QEMU and hull-vsock ----

def console():
    with contextlib.suppress(FileNotFoundError), open("console", encoding="utf-8", errors="replace") as f:
        return f.read()[-800:]
    return ""


def qemu_argv(fd):
    guest = os.path.join(BUILD, "guest")
    device = {"microvm": "vhost-user-vsock-device", "q35": "vhost-user-vsock-pci"}[MACHINE]
    machine = {"microvm": "microvm,pit=off,pic=off,memory-backend=mem", "q35": "q35,memory-backend=mem"}[MACHINE]
    return ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", machine, "-global", "virtio-mmio.force-legacy=false", "-accel", "tcg",
            "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+rdrand", "-smp", "1", "-m", "256M",
            "-serial", "file:console", "-kernel", os.path.join(guest, "vmlinux"), "-initrd", INITRAMFS,
            "-append", WORDS,
            "-object", "memory-backend-memfd,id=mem,size=256M,share=on",
            "-chardev", f"socket,id=vsock,fd={fd}", "-device", f"{device},chardev=vsock",
            "-qmp", "unix:qmp.sock,server=on,wait=off"]


class Guest:
    def __init__(self):
        cwd = os.getcwd()
        listening = {READY: "ready", HOST_ECHO: "echo", HOST_SINK: "sink", HOST_SOURCE: "source",
                     HOST_HALF: "half", HOST_HOLDS: "holds", NOBODY: "nobody"}
        ports = [{"port": port, "socket": f"{cwd}/{name}.sock", "direction": "listen"}
                 for port, name in listening.items()]
        ports.append({"port": ECHO, "socket": f"{cwd}/guest-echo.sock", "direction": "connect"})
        spec = {"cid": CID, "hybrid": f"{cwd}/vsock.sock", "ports": ports}
        ours, theirs = socket.socketpair()
        with open("hull-vsock.err", "wb") as err:
            self.vsock = spawn_vsock(os.path.join(BUILD, "hull-vsock"), theirs.fileno(), spec, stderr=err)
        theirs.close()
        self.qemu = subprocess.Popen(qemu_argv(ours.fileno()), pass_fds=[ours.fileno()],
                                     stdin=subprocess.DEVNULL)
        ours.close()

    def said(self):
        with open("hull-vsock.err", encoding="utf-8") as f:
            return f.read()

    def end(self):
        for process in (self.qemu, self.vsock):
            if process.poll() is None:
                process.kill()
            process.wait()


def qmp(*commands):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("qmp.sock")
        s.settimeout(ANSWER_S)
        f = s.makefile("rw", encoding="utf-8")
        f.readline()
        for command in ({"execute": "qmp_capabilities"}, *commands):
            f.write(json.dumps(command) + "\n")
            f.flush()
            while "return" not in (answer := json.loads(f.readline())):
                check("error" not in answer, f"QEMU: {answer}")


# ---- what is to hold ----

def echoes():
    for path, connect in (("vsock.sock", True), ("guest-echo.sock", False)):
        if connect:
            s = dial(ECHO)
        else:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(ANSWER_S)
            s.connect(path)
        with s:
            for text in (b"x", b"hello " * 1000, os.urandom(300000)):
                sender = threading.Thread(target=s.sendall, args=(text,))
                sender.start()
                check(recv_exactly(s, len(text)) == text, f"{path} does not echo {len(text)} bytes")
                sender.join()
    check(ask(f"echo {HOST_ECHO} 1 1") == "1 of 1", "the host's server does not echo")


def refusals():
    check(dial(9999) is None, "a port of the guest's that nobody listens on")
    for port in (NOBODY, 9999, UNLISTED):
        check(ask(f"dial {port}") == REFUSED, f"the guest reached port {port}")
    check(ask("cid 77") == REFUSED, "the guest reached address 77")
    with serve(f"vsock.sock_{UNLISTED}", host_echo):
        check(ask(f"dial {UNLISTED}") == "connected", "the hybrid socket's name with a port does not do")
    for line in (b"GET / HTTP/1.0\r\n\r\n", b"CONNECT\n", b"CONNECT 99999999999\n", b"CONNECT " + b"0" * 64):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(ANSWER_S)
            s.connect("vsock.sock")
            s.sendall(line)
            with contextlib.suppress(ConnectionError):
                check(recv_all(s) == b"", f"{line} was answered")
    # In pieces, with bytes behind the line in the same segment.
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(ANSWER_S)
        s.connect("vsock.sock")
        s.sendall(b"conn")
        time.sleep(0.1)
        s.sendall(f"ect {ECHO}\nearly".encode())
        s.shutdown(socket.SHUT_WR)
        check(re.fullmatch(rb"OK \d+\nearlyend", recv_all(s)), "what came with the line is lost")


def expect_kept(want, what):
    """What the guest's SOURCE has kept last; it takes its time to do so."""
    deadline = time.monotonic() + ANSWER_S
    while True:
        with dial(KEPT) as s:
            got = recv_all(s)
        if got == want:
            return
        check(time.monotonic() < deadline, f"{what}: it has kept {got}")
        time.sleep(0.02)


def half_closes():
    with dial(ECHO) as s:
        s.sendall(b"before ")
        s.shutdown(socket.SHUT_WR)
        check(recv_all(s) == b"before end", "the guest can't send after the host's end")
    with dial(SOURCE) as s:
        s.sendall(b"5000\n")
        check(len(recv_all(s)) == 5000, "the guest's end came early")
        s.sendall(b"the host goes on")
        time.sleep(0.2)
        s.sendall(b" and on")
        s.shutdown(socket.SHUT_WR)
        check(recv_all(s) == b"", "more after the end")
    expect_kept(b"the host goes on and on", "the host can't send after the guest's end")
    check(ask(f"half {HOST_HALF}").split() == ["17", f"{zlib.crc32(b'the host has done'):08x}", "1"],
          "the end of the host's bytes")
    deadline = time.monotonic() + ANSWER_S
    while not half_said and time.monotonic() < deadline:
        time.sleep(0.01)
    check(half_said == [b"after the end"], f"the host heard {half_said}")
    with dial(CLOSES) as s:
        check(recv_all(s) == b"", "a connection that the guest closes")
    # What was sent arrives though its sender has closed at once.
    s = dial(SOURCE)
    s.sendall(b"0\nlast words")
    s.close()
    expect_kept(b"last words", "what a host's program sent before it closed")


def many():
    begin = time.monotonic()
    check(ask(f"echo {HOST_ECHO} 1000 1") == "1000 of 1000", "1000 connections of the guest's in turn")
    first = time.monotonic()
    answer = ask(f"echo {HOST_ECHO} 300 100")
    check(answer == "300 of 300", f"100 connections of the guest's at once, three times: {answer}")
    second = time.monotonic()
    for i in range(1000):
        with dial(ECHO) as s:
            s.sendall(b"%d" % i)
            check(recv_exactly(s, len(b"%d" % i)) == b"%d" % i, "an echo of the guest's")
    third = time.monotonic()
    open_at_once = [dial(ECHO) for _ in range(100)]
    for i, s in enumerate(open_at_once):
        s.sendall(b"%d" % i)
    for i, s in enumerate(open_at_once):
        check(recv_exactly(s, len(b"%d" % i)) == b"%d" % i, "an echo of the guest's")
        s.close()
    note(f"1000 in turn: {first - begin:.1f} s by the guest, {third - second:.1f} s by the host; 100 at once: "
         f"{(second - first) / 3:.2f} and {time.monotonic() - third:.2f} s")


def big(size):
    """Each way, dialled by each side."""
    crc = 0
    begin = time.monotonic()
    with dial(SINK) as s:
        for piece in pieces(size):
            crc = zlib.crc32(piece, crc)
            s.sendall(piece)
        s.shutdown(socket.SHUT_WR)
        check(recv_all(s).decode() == f"{size} {crc:08x}", "what the guest took is not what was sent")
    in_s = time.monotonic() - begin
    with dial(SOURCE) as s:
        s.sendall(f"{size}\n".encode())
        check(drain(s) == (size, crc), "what the guest sent is not what came")
    out_s = time.monotonic() - begin - in_s
    check(ask(f"put {HOST_SINK} {size >> 3}").partition(", host: ")[::2] == (f"{size >> 3} {crc_of(size >> 3)}",) * 2,
          "what the guest sent to a program of the host's")
    check(ask(f"get {HOST_SOURCE}") == f"{size >> 3} {crc_of(size >> 3)}", "what a program of the host's sent")
    note(f"{size >> 20} MiB with a checksum in the guest: {size / in_s / 1e6:.0f} MB/s in, "
         f"{size / out_s / 1e6:.0f} MB/s out")


def crc_of(size):
    crc = 0
    for piece in pieces(size):
        crc = zlib.crc32(piece, crc)
    return f"{crc:08x}"


def host_source(s):
    for piece in pieces(BIG >> 3):
        s.sendall(piece)


def lazy_peers(guest):
    """Who does not read stops nobody else."""
    sizes = [int(ask(f"flood {HOST_HOLDS}")) for _ in range(3)]
    check(all(64 << 10 <= size <= 2 << 20 for size in sizes), f"the guest could send {sizes}")
    stuck = dial(NEVER_READS)
    stuck.setblocking(False)
    sent = 0
    while select.select([], [stuck], [], 1)[1]:
        sent += stuck.send(bytes(65536))
    check(sent <= 4 << 20, f"the host could send {sent} bytes to a guest that does not read")
    silent = []
    for _ in range(50):
        s = socket.socket(socket.AF_UNIX)
        s.connect("vsock.sock")
        silent.append(s)
    begin = time.monotonic()
    check(ask(f"echo {HOST_ECHO} 100 10") == "100 of 100", "the others, beside peers that do not read")
    with dial(ECHO) as s:
        s.sendall(b"still well")
        check(recv_exactly(s, 10) == b"still well", "another, beside peers that do not read")
    note(f"beside peers that do not read: {time.monotonic() - begin:.2f} s for 100 connections")
    used = cpu_ms(guest.vsock.pid)
    time.sleep(1)
    used = cpu_ms(guest.vsock.pid) - used
    check(used <= 20, f"hull-vsock used {used} ms of CPU time in a second with nothing to do")
    stuck.close()
    for s in silent + held:
        s.close()


def pauses():
    """Connections outlive a pause of the VM, during which the rings are stopped."""
    with dial(ECHO) as s:
        s.sendall(b"one")
        check(recv_exactly(s, 3) == b"one", "before the pause")
        qmp({"execute": "stop"})
        s.sendall(b"two")
        check(not select.select([s], [], [], 0.3)[0], "a paused guest answers")
        qmp({"execute": "cont"})
        check(recv_exactly(s, 3) == b"two", "a connection after a pause")
    echoes()


def resets(ready):
    """A guest that boots again knows of no connection: they end, and all begins anew."""
    def on_reboot(what):
        return {"execute": "set-action", "arguments": {"reboot": what}}

    with dial(ECHO) as s:
        s.sendall(b"one")
        check(recv_exactly(s, 3) == b"one", "before the reset")
        qmp(on_reboot("reset"), {"execute": "system_reset"})
        ready.accept()[0].close()
        check(recv_all(s) == b"", "a connection after a reset")
    qmp(on_reboot("shutdown"))
    echoes()


def rights(guest):
    """What the process that reads the guest's rings may do: nothing."""
    with open(f"/proc/{guest.vsock.pid}/status", encoding="ascii") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    check(all(int(status[name], 16) == 0 for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")),
          "hull-vsock has capabilities")
    check(status["NoNewPrivs"] == "1", "hull-vsock could gain rights")
    check(status["Seccomp"] == "2" or "asan" in BUILD, "hull-vsock has no filter")
    check("0" not in status["Uid"].split(), "hull-vsock is root")
    with open(f"/proc/{guest.vsock.pid}/smaps_rollup", encoding="ascii") as f:
        private = sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
    note(f"hull-vsock takes {private} KiB")


def main():
    servers = [serve("echo.sock", host_echo), serve("sink.sock", host_sink), serve("source.sock", host_source),
               serve("half.sock", host_half), serve("holds.sock", host_holds)]
    ready = socket.socket(socket.AF_UNIX)
    ready.bind("ready.sock")
    ready.listen(1)
    ready.settimeout(ANSWER_S)
    guest = Guest()
    try:
        # Dialled before there is a driver: it is answered when there is.
        begin = time.monotonic()
        early = socket.socket(socket.AF_UNIX)
        while True:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                early.connect("vsock.sock")
                break
            check(time.monotonic() < begin + ANSWER_S, "hull-vsock does not listen")
            time.sleep(0.01)
        early.sendall(f"CONNECT {COMMAND}\n".encode())
        ready.accept()[0].close()
        early.close()
        note(f"the guest dialled after {time.monotonic() - begin:.1f} s")
        echoes()
        refusals()
        half_closes()
        pauses()
        resets(ready)
        rights(guest)
        if not FEW:
            many()
            big(BIG)
            lazy_peers(guest)
            echoes()
        with dial(COMMAND) as s:
            s.sendall(b"off\n")
            check(recv_all(s) == b"", "the end of the guest")
        check(guest.qemu.wait(ANSWER_S) == 0, "QEMU's status")
        check(guest.vsock.wait(ANSWER_S) == 0, f"hull-vsock's status; {guest.said()}")
        check(guest.said() == "", f"hull-vsock said: {guest.said()}")
        check(not os.path.exists("vsock.sock") and not os.path.exists("guest-echo.sock"),
              "the sockets that hull-vsock made are left")
    except BaseException:
        print(f"console: {console()}\nhull-vsock: {guest.said()}", file=sys.stderr)
        raise
    finally:
        guest.end()
        for s in servers:
            s.close()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
main()
