#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb on a VM, interrupted at every fault point that it or the VM's monitor comes to: the command is
killed there, or the monitor, the hypervisor, its helpers, or all of them, while whoever is at the point stands
still; or the call fails.  After each a fresh hull must tell the truth, leave nothing behind and be able to go
on.  The invariants are those that the design names.

usage: crash.py BACKEND EVERY [SEED [TRIAL...]]
Tries each EVERYth combination, of a random order: 1 is all of them; or of those alone that begin with TRIAL: a
verb, or what is said of one that went wrong."""
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import backends
from backends import HULL

LOG = os.path.abspath("faults.log")
AFTER_S = 0.2           # in which a monitor has done what it does after its last answer
ERRORS = ["ENOSPC", "EIO"]
FAIL = ("store.begin", "store.commit", "spawn", "file.write", "file.rename", "listen")
VICTIMS = ["cli", "monitor", "hypervisor", "helpers", "all"]
AT_POINT = {"cli": "hull", "monitor": "hull-monitor"}

# What there is before, and the verb.  "!": everything of the VM is killed then.
SCENARIOS = {
    "create": ([], ["create", "--config", "CONFIG", "--name", "VM"]),
    "start": (["create"], ["start", "VM"]),
    "stop": (["create", "start"], ["stop", "-t", "GRACE", "VM"]),
    "kill": (["create", "start"], ["kill", "VM"]),
    "restart": (["create", "start"], ["restart", "-t", "GRACE", "VM"]),
    "pause": (["create", "start"], ["pause", "VM"]),
    "resume": (["create", "start", "pause"], ["resume", "VM"]),
    "rm": (["create"], ["rm", "VM"]),
    "rm -f": (["create", "start"], ["rm", "-f", "VM"]),
    "rename": (["create"], ["rename", "VM", "VM"]),
    "ls": (["create", "start", "!"], ["ls", "-o", "json"]),
    "wait": (["create", "start", "!"], ["wait", "VM"]),
    "inspect": (["create", "start", "!"], ["inspect", "VM"]),
    "update": (["create", "start"], ["update", "--label", "a=b", "VM"]),
    "gc": (["create", "start", "!"], ["gc"]),
}
NO_GARBAGE = "0 collected, 0 left alone, 0 failed\n"
AFTERWARDS = ["start", "pause", "resume", "stop", "start", "rm -f"]


class Host:
    """One backend, hull's store, and all that there is."""

    def __init__(self, backend):
        self.backend = backends.BACKENDS[backend]
        self.words = {"CONFIG": backends.describe(backend, self.backend.one), "GRACE": self.backend.graces[0]}
        self.seen = set()
        self.hull("create", "c0")
        if "CPU time can't be limited" in self.hull("start", "c0")[2]:
            del self.backend.one["cpu_limit"]
            backends.describe(backend, self.backend.one)
        self.hull("rm -f", "c0")

    def begin(self, words, name, env):
        words = [self.words.get(w, w).replace("VM", name) if w in ("CONFIG", "GRACE", "VM") else w for w in words]
        return subprocess.Popen([HULL, *words], env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def hull(self, scenario, name, **env):
        """Exit code, standard output and error of a verb that must not hang."""
        with self.begin(SCENARIOS[scenario][1], name, env) as p:
            try:
                out, err = p.communicate(timeout=self.backend.call_s)
            except subprocess.TimeoutExpired:
                p.kill()
                sys.exit(f"'{scenario}' hangs, {env}")
            return p.returncode, out, err

    @staticmethod
    def kill():
        """All processes of VMs."""
        return backends.kill(backends.processes())

    def record(self):
        code, out, err = self.hull("ls", "")
        if code:
            return None, f"ls failed: {err}"
        records = json.loads(out)
        if len(records) > 1:
            return None, f"several VMs: {out}"
        return records[0] if records else None, None

    def look(self):
        """Record, and what is wrong with it."""
        record, wrong = self.record()
        return record, wrong or backends.census([record] if record else [], self.backend.hypervisor, self.seen)

    def settled(self):
        """The same, once what was killed has gone and what starts has started."""
        deadline = time.monotonic() + self.backend.settle_s
        while True:
            record, wrong = self.look()
            if not wrong or time.monotonic() > deadline:
                return record, wrong
            time.sleep(0.02)


def points():
    """PROGRAM/POINT:N of the log, and the log is gone."""
    try:
        with open(LOG, encoding="utf-8") as f:
            lines = f.read().split()
        os.unlink(LOG)
        return lines
    except FileNotFoundError:
        return []


def called(scenario, point, action):
    return f"{scenario}: {point}={action}"


class Trial:
    """One verb, interrupted once."""

    def __init__(self, host, scenario, point, action, nth):
        self.host, self.scenario, self.point, self.action = host, scenario, point, action
        self.name = f"c{nth}"
        self.program = point.split("/")[0]
        # Whoever is at the point kills itself, or stands still while others are killed.
        self.kind = action if action not in VICTIMS else "kill" if AT_POINT.get(action) == self.program else "stop"
        self.struck = self.kind != "stop"       # or there was nobody to kill

    def attempt(self, scenario, env):
        """Code, None if it hangs, and what it says; what is to happen at the point happens."""
        p = self.host.begin(SCENARIOS[scenario][1], self.name, env)
        if self.kind == "stop" and not self.struck:
            self.interfere(p)
        try:
            _, err = p.communicate(timeout=self.host.backend.call_s)
        except subprocess.TimeoutExpired:
            p.kill()
            return None, "hangs"
        return p.returncode, err

    def standing(self, p):
        """Who stands at the point."""
        if self.program == "hull":
            seen = backends.look(p.pid)
            return [p.pid] if seen and seen[2] == "T" else []
        return [pid for pid, q in backends.processes().items() if q.name == "hull-monitor" and q.state == "T"]

    def interfere(self, p):
        deadline = time.monotonic() + self.host.backend.call_s
        ended = None
        while not (there := self.standing(p)):
            now = time.monotonic()
            if p.poll() is not None and ended is None:
                ended = now
            if now > deadline or (ended and now > ended + AFTER_S):
                return
            time.sleep(0.005)
        names = {"cli": (), "monitor": "hull-monitor", "hypervisor": self.host.backend.hypervisor,
                 "helpers": self.host.backend.helpers, "all": ""}[self.action]
        victims = [p.pid] if self.action in ("cli", "all") else []
        victims += [pid for pid, q in backends.processes().items() if q.name.startswith(names)]
        self.struck = bool(victims)
        backends.kill(victims)
        for pid in set(there) - set(victims):
            if backends.look(pid):
                os.kill(pid, signal.SIGCONT)

    def prepare(self, env):
        for scenario in SCENARIOS[self.scenario][0]:
            if scenario == "!":
                wrong = self.host.kill()
            else:
                code, err = self.attempt(scenario, env)
                wrong = code != 0 and f"before: '{scenario}' failed: {err}"
            # A monitor that has come to its point by now has done so for this trial.
            if wrong and not (self.program == "hull-monitor" and self.struck):
                return wrong
        return None

    def run(self):
        """None, or what is wrong."""
        fault = {"HULL_FAULT": f"{self.point}={self.kind}"}
        # A monitor has the environment of its start.
        wrong = self.prepare(fault if self.program == "hull-monitor" else {})
        if wrong:
            return wrong
        points()
        code, err = self.attempt(self.scenario, {**fault, "HULL_FAULT_LOG": LOG})
        if code is None:
            return err
        if self.program == "hull" and self.point not in points():
            return f"is not reached: {err}"
        if self.kind.startswith("error") and self.program == "hull" and code == 0:
            return "succeeded although a call had failed"
        if self.kind.startswith("error") and self.program == "hull" and not err.startswith("hull: "):
            return f"says nothing: '{err}'"
        return self.check()

    def check(self):
        record, wrong = self.host.settled()
        if wrong:
            return wrong
        code, out, err = self.host.hull("gc", self.name)
        if code or out != NO_GARBAGE:
            return f"gc exits with {code}: {out}{err}"
        steps = ([] if record else ["create"]) + (["resume"] if record and record["state"] == "paused" else [])
        for scenario in steps + AFTERWARDS:
            code, _, err = self.host.hull(scenario, self.name)
            if code and self.scenario == "pause" and (self.host.record()[0] or {}).get("state") == "paused":
                self.host.hull("resume", self.name)     # what was on its way to the monitor has arrived since
                code, _, err = self.host.hull(scenario, self.name)
            if code:
                return f"afterwards '{scenario}' failed: {err}"
            if scenario == "start" and (self.host.record()[0] or {}).get("state") != "running":
                return "afterwards it does not run"
        record, wrong = self.host.look()        # at once: the record goes last
        return wrong or (f"it is there still: {record}" if record else None)


def discover(host, scenarios):
    """(scenario, point) of all."""
    found = []
    for scenario in scenarios:
        wrong = Trial(host, scenario, "", "none", 0).prepare({"HULL_FAULT_LOG": LOG})
        points()
        code, _, err = (1, "", wrong) if wrong else host.hull(scenario, "c0", HULL_FAULT_LOG=LOG)
        if code:
            sys.exit(f"'{scenario}' fails by itself: {err}")
        time.sleep(AFTER_S)
        # What a monitor comes to that the verb itself starts is tried with "start".
        found += [(scenario, point) for point in points() if scenario != "restart" or point.startswith("hull/")]
        host.hull("rm -f", "c0")
        points()
    return found


def choose(found, only, seed):
    trials = []
    for scenario, point in found:
        before = SCENARIOS[scenario][0]
        lives = scenario == "start" or ("start" in before and "!" not in before)
        actions = VICTIMS if lives else ["cli"]
        if point.split("/")[1].split(":")[0] in FAIL:
            actions = actions + [f"error:{e}" for e in ERRORS]
        trials += [(scenario, point, action) for action in actions
                   if not only or called(scenario, point, action).startswith(only)]
    random.Random(seed).shuffle(trials)
    return trials


def main():
    every, seed = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    host, only = Host(sys.argv[1]), tuple(sys.argv[4:])
    scenarios = [s for s in SCENARIOS if not only or any(o.split(":")[0] == s for o in only)]
    found = discover(host, scenarios)
    possible = choose(found, only, seed)
    trials = possible[::every]
    failed = struck = 0
    for nth, (scenario, point, action) in enumerate(trials, 1):
        trial = Trial(host, scenario, point, action, nth)
        wrong = trial.run()
        struck += trial.struck
        if wrong:
            failed += 1
            print(f"{called(scenario, point, action)}: {wrong}", file=sys.stderr)
            host.kill()
            host.hull("rm -f", trial.name)
    print(f"{sys.argv[1]}: {len(scenarios)} scenarios, {len(found)} points, {len(trials)} of {len(possible)} "
          f"trials of points x victims (seed {seed}), {len(trials) - struck} without a victim, violations: {failed}")
    sys.exit(1 if failed else 0)


main()
