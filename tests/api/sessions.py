#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands in the VM "web" from another language: their streams are sockets like any other.

usage: sessions.py LIBRARY"""
import ctypes
import os
import socket
import sys
import threading

sys.dont_write_bytecode = True
from hullapi import POINTER, call, hull     # pylint: disable=wrong-import-position

hull.hull_session_free.argtypes = [ctypes.c_void_p]
hull.hull_vms_exec.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_void_p,
                               POINTER, POINTER]
hull.hull_session_fd.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
hull.hull_session_wait.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, POINTER]
hull.hull_session_delete.argtypes = [ctypes.c_void_p, ctypes.c_void_p, POINTER]

IN, OUT = 1, 2
THREADS = 4


class Options(ctypes.Structure):
    """What comes behind is zero."""
    _fields_ = [("size", ctypes.c_size_t), ("timeout_ms", ctypes.c_uint64), ("cancel", ctypes.c_void_p),
                ("session", ctypes.c_char_p), ("env", ctypes.c_void_p), ("workdir", ctypes.c_char_p),
                ("user", ctypes.c_char_p), ("streams", ctypes.c_uint64)]


class End(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("status", ctypes.c_uint64)]


def stream(session, which):
    return socket.socket(fileno=os.dup(hull.hull_session_fd(session, which)))


def work(vms, number, wrong):
    args = (ctypes.c_char_p * 4)(b"sh", b"-c", b"tr a-z A-Z; exit %d" % number, None)
    options = Options(size=ctypes.sizeof(Options), streams=IN | OUT)
    session, end = ctypes.c_void_p(), End(size=ctypes.sizeof(End))
    try:
        call(hull.hull_vms_exec, vms, b"web", args, ctypes.byref(options), ctypes.byref(session))
        with stream(session, IN) as into, stream(session, OUT) as out:
            into.sendall(b"number %d\n" % number)
            into.shutdown(socket.SHUT_WR)
            said = out.makefile("rb").read()
        call(hull.hull_session_wait, session, None, ctypes.byref(end))
        call(hull.hull_session_delete, session, None)
        hull.hull_session_free(session)
        if said != b"NUMBER %d\n" % number or end.status != number:
            wrong.append((said, end.status))
    except RuntimeError as e:
        wrong.append(str(e))


def main():
    vms, wrong = ctypes.c_void_p(), []
    call(hull.hull_vms_new, ctypes.byref(vms))
    threads = [threading.Thread(target=work, args=(vms, i, wrong)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hull.hull_vms_free(vms)
    if wrong:
        sys.exit(str(wrong))
    print("good")


main()
