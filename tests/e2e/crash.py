#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb on a VM, interrupted at every fault point that it or the VM's monitor comes to, in every
way: the process itself is killed; everything of the VM is while that one stands still; only its hypervisor is;
or the call fails.  After each a fresh hull must tell the truth, leave nothing behind and be able to go on.
The invariants are those that the design names; the verbs run on the mock backend.

usage: crash.py EVERY [SEED]     tries each EVERYth combination, of a random order: 1 is all of them"""
import json
import os
import random
import signal
import subprocess
import sys
import time

HULL = os.environ["HULL"]
HOME = os.environ["HULL_HOME"]
MARK = f"HULL_HOME={HOME}".encode()
LOG = os.path.abspath("faults.log")
CONFIG = os.path.abspath("mock.json")
CALL_S = 60             # a verb that takes longer hangs
GONE_S = 10
ERRORS = ["ENOSPC", "EIO"]

# What there is before, and the verb.  "!": everything of the VM is killed then.
SCENARIOS = {
    "create": ([], ["create", "--config", CONFIG, "--name", "VM"]),
    "start": (["create"], ["start", "VM"]),
    "stop": (["create", "start"], ["stop", "VM"]),
    "kill": (["create", "start"], ["kill", "VM"]),
    "restart": (["create", "start"], ["restart", "VM"]),
    "pause": (["create", "start"], ["pause", "VM"]),
    "resume": (["create", "start", "pause"], ["resume", "VM"]),
    "rm": (["create"], ["rm", "VM"]),
    "rm -f": (["create", "start"], ["rm", "-f", "VM"]),
    "rename": (["create"], ["rename", "VM", "VM"]),
    "ls": (["create", "start", "!"], ["ls"]),
    "wait": (["create", "start", "!"], ["wait", "VM"]),
}


def command(words, name):
    return [HULL] + [w.replace("VM", name) for w in words]


def hull(words, name, **env):
    """Exit code, standard output and error of a verb that must not hang."""
    try:
        p = subprocess.run(command(words, name), env={**os.environ, **env}, capture_output=True,
                           text=True, timeout=CALL_S, check=False)
    except subprocess.TimeoutExpired:
        sys.exit(f"'{' '.join(words)}' hangs, {env}")
    return p.returncode, p.stdout, p.stderr


def processes():
    """pid -> (name, parent, state) of this test's monitors, and of what they run."""
    found, stats = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                text = f.read()
            with open(f"/proc/{entry}/environ", "rb") as f:
                ours = MARK in f.read().split(b"\0")
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        state, parent = text[text.rindex(")") + 2:].split()[:2]
        stats[int(entry)] = (name, int(parent), state)
        if ours and name == "hull-monitor" and state not in "ZX":
            found[int(entry)] = stats[int(entry)]
    for pid, (name, parent, state) in stats.items():
        if name == "hull-mock" and state not in "ZX" and (parent in found or parent not in stats or parent == 1):
            found[pid] = (name, parent, state)
    return found


def kill_all(only=None):
    """Their pids: they hold their locks until they are dead."""
    killed = [pid for pid, (name, _, _) in processes().items() if only in (None, name)]
    for pid in killed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return killed


def is_dead(pid):
    """What has no memory any more, and so no environment, may have its files still."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError:
        return True
    return text[text.rindex(")") + 2] in "ZX"


def points():
    """PROGRAM/POINT:N of the log, and the log is gone."""
    try:
        with open(LOG, encoding="utf-8") as f:
            lines = f.read().split()
        os.unlink(LOG)
        return lines
    except FileNotFoundError:
        return []


def prepare(before, name, **env):
    for verb in before:
        if verb == "!":
            killed = kill_all()
            wait_until(lambda: not processes() and all(map(is_dead, killed)), "what was killed is there still")
            continue
        code, _, err = hull(SCENARIOS[verb][1], name, **env)
        if code:
            return f"before: '{verb}' failed: {err}"
    return None


def wait_until(condition, what):
    deadline = time.monotonic() + GONE_S
    while not condition():
        if time.monotonic() > deadline:
            return what
        time.sleep(0.005)
    return None


class Trial:
    """One verb, interrupted once."""

    def __init__(self, scenario, point, action, nth):
        self.scenario, self.point, self.action = scenario, point, action
        self.before, self.words = SCENARIOS[scenario]
        self.name = f"c{nth}"
        self.program = point.split("/")[0]

    def __str__(self):
        return f"{self.scenario}: {self.point}={self.action}"

    def run(self):
        """None, or what is wrong."""
        # A monitor has the environment of its start.
        kind = "stop" if self.action in ("all", "hypervisor") else self.action
        fault = {"HULL_FAULT": f"{self.point}={kind}"}
        early = self.program == "hull-monitor"
        wrong = prepare(self.before, self.name, **(fault if early else {}))
        if wrong and self.program == "hull-monitor":
            wrong = None        # it came to its point then already
        if wrong:
            return wrong
        points()
        fault["HULL_FAULT_LOG"] = LOG
        p = subprocess.Popen(command(self.words, self.name), env={**os.environ, **fault}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if kind == "stop":
            self.interfere(p)
        try:
            _, err = p.communicate(timeout=CALL_S)
        except subprocess.TimeoutExpired:
            p.kill()
            return "hangs"
        if self.program == "hull" and self.point not in points():
            return f"is not reached: {err}"
        if kind.startswith("error") and self.program == "hull" and p.returncode == 0:
            return "succeeded although a call had failed"
        if kind.startswith("error") and self.program == "hull" and not err.startswith("hull: "):
            return f"says nothing: '{err}'"
        return self.check()

    def interfere(self, p):
        """While the one at the point stands still."""
        def stopped():
            if p.poll() is not None:
                return True
            if self.program == "hull":
                with open(f"/proc/{p.pid}/stat", encoding="utf-8") as f:
                    return f.read().rpartition(") ")[2][0] == "T"
            return any(name == "hull-monitor" and state == "T" for name, _, state in processes().values())
        wait_until(stopped, "")
        if self.action == "all":
            kill_all()
            p.kill()
        else:
            kill_all("hull-mock")
            p.send_signal(signal.SIGCONT)
            for pid, (name, _, state) in processes().items():
                if name == "hull-monitor" and state == "T":
                    os.kill(pid, signal.SIGCONT)

    def record(self):
        code, out, err = hull(["ls", "-o", "json"], self.name)
        if code:
            return None, f"ls failed: {err}"
        records = json.loads(out)
        if len(records) > 1:
            return None, f"several VMs: {out}"
        return records[0] if records else None, None

    def census(self, record):
        """What there is beside the one that the record says to live."""
        lives = record is not None and "run_dir" in record
        there = processes()
        monitors = [pid for pid, (name, _, _) in there.items() if name == "hull-monitor"]
        mocks = [parent for name, parent, _ in there.values() if name == "hull-mock"]
        dirs = os.listdir(os.path.join(HOME, "run", "vm")) if os.path.isdir(os.path.join(HOME, "run", "vm")) else []
        if not lives:
            return f"left: {there} {dirs}" if there or dirs else None
        if record["state"] not in ("running", "paused"):
            return f"a live record in state {record['state']}"
        if monitors != [record["monitor_pid"]] or mocks != monitors:
            return f"the record says {record}, there are {there}"
        if dirs != [os.path.basename(record["run_dir"])]:
            return f"run directories: {dirs}"
        return None

    def settled(self):
        """Record and census, once what was killed has gone and what starts has started."""
        deadline = time.monotonic() + GONE_S
        while True:
            record, wrong = self.record()
            wrong = wrong or self.census(record)
            if not wrong or time.monotonic() > deadline:
                return record, wrong
            time.sleep(0.02)

    def check(self):
        record, wrong = self.settled()
        if wrong:
            return wrong
        steps = [] if record else [["create", "--config", CONFIG, "--name", "VM"]]
        if record and record["state"] in ("running", "paused"):
            if self.scenario == "pause":  # the call of one that was killed may be on its way still
                steps.append(["pause", "VM"])
            steps.append(["resume", "VM"])
        for words in steps + [["start", "VM"], ["pause", "VM"], ["resume", "VM"], ["stop", "VM"], ["start", "VM"],
                              ["rm", "-f", "VM"]]:
            code, _, err = hull(words, self.name)
            if code:
                return f"afterwards '{' '.join(words)}' failed: {err}"
            if words[0] == "start" and self.record()[0]["state"] != "running":
                return "afterwards it does not run"
        record, wrong = self.settled()
        return wrong or (f"it is there still: {record}" if record else None)


def discover():
    """(scenario, point) of all."""
    found = []
    hull(["ls"], "")            # which makes the store
    for scenario, (before, words) in SCENARIOS.items():
        wrong = prepare(before, "c0", HULL_FAULT_LOG=LOG)
        if wrong:
            sys.exit(wrong)
        points()
        code, _, err = hull(words, "c0", HULL_FAULT_LOG=LOG)
        if code:
            sys.exit(f"'{scenario}' fails by itself: {err}")
        time.sleep(0.1)         # what the monitor does after its last answer
        # What a monitor comes to that the verb itself starts is tried with "start".
        found += [(scenario, point) for point in points() if scenario != "restart" or point.startswith("hull/")]
        hull(["rm", "-f", "VM"], "c0")
        points()
    return found


def main():
    every, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    with open(CONFIG, "w", encoding="utf-8") as f:
        json.dump({"version": 1, "backend": "mock", "agent": "none", "memory": "64M", "append": ["off=5"]}, f)
    found = discover()
    trials = []
    for scenario, point in found:
        actions = ["kill", "all", "hypervisor"]
        where = point.split("/")[1].split(":")[0]
        if where in ("store.begin", "store.commit", "spawn", "file.write", "file.rename", "listen"):
            actions += [f"error:{e}" for e in ERRORS]
        trials += [(scenario, point, action) for action in actions]
    random.Random(seed).shuffle(trials)
    trials = trials[::every]
    failed = 0
    for nth, (scenario, point, action) in enumerate(trials, 1):
        trial = Trial(scenario, point, action, nth)
        wrong = trial.run()
        if wrong:
            failed += 1
            print(f"{trial}: {wrong}", file=sys.stderr)
            kill_all()
            wait_until(lambda: not processes(), "")
            hull(["rm", "-f", trial.name], trial.name)
    print(f"{len(SCENARIOS)} scenarios, {len(found)} points, {len(trials)} trials (seed {seed}): {failed} violations")
    sys.exit(1 if failed else 0)


main()
