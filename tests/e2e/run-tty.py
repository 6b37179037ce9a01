#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A terminal in the guest: size, resize, control characters, job control, restored afterwards."""
import os
import sys
import time

sys.dont_write_bytecode = True
from tty_session import Session

HULL = os.environ["HULL"]


def run(rows, columns, *command):
    return Session(rows, columns, HULL, "run", "-it", "--", *command)


def main():
    s = run(33, 101, "bash", "--norc", "--noprofile")
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
    s = run(24, 80, "cat")
    s.type("hello\r")
    s.expect(r"hello\r\nhello\r\n")
    s.type("\x04")
    s.end(0)


main()
