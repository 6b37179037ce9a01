#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts and rejoins a guest's two ports, again and again and at once, and says hello each time.
usage: link-reconnect.py GUEST-DIRECTORY

Closes reach the guest by another queue than data: a hello may overtake the news that the connection
before it has gone.  Straight over QEMU, since no monitor would do this."""
import os
import socket
import struct
import subprocess
import sys
import time

GUEST = sys.argv[1]
MAGIC = bytes.fromhex("f516c013f81cfb15c11dfd17f61afaf9")
PORTS = ("hull.ctl", "hull.bulk")
CYCLES = 300
BOOT_S, ANSWER_S = 120, 15


def start():
    args = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "pc-q35-7.2", "-accel", "tcg", "-m", "256",
            "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+rdrand",
            "-kernel", f"{GUEST}/vmlinux", "-initrd", f"{GUEST}/initramfs",
            "-append", "quiet reboot=t panic=-1", "-device", "virtio-serial-pci"]
    for i, name in enumerate(PORTS):
        args += ["-chardev", f"socket,id=c{i},path={name},server=on,wait=off",
                 "-device", f"virtserialport,chardev=c{i},name={name},nr={i + 1}"]
    return subprocess.Popen(args, stdin=subprocess.DEVNULL)


def connect(name):
    deadline = time.monotonic() + ANSWER_S
    while True:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(name)
            return s
        except OSError:
            s.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def greet(s, seconds):
    """Says hello; whether the answer with its epoch comes, after whatever else is on the way."""
    epoch = os.urandom(16)
    s.sendall(MAGIC + epoch + struct.pack(">HH", 1, 0) + bytes(12))
    s.settimeout(seconds)
    got = b""
    try:
        while MAGIC + epoch not in got:
            data = s.recv(65536)
            if not data:
                return False
            got = got[-64:] + data
    except socket.timeout:
        return False
    return True


def main():
    qemu = start()
    try:
        links = [connect(name) for name in PORTS]
        for name, link in zip(PORTS, links):
            if not greet(link, BOOT_S):
                sys.exit(f"link-reconnect: {name}: no answer to the first hello")
        for cycle in range(CYCLES):
            for i, name in enumerate(PORTS):
                links[i].close()
                links[i] = connect(name)
                # Not always at once, nor always after the answer to the one before.
                time.sleep((0, 0, 0, 0.001, 0.02)[cycle % 5])
                if not greet(links[i], ANSWER_S):
                    sys.exit(f"link-reconnect: {name}: no answer to hello {cycle + 2}")
    finally:
        qemu.kill()
        qemu.wait()


main()
