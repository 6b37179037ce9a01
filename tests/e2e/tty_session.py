#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal of ours, for tests: typed to, read, resized, waited for."""
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

NAME = os.path.splitext(os.path.basename(sys.argv[0]))[0]


def fail(text):
    sys.exit(f"{NAME}: FAILED: {text}")


class Session:
    """One run of a program."""

    def __init__(self, rows, columns, *command):
        self.seen = self.all = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        self.resize(rows, columns, tell=False)

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def wait_raw(self, seconds=60):
        """Until keys are the program's: before, the terminal itself acts upon them."""
        deadline = time.monotonic() + seconds
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            if time.monotonic() > deadline:
                fail("the terminal was never made raw")
            time.sleep(0.02)

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                fail(f"no {pattern!r} in {self.seen!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                fail(f"ended without {pattern!r}: {self.seen!r}")
            self.seen += data.decode(errors="replace")
            self.all += data.decode(errors="replace")
        self.seen = self.seen[re.search(pattern, self.seen).end():]

    def end(self, code, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                got = os.waitstatus_to_exitcode(status)
                if got != code:
                    fail(f"exit code {got}, not {code}")
                os.close(self.fd)
                return
        os.kill(self.pid, signal.SIGKILL)
        fail("did not end")
