#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hull top on a terminal: keys, size, and the terminal as it was whatever ends it."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

HULL = os.environ["HULL"]
LEAVE = "\x1b[?25h\x1b[?1049l"


def fail(text):
    sys.exit(f"vm-stats: FAILED: {text}")


class Top:
    """hull top on a pseudo-terminal of ours, whose modes are compared."""

    def __init__(self, rows, columns):
        self.seen = self.all = ""
        self.fd, slave = pty.openpty()
        self.slave = slave
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.execv(HULL, [HULL, "top", "--interval", "300ms"])

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        data = os.read(self.fd, 65536).decode(errors="replace")
        self.seen += data
        self.all += data
        return True

    def expect(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            if time.monotonic() > deadline or not self.read(deadline - time.monotonic()):
                fail(f"no {pattern!r} in {self.seen!r}")
        self.seen = self.seen[re.search(pattern, self.seen).end():]

    def end(self, status):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, got = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
        else:
            fail("it does not end")
        while self.read(0.1):
            pass
        if os.waitstatus_to_exitcode(got) != status:
            fail(f"ended with {os.waitstatus_to_exitcode(got)}, not {status}")
        if not self.all.startswith("\x1b[?1049h") or not self.all.endswith(LEAVE):
            fail(f"the screen is not left: {self.all[-200:]!r}")
        if termios.tcgetattr(self.slave) != self.modes:
            fail("the terminal is not as it was")


def lines(text):
    """Of a picture, without what steers the terminal."""
    return re.sub("\x1b\\[[?0-9]*[a-zA-Z]", "", text).split("\r\n")


def main():
    top = Top(24, 200)
    top.expect("2 running, by CPU time")
    top.expect(r"(?s)\r\n[^\r]*NAME[^\r]*PIDS[^\r]*\r\n[^\r]*(web|db)[^\r]*\r\n[^\r]*(web|db)[^\r]*\x1b\[J")
    top.type("m")
    top.expect("by memory")
    top.type("c")
    top.expect("by CPU time")
    top.resize(2, 30)
    top.seen = ""
    top.expect("\x1b\\[H.{30}\x1b\\[K")
    top.expect("\x1b\\[J")
    top.seen = ""
    top.expect("\x1b\\[H")
    while "\x1b[J" not in top.seen:
        top.read(5)
    picture = lines(top.seen.split("\x1b[J")[0])
    if len(picture) > 2 or any(len(line) > 30 for line in picture):
        fail(f"drawn beyond the screen: {picture}")
    top.type("\x1a")  # Ctrl-Z: the screen can't be left to the shell
    top.seen = ""
    top.expect("2 running")
    top.type("q")
    top.end(0)
    for how, status in (("\x03", 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        top = Top(24, 80)
        top.expect("2 running")
        if isinstance(how, str):
            top.type(how)
        else:
            os.kill(top.pid, how)
        top.end(status)


main()
