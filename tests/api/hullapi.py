# SPDX-License-Identifier: Apache-2.0
"""libhull for the programs here, whose first argument is its path: calls that must work."""
import ctypes
import sys

hull = ctypes.CDLL(sys.argv[1])
POINTER = ctypes.POINTER(ctypes.c_void_p)
hull.hull_vms_new.argtypes = [POINTER, POINTER]
hull.hull_error_message.argtypes = [ctypes.c_void_p]
hull.hull_error_message.restype = ctypes.c_char_p
for name in ("vms_free", "error_free"):
    getattr(hull, "hull_" + name).argtypes = [ctypes.c_void_p]


def call(fn, *args):
    err = ctypes.c_void_p()
    if fn(*args, ctypes.byref(err)) < 0:
        message = hull.hull_error_message(err).decode()
        hull.hull_error_free(err)
        raise RuntimeError(message)
