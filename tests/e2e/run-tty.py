#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A terminal in the guest: size, resize, control characters, job control, restored afterwards."""
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


class Session:
    """hull run -it on a pseudo-terminal of ours."""

    def __init__(self, rows, columns, *command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(HULL, [HULL, "run", "-it", "--", *command])
        self.resize(rows, columns, tell=False)

    def resize(self, rows, columns, tell=True):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                sys.exit(f"run-tty: FAILED: no {pattern!r} in {self.seen!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                sys.exit(f"run-tty: FAILED: ended without {pattern!r}: {self.seen!r}")
            self.seen += data.decode(errors="replace")
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
                    sys.exit(f"run-tty: FAILED: exit code {got}, not {code}")
                os.close(self.fd)
                return
        os.kill(self.pid, signal.SIGKILL)
        sys.exit("run-tty: FAILED: did not end")


def main():
    s = Session(33, 101, "bash", "--norc", "--noprofile")
    s.type("PS1='$'-; stty size\r")
    s.expect(r"33 101\r\n")
    s.resize(40, 120)
    time.sleep(0.5)
    s.type("stty size\r")
    s.expect(r"40 120\r\n")
    s.type("tty; test -t 0 && test -t 1 && test -t 2 && echo three-$((1+2))\r")
    s.expect(r"/dev/pts/\d+\r\n")
    s.expect(r"three-3\r\n")
    # Control-C ends the foreground command, not the shell.
    s.type("sleep 1000\r")
    time.sleep(1)
    s.type("\x03")
    s.type("echo status-$?\r")
    s.expect(r"status-130\r\n")
    # Job control: stop, list, continue in the background, kill.
    s.type("sleep 1000\r")
    time.sleep(1)
    s.type("\x1a")
    s.expect(r"Stopped")
    s.type("bg; jobs; kill %1; wait; echo killed-$((40+2))\r")
    s.expect(r"killed-42\r\n")
    s.type("exit 7\r")
    s.end(7)

    # The terminal's end-of-file ends cat.
    s = Session(24, 80, "cat")
    s.type("hello\r")
    s.expect(r"hello\r\nhello\r\n")
    s.type("\x04")
    s.end(0)


main()
