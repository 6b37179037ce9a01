# SPDX-License-Identifier: Apache-2.0
"""The backends that verbs are tried on: what VMs there are of each, and whatever differs when one is
interrupted.  And what there is of all VMs on the host, against what the store says there should be."""
import json
import os
import signal
import time

HULL = os.environ["HULL"]
HOME = os.environ["HULL_HOME"]
VMS = os.path.join(HOME, "run", "vm")
LOGS = os.path.join(HOME, "log", "vm")
CGROUPS = "/sys/fs/cgroup"
HERE = os.getcwd()
MARK = f"HULL_VM={VMS}/".encode()
ID_LEN = 12


# ---- what a backend's VMs are ----

def mock(*words):
    return {"backend": "mock", "agent": "none", "memory": "64M", "append": list(words)}


def tiny(kernel, **more):
    """A real QEMU whose guest is some hundred bytes that do nothing."""
    return {"arch": "x86_64", "agent": "none", "memory": "64M", "kernel": os.path.join(HERE, kernel), **more}


# With every helper, and sockets where no run directory is.
HELPED = {
    "networks": [{"kind": "user"}],
    "devices": [{"kind": "virtio-fs", "tag": "x", "dir": os.path.join(HERE, "share")},
                {"kind": "virtio-vsock", "port": 1000, "path": os.path.join(HERE, "port.sock"), "listen": False},
                {"kind": "virtio-gpu", "width": 800, "height": 600}],
    "display": {"kind": "vnc", "path": os.path.join(HERE, "vnc.sock")},
    "rest": {"kind": "unix", "path": os.path.join(HERE, "rest.sock")},
}
HELPERS = ("hull-log", "hull-share", "hull-vsock", "virtiofsd", "passt")
GUEST = {"memory": "256M", "boot_timeout_ms": 170000, "root": {"kind": "host", "cache": "always"}}


class Backend:
    """hypervisor, helpers: how the names of their processes begin.  one: the VM that is interrupted.  many: those of
    a storm, by name.  graces: how long guests may take to power off.  call_s: a verb that takes longer hangs.
    settle_s: what has not gone by then is left."""

    def __init__(self, hypervisor, helpers, one, many, graces, call_s, settle_s):
        self.hypervisor, self.helpers, self.one, self.many = hypervisor, helpers, one, many
        self.graces, self.call_s, self.settle_s = graces, call_s, settle_s


BACKENDS = {
    "mock": Backend("hull-mock", ("hull-log",), {**mock("off=5"), "rest": HELPED["rest"]},
                    {"quick": mock(), "slow": mock("boot=20", "off=20"), "deaf": mock("deaf"),
                     "brief": {**mock("end=shutdown:50"), "rest": HELPED["rest"]}},
                    ["100ms", "50ms"], 60, 10),
    "qemu": Backend("qemu-system", HELPERS, tiny("idle.elf", **HELPED, cpu_limit=1500),
                    {"bare": tiny("idle.elf"), "helped": tiny("idle.elf", **HELPED), "brief": tiny("reset.elf"),
                     "guest": GUEST},
                    ["100ms", "3s"], 120, 20),
    "guest": Backend("qemu-system", HELPERS, GUEST, {}, ["10s"], 180, 20),
}


def describe(name, vm):
    """The path of its file."""
    os.makedirs(os.path.join(HERE, "share"), exist_ok=True)
    path = os.path.join(HERE, f"{name}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"version": 1, **vm}, f)
    return path


# ---- what there is ----

class Process:
    def __init__(self, name, parent, state, vm):
        self.name, self.parent, self.state, self.vm = name, parent, state, vm

    def __repr__(self):
        return f"{self.name} of {self.vm or 'nobody'} ({self.state}, child of {self.parent})"


def look(pid):
    """Name, parent and state; the dead are none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError:
        return None
    state, parent = text[text.rindex(")") + 2:].split()[:2]
    return None if state in "ZX" else (text[text.index("(") + 1:text.rindex(")")], int(parent), state)


def vm_of(pid):
    """By what everything that is started for a VM has in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            marks = [word for word in f.read().split(b"\0") if word.startswith(MARK)]
    except OSError:
        return None
    return marks[0][len(MARK):].decode() if marks else None


def processes():
    """pid -> Process, of all VMs of this test.  An ordinary user can't look into all that is his; the tests
    give him an id that nobody else has."""
    found, alone = {}, int(os.environ.get("HULL_E2E_UID", -1))
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        vm, seen = vm_of(pid), look(pid)
        try:
            ours = vm or (os.stat(f"/proc/{pid}").st_uid == alone and
                          seen and seen[0].startswith(("hull-", "qemu", "virtiofsd", "passt")))
        except OSError:
            continue
        if ours and seen:
            found[pid] = Process(*seen, vm)
    for p in found.values():
        up = p
        while not p.vm and up.parent in found:
            up = found[up.parent]
            p.vm = up.vm
    return found


def kill(pids):
    """Until they are dead, with all that is theirs: they hold their locks until then."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return wait_until(lambda: not any(map(look, pids)), 30, "what was killed is there still")


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return what
        time.sleep(0.005)
    return None


def entries(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def cgroups(ids):
    """Those of these VMs, wherever they are."""
    found = set()
    for folder, names, _ in os.walk(CGROUPS):
        found |= {os.path.join(folder, n) for n in names if n.startswith("hull-") and n[-ID_LEN:] in ids}
    return found


def left_outside():
    """Sockets that are in no run directory, and mounts."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return [n for n in os.listdir(HERE) if n.endswith(".sock")] + [line for line in f if HOME in line]


# ---- what there should be ----

def census_one(record, there, hypervisor):
    """What is wrong with the processes of a VM that lives."""
    monitor = record.get("monitor_pid")
    monitors = [pid for pid, p in there.items() if p.name == "hull-monitor"]
    guests = [p.parent for p in there.values() if p.name.startswith(hypervisor)]
    if record["state"] not in ("running", "paused"):
        return f"lives in state {record['state']}"
    if monitors != [monitor] or guests != [monitor] or not os.path.isdir(record["run_dir"]):
        return f"the record says {record}, there are {there}"
    strays = [p for pid, p in there.items() if pid != monitor and p.parent not in there]
    return f"not beneath the monitor: {strays}" if strays else None


def census(records, hypervisor, seen):
    """What is not as the records say, or None.  seen: the ids of VMs that may have left something, to which
    those are added that are found."""
    there = processes()
    live = {r["id"][:ID_LEN]: r for r in records if "run_dir" in r}
    known = {r["id"][:ID_LEN] for r in records}
    seen |= known | set(entries(VMS))
    for vm, record in live.items():
        wrong = census_one(record, {pid: p for pid, p in there.items() if p.vm == vm}, hypervisor)
        if wrong:
            return wrong
    for r in records:
        if "run_dir" not in r and r["state"] not in ("created", "stopped", "error"):
            return f"nobody is at it: {r}"
    left = [f"{pid}: {p}" for pid, p in there.items() if p.vm not in live]
    left += [f"run directory {n}" for n in entries(VMS) if n not in live]
    left += [f"log of {n}" for n in entries(LOGS) if n[:ID_LEN] not in known]
    left += cgroups(seen - set(live))
    left += left_outside() if not live else []
    names = [r["name"] for r in records if "name" in r]
    left += [f"twice a VM {n}" for n in set(names) if names.count(n) > 1]
    return f"left: {left}" if left else None
