#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""VMs of the store from another language: one handle, several threads that have no lock of their own.

usage: vms.py LIBRARY"""
import ctypes
import sys
import threading

sys.dont_write_bytecode = True
from hullapi import POINTER, call, hull     # pylint: disable=wrong-import-position

for name in ("free", "vm_config_free"):
    getattr(hull, "hull_" + name).argtypes = [ctypes.c_void_p]
hull.hull_vm_config_from_json.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32, POINTER, POINTER]
hull.hull_vms_create.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, POINTER, POINTER]
hull.hull_vms_inspect.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, POINTER, POINTER]
hull.hull_vms_list.argtypes = [ctypes.c_void_p, ctypes.c_void_p, POINTER, ctypes.POINTER(ctypes.c_size_t), POINTER]
hull.hull_vms_rename.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, POINTER]
hull.hull_vms_remove.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, POINTER]

DIALECT = 2
THREADS = 6
ROUNDS = 10
TEXT = b'{"version":1,"backend":"mock","agent":"none","memory":"64M"}'


class Info(ctypes.Structure):
    """As far as it is looked at."""
    _fields_ = [("size", ctypes.c_size_t), ("id", ctypes.c_char_p), ("name", ctypes.c_char_p),
                ("state", ctypes.c_uint32), ("code", ctypes.c_uint32)]


def info_of(pointer):
    info = ctypes.cast(pointer, ctypes.POINTER(Info)).contents
    told = info.id, info.name, info.state
    hull.hull_free(pointer)
    return told


def work(vms, config, number, wrong):
    try:
        for i in range(ROUNDS):
            info, name = ctypes.c_void_p(), f"t{number}-{i}".encode()
            call(hull.hull_vms_create, vms, config, None, ctypes.byref(info))
            vm = info_of(info)[0]
            call(hull.hull_vms_rename, vms, vm, name)
            call(hull.hull_vms_inspect, vms, name, None, ctypes.byref(info))
            if info_of(info) != (vm, name, 1):
                wrong.append("inspect")
            call(hull.hull_vms_remove, vms, name, None)
    except RuntimeError as e:
        wrong.append(str(e))


def main():
    vms, config, infos, n, wrong = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_size_t(), []
    call(hull.hull_vm_config_from_json, TEXT, len(TEXT), DIALECT, ctypes.byref(config))
    call(hull.hull_vms_new, ctypes.byref(vms))
    threads = [threading.Thread(target=work, args=(vms, config, i, wrong)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call(hull.hull_vms_list, vms, None, ctypes.byref(infos), ctypes.byref(n))
    hull.hull_free(infos)
    hull.hull_vms_free(vms)
    hull.hull_vm_config_free(config)
    if wrong or n.value:
        sys.exit(f"{n.value} VMs are left; {wrong}")
    print("good")


main()
