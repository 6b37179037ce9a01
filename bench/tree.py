# SPDX-License-Identifier: Apache-2.0
#
# The figure of what a machine takes from the host's memory in all: every process that a plain
# 'hull run' starts, itself included.

import collections
import os
import statistics
import subprocess
import time

from byhand import console_of, guest_by_hand
from common import DEADLINE_S, Failure, end, interleaved, now_ms, private_kb, row

# Until pages that only starting took are given back.
SETTLE_S = 1


def descendants(pid):
    """A process and all below it."""
    children = collections.defaultdict(list)
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[parent].append(int(name))
    found = [pid]
    for one in found:
        found += children[one]
    return found


def memory_of(pids):
    """Program -> KiB: how many there are of each goes into its name."""
    each = collections.defaultdict(list)
    for pid in pids:
        name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        each[name].append(private_kb(pid))
    return {name if len(values) == 1 else f"{name} x {len(values)}": sum(values)
            for name, values in each.items()}


def hull_tree(bench):
    process = subprocess.Popen([bench.hull, "run", "--", "sh", "-c", "echo up; exec sleep 600"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != b"up\n":
            raise Failure("'hull run -- sleep' did not start")
        time.sleep(SETTLE_S)
        return memory_of(descendants(process.pid))
    finally:
        process.stdout.close()
        end(process)


def raw_tree(bench):
    with guest_by_hand(bench, "sleep", with_net=True) as (qemu, pids):
        deadline = now_ms() + DEADLINE_S * 1000
        while "bench-init: up" not in console_of(bench):
            if qemu.poll() is not None or now_ms() > deadline:
                raise Failure(f"the guest by hand did not come up: {console_of(bench)}")
            time.sleep(0.02)
        time.sleep(SETTLE_S)
        return memory_of([qemu.pid, *pids])


def figure_tree(bench):
    hull, hand = interleaved(bench.few, lambda: hull_tree(bench), lambda: raw_tree(bench))
    for who, trees in (("hull", hull), ("by hand", hand)):
        for tree in trees:
            for program, kb in tree.items():
                bench.keep(f"tree: {who}: {program}", [kb])
    pairs = [bench.keep(f"tree: {who}: all", [sum(tree.values()) for tree in trees])
             for who, trees in (("hull", hull), ("by hand", hand))]
    a, b = map(statistics.median, pairs)
    return [row("memory: all of hull run -- sleep", a, b, f"{a - b:+.0f} KiB", "", None, "KiB", pairs)]
