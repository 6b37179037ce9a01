#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes over a guest's vsock.
usage: vsock-services.py fetch           in the guest: asks its host for the Ignition file in several ways
       vsock-services.py qga SOCKET...   on the host: asks a qemu-guest-agent; what is asked are JSON texts"""
import http.client
import json
import socket
import sys


class Vsock(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect((socket.VMADDR_CID_HOST, 1024))


def fetch():
    c = Vsock("host")
    for method, headers in (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=-3"}), ("GET", {"Range": "bytes=99999-"}),
                            ("GET", {"Accept": "application/vnd.coreos.ignition+json;version=3.4.0"})):
        c.request(method, "/any", headers=headers)
        r = c.getresponse()
        body = r.read()
        print(method, r.status, r.getheader("Content-Length"), r.getheader("Content-Type"), r.getheader("Content-Range"),
              body[-4:])


def qga(path, *asked):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(60)
    s.connect(path)
    f = s.makefile("rw")
    for text in asked:
        f.write(text + "\n")
        f.flush()
        print(json.dumps(json.loads(f.readline())))


{"fetch": fetch, "qga": qga}[sys.argv[1]](*sys.argv[2:])
