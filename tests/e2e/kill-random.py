#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the command, the monitor, the hypervisor or the share daemon at random moments of a VM's
life.  Where the monitor lives, nothing may be left at once; where it was the victim, nothing after
the next call of hull.  usage: kill-random.py ROUNDS SEED

How long a life takes depends on the host and on what else it does: it is measured first, and again
whenever a run ends unharmed."""
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
CLEAN_S = 5
BEYOND = 1.1            # moments are drawn from so much of a life, for lives that take longer than the last


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


class Run:
    """hull, with a command that lasts for a while."""

    def __init__(self):
        self.start = time.monotonic()
        self.ids = set()
        self.process = subprocess.Popen([HULL, "run", "--", "sh", "-c", "sleep 0.3; echo done"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)

    def wait(self, seconds):
        """Until so long after its start, or its end."""
        while self.process.poll() is None and time.monotonic() < self.start + seconds:
            self.ids |= set(vms())
            time.sleep(0.005)
        self.ids |= set(vms())

    def end(self):
        """What it says, and how long it took; None if it does not end."""
        try:
            _, err = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None
        return err, time.monotonic() - self.start


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def one_round(victim, moment):
    """Who was killed, None if nobody, and how long the run took."""
    run = Run()
    run.wait(moment)
    living = processes(run.ids)
    if victim not in living and "hull" in living:
        victim = "hull"     # too early, or too late
    found = living.get(victim, [])
    kill(found)
    ended = run.end()
    if not ended:
        sys.exit(f"hung, {found} being {victim}")
    err, took = ended
    code = run.process.returncode
    if found and victim != "hull" and code not in (0, 125):
        sys.exit(f"exit {code}: {err}")
    if not found and code != 0:
        sys.exit(f"exit {code} though nobody was killed: {err}")
    if found and code == 125 and "hull:" not in err:
        sys.exit(f"no word about {victim}: {err!r}")
    left = wait_clean(run.ids, CLEAN_S)
    if victim == "hull-monitor" and any(left):
        # It looks for what others have left, and has no time for more.
        subprocess.run([HULL, "run", "--timeout", "1ms", "--", "true"], check=False, capture_output=True)
        left = wait_clean(run.ids, CLEAN_S)
    if any(left):
        sys.exit(f"{victim} left {left}")
    return victim if found else None, took


def main():
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    hits = {}
    _, life = one_round("nobody", 60)
    for number in range(rounds):
        victim = rng.choice(VICTIMS)
        moment = rng.uniform(0.0, BEYOND) * life
        try:
            killed, took = one_round(victim, moment)
        except SystemExit as e:
            sys.exit(f"round {number} (seed {seed}), {victim} to be killed after {moment:.3f} s: {e}")
        if not killed:
            life = took
        hits[killed or "nobody"] = hits.get(killed or "nobody", 0) + 1
    print(f"{rounds} rounds, seed {seed}: {hits}")


main()
