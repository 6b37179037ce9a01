#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A terminal in a guest that is left and found again: its size follows, its keys are escaped."""
import os
import re
import sys

sys.dont_write_bytecode = True
from tty_session import Session, fail

HULL = os.environ["HULL"]


def hull(rows, columns, *args):
    return Session(rows, columns, HULL, *args)


def main():
    s = hull(33, 101, "exec", "-it", "--session", "shell", "web", "bash", "--norc", "--noprofile")
    s.type("PS1='$'-; stty size\r")
    s.expect(r"33 101\r\n")
    # The first key alone is the shell's: the line before.
    s.type("echo again-$((40+2))\r")
    s.expect(r"again-42\r\n")
    s.type("\x10")
    s.type("\r")
    s.expect(r"again-42\r\n")
    s.type("\x10\x11")
    s.expect(r"session 'shell' goes on")
    s.end(0)

    # What was on the screen comes again; the size is this terminal's; another program is still there.
    s = hull(24, 80, "attach", "-i", "web", "shell")
    s.expect(r"again-42\r\n")
    # One job: between two of them the shell's own group may not be the terminal's yet.
    s.type("\x15sh -c 'stty size; exec sleep 1000'\r")
    s.expect(r"24 80\r\n")
    s.resize(40, 120)
    s.type("\x03")
    s.expect(r"himBHs")         # its prompt: what is typed before may be flushed
    s.type("stty size\r")
    s.expect(r"40 120\r\n")
    s.type("\x10\x11")
    s.expect(r"goes on")
    s.end(0)

    # Not asked to replay, nothing of before is shown.
    s = hull(24, 80, "attach", "-i", "--no-replay", "web", "shell")
    s.wait_raw()
    s.type("\x15echo new-$((1+1))\r")
    s.expect(r"new-2\r\n")
    if re.search("again", s.all):
        fail(f"replayed: {s.all!r}")
    s.type("exit 7\r")
    s.end(7)


main()
