#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Both sides of a guest's vsock ports.
usage: device-vsock.py guest DIAL LISTEN     in the guest: dials the host's port, then echoes on its own
       device-vsock.py serve SOCKET          on the host: echoes whatever connects
       device-vsock.py dial SOCKET           on the host: expects an echo

An echo ends when its client has ended its half: so what comes back in whole tells that the end of one
half did not end the other."""
import fcntl
import hashlib
import os
import socket
import struct
import sys
import threading

SIZE = 1 << 20
TIMEOUT_S = 60
GET_LOCAL_CID = 0x7b9         # IOCTL_VM_SOCKETS_GET_LOCAL_CID


def expect_echo(s):
    data = os.urandom(SIZE)
    sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    sender.start()
    back = b"".join(iter(lambda: s.recv(1 << 16), b""))
    sender.join()
    if hashlib.sha256(back).digest() != hashlib.sha256(data).digest():
        sys.exit(f"{len(back)} of {SIZE} bytes came back, or others")
    print("echoed", flush=True)


def echo(s):
    held = b"".join(iter(lambda: s.recv(1 << 16), b""))
    s.sendall(held)
    s.close()


def guest(dial, listen):
    listener = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    listener.bind((socket.VMADDR_CID_ANY, int(listen)))
    listener.listen()
    s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    s.settimeout(TIMEOUT_S)
    s.connect((socket.VMADDR_CID_HOST, int(dial)))
    with open("/dev/vsock", "rb") as device:
        print("address", struct.unpack("I", fcntl.ioctl(device, GET_LOCAL_CID, bytes(4)))[0])
    expect_echo(s)
    nobody = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    try:
        nobody.connect((socket.VMADDR_CID_HOST, int(dial) + 1))
    except ConnectionResetError:
        print("refused")
    print("listening", flush=True)
    s, peer = listener.accept()
    print("from", peer[0])
    echo(s)


def serve(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    print("ready", flush=True)
    while True:
        echo(listener.accept()[0])


def dial(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(TIMEOUT_S)
    s.connect(path)
    expect_echo(s)


{"guest": guest, "serve": serve, "dial": dial}[sys.argv[1]](*sys.argv[2:])
