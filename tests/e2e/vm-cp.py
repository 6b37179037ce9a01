#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A copy that takes long says on a terminal how far it is, and takes that away at its end."""
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
from tty_session import Session, fail

HULL = os.environ["HULL"]


def main():
    s = Session(24, 80, HULL, "cp", "web:/tmp/large", "large")
    while not os.path.exists("large"):
        time.sleep(0.001)
    os.kill(s.pid, signal.SIGSTOP)  # on a host that is fast enough it would not take long
    time.sleep(1.5)
    os.kill(s.pid, signal.SIGCONT)
    s.expect(r"\d+ files, [\d.]+ MB in \d+ s")
    s.expect(r"\r\x1b\[K")
    s.end(0)
    if os.path.getsize("large") != 50000000:
        fail("it is not whole")
    os.unlink("large")


main()
