#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hull console on terminals of ours: who types, what leaves it, and that the terminal is as it was.
The guest answers each line X with "got:X."."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

HULL = os.environ["HULL"]
VM = sys.argv[1]


def fail(text):
    sys.exit(f"vm-console: FAILED: {text}")


class Console:
    """hull console on a pseudo-terminal; the other end stays open here, so that its modes can be seen."""

    def __init__(self, *options):
        self.seen = ""
        self.fd, self.slave = pty.openpty()
        self.modes = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.close(self.fd)
            os.execv(HULL, [HULL, "console", *options, VM])

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return False
        self.seen += os.read(self.fd, 65536).decode(errors="replace")
        return True

    def expect(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            if not self.read(deadline - time.monotonic()):
                fail(f"no {pattern!r} in {self.seen[-2000:]!r}")
        self.seen = self.seen[re.search(pattern, self.seen).end():]

    def answers(self, text):
        self.type(text + "\r")
        self.expect(rf"got:{re.escape(text)}\.")

    def lacks(self, text, seconds=1):
        deadline = time.monotonic() + seconds
        while self.read(deadline - time.monotonic()):
            pass
        if text in self.seen:
            fail(f"{text!r} in {self.seen!r}")

    def raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    def end(self, code, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                got = os.waitstatus_to_exitcode(status)
                if got != code:
                    fail(f"exit code {got}, not {code}: {self.seen!r}")
                if termios.tcgetattr(self.slave) != self.modes:
                    fail("the terminal is not as it was")
                os.close(self.fd)
                os.close(self.slave)
                return
        os.kill(self.pid, signal.SIGKILL)
        fail("did not end")


def test_escapes():
    c = Console()
    c.expect(r"\^\] leaves it")
    c.expect(r"ready")  # replayed
    c.answers("one")
    if not c.raw():
        fail("the terminal is not raw")
    c.type("\x1d")
    c.end(0)

    c = Console("--escape", "^a", "-q")
    c.expect(r"got:one\.")
    c.lacks("leaves it")
    c.answers("two")
    c.type("le\x01y")
    c.end(0)

    c = Console("--escape", "none")
    c.expect(r"no key leaves it")
    c.type("ft\x1d\r")
    c.expect(r"got:left\x1d\.")  # what was typed before the escape was not lost
    os.kill(c.pid, signal.SIGTERM)
    c.end(128 + signal.SIGTERM)

    c = Console("--escape=~")
    c.expect(r"'~' leaves it")
    c.answers("z")
    os.kill(c.pid, signal.SIGHUP)
    c.end(128 + signal.SIGHUP)


def test_stopped():
    c = Console()
    c.answers("before")
    os.kill(c.pid, signal.SIGTSTP)
    os.waitpid(c.pid, os.WUNTRACED)
    if termios.tcgetattr(c.slave) != c.modes:
        fail("stopped, and the terminal is not as it was")
    os.kill(c.pid, signal.SIGCONT)
    c.answers("behind")
    if not c.raw():
        fail("continued, and the terminal is not raw")
    c.type("\x1d")
    c.end(0)


def test_hand_over():
    a = Console()
    a.answers("a1")
    b = Console()
    b.expect(r"somebody else types")
    b.type("too-early\r")
    a.answers("a2")
    b.expect(r"got:a2\.")
    b.lacks("got:too-early")
    # Taken over, and back when that one leaves.
    c = Console("--take")
    c.answers("c1")
    a.expect(r"somebody else has taken it over")
    a.expect(r"got:c1\.")
    a.type("not-mine\r")
    c.answers("c2")
    a.lacks("got:not-mine")
    c.type("\x1d")
    c.end(0)
    a.expect(r"now you type")
    a.answers("a3")
    # The next in line, also where the first is killed.
    os.kill(a.pid, signal.SIGKILL)
    os.waitpid(a.pid, 0)
    b.expect(r"now you type")
    b.answers("b1")
    # Who will type no more does not keep others from it.
    reader = subprocess.Popen([HULL, "console", VM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    while b"got:b1." not in reader.stdout.readline():
        pass
    b.type("\x1d")
    b.end(0)
    d = Console()
    d.answers("d1")
    d.type("\x1d")
    d.end(0)
    reader.terminate()
    if reader.wait() != 128 + signal.SIGTERM:
        fail(f"a reader ended with {reader.returncode}")


def test_many():
    all_of_them = [Console("-q")]
    all_of_them[0].answers("first")
    all_of_them += [Console("-q") for _ in range(5)]
    for c in all_of_them[1:]:
        c.expect(r"got:first\.")
    all_of_them[0].answers("many")
    for c in all_of_them[1:]:
        c.expect(r"got:many\.")
    for c in all_of_them:
        os.kill(c.pid, signal.SIGINT)
        c.end(128 + signal.SIGINT)


test_escapes()
test_stopped()
test_hand_over()
test_many()
