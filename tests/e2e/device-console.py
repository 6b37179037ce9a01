#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest's console on the terminal that hull is started from: its modes meanwhile and afterwards,
what is typed, and Ctrl-C, which is hull's."""
import os
import re
import select
import sys
import termios
import time

HULL = os.environ["HULL"]
IN_GUEST = """exec 3<>/dev/hvc0; stty raw -echo <&3; echo ready >&3
head -c 2 <&3 | od -An -c >&3; while :; do sleep 1; done"""


def fail(text):
    sys.exit(f"device-console: FAILED: {text}")


def modes(fd):
    iflag, _, _, lflag = termios.tcgetattr(fd)[:4]
    return (bool(iflag & termios.ICRNL), bool(lflag & termios.ICANON), bool(lflag & termios.ECHO),
            bool(lflag & termios.ISIG))


def read_until(fd, pattern, seconds=60):
    seen, deadline = "", time.monotonic() + seconds
    while not re.search(pattern, seen):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            fail(f"no {pattern!r} in {seen!r}")
        seen += os.read(fd, 65536).decode(errors="replace")
    return seen


def main():
    fd, slave = os.openpty() # the latter kept open, so that the terminal outlives hull
    pid = os.fork()
    if pid == 0:
        os.login_tty(slave)
        os.execv(HULL, [HULL, "run", "-q", "--device", "virtio-serial,stdio", "--", "sh", "-c", IN_GUEST])
    if modes(slave) != (True, True, True, True):
        fail(f"before: {modes(slave)}")
    read_until(fd, "ready")
    if modes(slave) != (False, False, False, True):
        fail(f"meanwhile: {modes(slave)}")
    os.write(fd, b"x\r")
    read_until(fd, r"x +\\r")
    os.write(fd, b"\x03\x03")
    deadline = time.monotonic() + 60
    status = None
    while time.monotonic() < deadline and status is None:
        if select.select([fd], [], [], 0.05)[0]:
            os.read(fd, 65536)
        done, code = os.waitpid(pid, os.WNOHANG)
        status = code if done else None
    if status is None:
        fail("Ctrl-C did not end it")
    if modes(slave) != (True, True, True, True):
        fail(f"afterwards: {modes(slave)}")


main()
