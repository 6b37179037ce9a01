# SPDX-License-Identifier: Apache-2.0
#
# Owns the baselines: command lines of QEMU, virtiofsd and passt as somebody would write them who knows
# all three well and has no hull.

import contextlib
import os
import socket
import subprocess
import sys
import time

from common import DEADLINE_S, Failure, Helper, end, now_ms, private_kb, wait

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests", "e2e"))
from vsock_spawn import spawn_vsock

QEMU = "qemu-system-x86_64"
VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
MEMORY = "512M"
PASST_MTU = 65520   # the largest it takes
# The guest link's hello, proto/link.h: magic, epoch, version 1, no flags.
HELLO = bytes.fromhex("f516c013f81cfb15c11dfd17f61afaf9") + bytes(range(1, 17)) + b"\0\1" + bytes(14)


@contextlib.contextmanager
def virtiofsd_by_hand(bench, directory=None, cache="cache=always"):
    """A directory, by default the tree, on a socket that listens already, so that QEMU need not wait for
    the daemon."""
    path = bench.name("fs")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        program = next((p for p in VIRTIOFSD if os.access(p, os.X_OK)), None)
        if not program:
            raise Failure("virtiofsd is not installed")
        process = subprocess.Popen(
            [program, f"--fd={listener.fileno()}", "-o", f"source={directory or bench.tree}",
             "-o", f"sandbox=chroot,{cache},log_level=err"],
            pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=bench.log, start_new_session=True)
    try:
        yield path, process.pid
    finally:
        end(process)
        os.unlink(path)


@contextlib.contextmanager
def passt_by_hand(bench):
    """The addresses of QEMU's own network, none of which the guest has to ask for. It makes its socket as
    nobody, so that this can't lie in the work directory itself."""
    directory, said = os.path.join(bench.work, "passt"), os.path.join(bench.work, "passt.log")
    os.makedirs(directory, exist_ok=True)
    os.chmod(directory, 0o1777)
    path = os.path.join(directory, "socket")
    with open(said, "wb") as log:
        process = subprocess.Popen(
            ["passt", "--foreground", "--quiet", "--socket", path, "--address", "10.0.2.15",
             "--netmask", "24", "--gateway", "10.0.2.2", "--no-dhcp", "--no-dhcpv6", "--no-ra"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
    try:
        deadline = now_ms() + DEADLINE_S * 1000
        while not os.path.exists(path):
            if process.poll() is not None or now_ms() > deadline:
                with open(said, encoding="utf-8", errors="replace") as f:
                    raise Failure(f"passt started by hand does not listen: {f.read()[-500:]}")
            time.sleep(0.001)
        yield path, process.pid
    finally:
        end(process)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def cpu_by_hand(bench):
    return "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+rdrand" if bench.accel == "tcg" else "host"


def kernel_words(bench):
    words = "console=ttyS0 reboot=t panic=-1 quiet cryptomgr.notests noreplace-smp"
    if bench.accel == "tcg" and bench.tsc_khz:
        words += f" tsc_early_khz={bench.tsc_khz} tsc=reliable"
    return words


def qemu_by_hand(bench, initramfs, words="", trees=(), ports=(), net=None, vsock=None):
    """QEMU's command line. trees: (tag, socket of virtiofsd) pairs; ports: (name, descriptor) pairs;
    net: socket of passt; vsock: descriptor of hull-vsock's."""
    argv = [
        QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", "microvm,pit=off,pic=off" + (",memory-backend=mem" if trees or vsock else ""),
        "-global", "virtio-mmio.force-legacy=false", "-accel", bench.accel, "-cpu", cpu_by_hand(bench),
        "-smp", "1", "-m", MEMORY, "-serial", "file:" + bench.console,
        "-kernel", os.path.join(bench.guest, "vmlinux"), "-initrd", initramfs,
        "-append", kernel_words(bench) + words,
    ]
    if trees or vsock:
        argv += ["-object", f"memory-backend-memfd,id=mem,size={MEMORY},share=on"]
    for tag, path in trees:
        argv += ["-chardev", f"socket,id={tag},path={path}",
                 "-device", f"vhost-user-fs-device,chardev={tag},tag={tag},queue-size=1024"]
    if vsock:
        argv += ["-chardev", f"socket,id=vsock,fd={vsock}", "-device", "vhost-user-vsock-device,chardev=vsock"]
    if net:
        argv += ["-netdev", f"stream,id=net,server=off,addr.type=unix,addr.path={net}",
                 "-device", "virtio-net-device,netdev=net,mac=52:54:00:12:34:56"]
    if ports:
        argv += ["-device", "virtio-serial-device"]
    for nr, (name, fd) in enumerate(ports, 1):
        argv += ["-chardev", f"socket,id=port{nr},fd={fd}",
                 "-device", f"virtserialport,chardev=port{nr},name={name},nr={nr}"]
    return argv


def spawn_qemu(argv, fds=()):
    return subprocess.Popen(argv, pass_fds=fds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            start_new_session=True)


def start_by_hand(bench):
    """One start to the agent's hello: milliseconds, and what QEMU takes then."""
    ours, theirs = socket.socketpair()
    begin = now_ms()
    with ours, virtiofsd_by_hand(bench) as (root, _):
        qemu = spawn_qemu(qemu_by_hand(bench, os.path.join(bench.guest, "initramfs"), trees=[("root", root)],
                                       ports=[("hull.ctl", theirs.fileno())]), [theirs.fileno()])
        try:
            theirs.close()
            ours.settimeout(DEADLINE_S)
            ours.sendall(HELLO)
            answer = ours.recv(len(HELLO), socket.MSG_WAITALL)
            took = now_ms() - begin
            if answer[:32] != HELLO[:32]:
                raise Failure("the agent did not answer the hello of a QEMU started by hand")
            return took, private_kb(qemu.pid)
        finally:
            end(qemu)


def console_of(bench):
    try:
        with open(bench.console, encoding="utf-8", errors="replace") as f:
            return f.read().strip()[-500:]
    except FileNotFoundError:
        return ""


def console_says(bench, words):
    text = console_of(bench)
    if words not in text:
        raise Failure(f"the guest started by hand did not end as it should: {text}")


def run_by_hand(bench, how="run"):
    """'true' in a guest, from nothing to nothing: milliseconds."""
    begin = now_ms()
    with virtiofsd_by_hand(bench) as (root, _):
        qemu = spawn_qemu(qemu_by_hand(bench, bench.initramfs, words=f" bench={how}",
                                       trees=[("root", root)]))
        try:
            wait(qemu, "QEMU started by hand")
        finally:
            end(qemu)
    return now_ms() - begin


def run_many_by_hand(bench, n):
    begin = now_ms()
    with contextlib.ExitStack() as stack:
        guests = []
        for _ in range(n):
            root, _ = stack.enter_context(virtiofsd_by_hand(bench))
            guests.append(spawn_qemu(qemu_by_hand(bench, bench.initramfs, words=" bench=run",
                                                  trees=[("root", root)])))
            stack.callback(end, guests[-1])
        for guest in guests:
            wait(guest, "QEMU started by hand")
    return now_ms() - begin


@contextlib.contextmanager
def guest_by_hand(bench, how, directory=None, with_net=False):
    """A guest with the tree, and perhaps a share and a network: the processes, QEMU's first.

    The share can be written to from both sides at any time: timeout=0 is what makes virtiofsd's
    cache=auto look again each time, as hull's default does."""
    words, net = f" bench={how}", None
    with contextlib.ExitStack() as stack:
        root, pid = stack.enter_context(virtiofsd_by_hand(bench))
        trees, pids = [("root", root)], [pid]
        if directory:
            path, pid = stack.enter_context(virtiofsd_by_hand(bench, directory, "cache=auto,timeout=0"))
            trees.append(("share", path))
            pids.append(pid)
            words += f" at={directory}"
        if with_net:
            net, pid = stack.enter_context(passt_by_hand(bench))
            pids.append(pid)
            words += f" mtu={PASST_MTU}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(bench.console)    # what an earlier one said would be taken for this one's
        qemu = spawn_qemu(qemu_by_hand(bench, bench.initramfs, words=words, trees=trees, net=net))
        stack.callback(end, qemu)
        yield qemu, pids


def script_by_hand(bench, directory, with_net=False):
    """The script in a directory that is shared, from start to end."""
    with guest_by_hand(bench, "share", directory, with_net) as (qemu, _):
        wait(qemu, "QEMU started by hand")
    console_says(bench, "bench-init: done")


@contextlib.contextmanager
def hull_vsock(bench):
    """Our back end of a virtio-vsock device: its end for QEMU, its socket for the host, and its pid."""
    path = bench.name("vsock")
    ours, theirs = socket.socketpair()
    with ours:
        process = spawn_vsock(os.path.join(bench.build, "hull-vsock"), theirs.fileno(), {"cid": 3, "hybrid": path},
                              start_new_session=True)
        theirs.close()
        try:
            deadline = now_ms() + DEADLINE_S * 1000
            with socket.socket(socket.AF_UNIX) as early:
                while early.connect_ex(path):
                    if process.poll() is not None or now_ms() > deadline:
                        raise Failure("hull-vsock started by hand does not listen")
                    time.sleep(0.001)
            yield ours.fileno(), path, process.pid
        finally:
            end(process)


def dial_vsock(path, port):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(DEADLINE_S)
    s.connect(path)
    s.sendall(f"CONNECT {port:03}\n".encode())
    line = s.recv(1)
    while not line.endswith(b"\n"):
        c = s.recv(1)
        if not c:
            raise Failure(f"the guest refuses port {port}")
        line += c
    s.settimeout(None)
    return s


@contextlib.contextmanager
def vsock_ports(bench):
    """The same as bare_ports() over a virtio-vsock device."""
    with contextlib.ExitStack() as stack:
        fd, path, _ = stack.enter_context(hull_vsock(bench))
        qemu = spawn_qemu(qemu_by_hand(bench, bench.initramfs, words=" bench=vsock", vsock=fd), [fd])
        stack.callback(end, qemu)
        sockets = [dial_vsock(path, port) for port in (1, 2, 3)]
        fds = [s.fileno() for s in sockets]
        with Helper([bench.tool("bench-port"), *map(str, fds)], fds) as helper:
            for s in sockets:
                s.close()
            yield helper


@contextlib.contextmanager
def bare_ports(bench):
    """A guest by hand whose ports do nothing but move bytes, and the program at their other ends."""
    pairs = [socket.socketpair() for _ in range(3)]
    ends = [theirs.fileno() for _, theirs in pairs]
    qemu = spawn_qemu(qemu_by_hand(bench, bench.initramfs, words=" bench=ports",
                                   ports=[(f"hull.{i}", fd) for i, fd in enumerate(ends, 1)]), ends)
    try:
        ours = [ours.fileno() for ours, _ in pairs]
        with Helper([bench.tool("bench-port"), *map(str, ours)], ours) as helper:
            for pair in pairs:
                pair[0].close()
                pair[1].close()
            yield helper
    except Failure as e:
        raise Failure(f"{e}; the guest by hand said: {console_of(bench)}") from e
    finally:
        end(qemu)
