#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the command, the monitor, the hypervisor or the share daemon at random moments of a VM's
life.  Where the monitor lives, nothing may be left at once; where it was the victim, nothing after
the next call of hull.  usage: kill-random.py ROUNDS SEED"""
import os
import random
import signal
import subprocess
import sys
import time

HULL = os.environ["HULL"]
HOME = os.environ["HULL_HOME"]
MARK = f"HULL_HOME={HOME}".encode()
VICTIMS = ["hull", "hull-monitor", "qemu-system-x86", "virtiofsd"]
UID_BASE, UID_PAIRS = 0x70000000, 0x00400000


def vm_uids(ids):
    """The users of these VMs' hypervisors and share daemons, where hull is root."""
    uids = set()
    for short in ids:
        uid = UID_BASE + 2 * (int(short[:8], 16) % UID_PAIRS)
        uids |= {uid, uid + 1}
    return uids


def processes(ids):
    """name -> pids of all that belongs to this test's hull, the dead left out: by environment,
    or by the VM's own user (the hypervisor's environment is empty).  An ordinary user's are all
    his own; the tests give him an id that nobody else has."""
    found = {}
    uids = vm_uids(ids) if os.getuid() == 0 else {os.getuid()}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.stat(f"/proc/{entry}").st_uid not in uids:
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    if MARK not in environ.read().split(b"\0"):
                        continue
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                text = stat.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        state = text[text.rindex(")") + 2]
        if state != "Z" and (name.startswith(("hull", "qemu", "virtiofsd"))):
            found.setdefault(name, []).append(int(entry))
    return found


def cgroups():
    groups = []
    for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        for folder, names, _ in os.walk(root):
            groups += [os.path.join(folder, n) for n in names if n.startswith("hull-")]
            if folder.count("/") > 8:
                names.clear()
    return set(groups)


def vms():
    try:
        return os.listdir(os.path.join(HOME, "run", "vm"))
    except FileNotFoundError:
        return []


def wait_clean(ids, seconds):
    """What is left of this test's VMs after at most that long."""
    deadline = time.monotonic() + seconds
    while True:
        left = [processes(ids), vms(),
                [g for g in cgroups() if any(g.endswith(i) for i in ids)]]
        if not any(left) or time.monotonic() > deadline:
            return left
        time.sleep(0.02)


def main():
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    hits = {}
    for number in range(rounds):
        victim = rng.choice(VICTIMS)
        moment = rng.uniform(0.0, 2.5)
        run = subprocess.Popen([HULL, "run", "--", "sh", "-c", "sleep 0.3; echo done"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        ids = set()
        end = time.monotonic() + moment
        while time.monotonic() < end:
            ids |= set(vms())
            time.sleep(0.005)
        ids |= set(vms())
        found = processes(ids).get(victim, [])
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            _, err = run.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            run.kill()
            sys.exit(f"round {number} (seed {seed}): hung after {victim} was killed at {moment:.3f}")
        key = victim if found else f"{victim}-not-there"
        hits[key] = hits.get(key, 0) + 1
        if found and victim not in ("hull",) and run.returncode not in (0, 125):
            sys.exit(f"round {number} (seed {seed}): exit {run.returncode} after {victim} was "
                     f"killed at {moment:.3f}: {err}")
        if found and run.returncode == 125 and "hull:" not in err:
            sys.exit(f"round {number} (seed {seed}): no word about {victim}: {err!r}")
        left = wait_clean(ids, 5)
        if victim == "hull-monitor" and any(left):
            subprocess.run([HULL, "run", "--", "true"], check=False, capture_output=True)
            left = wait_clean(ids, 5)
        if any(left):
            sys.exit(f"round {number} (seed {seed}): {victim} killed at {moment:.3f} left {left}")
    print(f"{rounds} rounds, seed {seed}: {hits}")


main()
