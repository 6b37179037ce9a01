#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library from another language: one description, several threads that have no lock of their own."""
import ctypes
import sys
import threading

hull = ctypes.CDLL(sys.argv[1])
hull.hull_vm_config_add_texts.argtypes = [
    ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p]
hull.hull_vm_config_remove.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
hull.hull_vm_config_device_count.argtypes = [ctypes.c_void_p]
hull.hull_vm_config_device_count.restype = ctypes.c_size_t
hull.hull_vm_config_to_json.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p]
hull.hull_free.argtypes = [ctypes.c_void_p]
hull.hull_vm_config_free.argtypes = [ctypes.c_void_p]
hull.hull_error_message.argtypes = [ctypes.c_void_p]
hull.hull_error_message.restype = ctypes.c_char_p
hull.hull_error_free.argtypes = [ctypes.c_void_p]

VFKIT = 1
PAIRS = 300


def work(vm, wrong):
    devices = (ctypes.c_char_p * 2)(b"virtio-rng", b"virtio-net,nat")
    for _ in range(PAIRS):
        text = ctypes.c_void_p()
        if hull.hull_vm_config_add_texts(vm, devices, 2, 0, None) < 0:
            wrong.append("add")
        if hull.hull_vm_config_to_json(vm, VFKIT, ctypes.byref(text), None) < 0:
            wrong.append("to JSON")
        hull.hull_free(text)
        if hull.hull_vm_config_remove(vm, 0, None) < 0:
            wrong.append("remove")


def main():
    vm, err, wrong = ctypes.c_void_p(), ctypes.c_void_p(), []
    text = b'{"vcpus":1,"memoryBytes":1,"bootloader":null}'
    if hull.hull_vm_config_from_json(text, ctypes.c_size_t(len(text)), VFKIT, ctypes.byref(vm), None) < 0:
        sys.exit("from JSON")
    threads = [threading.Thread(target=work, args=(vm, wrong)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = hull.hull_vm_config_device_count(vm)
    if wrong or left != 4 * PAIRS:
        sys.exit(f"{left} devices, failed: {wrong[:5]}")
    bad = (ctypes.c_char_p * 1)(b"virtio-gnu")
    if hull.hull_vm_config_add_texts(vm, bad, 1, 0, ctypes.byref(err)) == 0:
        sys.exit("'virtio-gnu' was taken")
    if b"did you mean" not in hull.hull_error_message(err):
        sys.exit("no hint")
    hull.hull_error_free(err)
    hull.hull_vm_config_free(vm)


main()
