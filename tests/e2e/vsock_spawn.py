# SPDX-License-Identifier: Apache-2.0
"""Starting hull-vsock as its monitor does: descriptor 3 is the hypervisor's socket, 4 the spec; and what time it
takes."""
import fcntl
import json
import os
import subprocess


def spawn_with(argv, fds, **how):
    """A process that inherits these descriptors as 3, 4 and so on."""
    first, last = 3, 2 + len(fds)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, last + 1) for fd in fds]
    # What Popen opens for itself may not stand where they are to go.  All others close by themselves: it is not
    # told of these, since it would insist on them before they are there.
    taken = [os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)]
    while taken[-1] <= last:
        taken.append(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC))
    try:
        return subprocess.Popen(argv, close_fds=False, stdin=subprocess.DEVNULL,
                                preexec_fn=lambda: [os.dup2(fd, first + i) for i, fd in enumerate(high)], **how)
    finally:
        for fd in high + taken:
            os.close(fd)


def spawn_vsock(program, device, spec, **how):
    told = os.memfd_create("spec", 0)
    os.write(told, json.dumps(spec).encode())
    os.lseek(told, 0, os.SEEK_SET)
    try:
        return spawn_with([program], [device, told], **how)
    finally:
        os.close(told)


def cpu_ms(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")
