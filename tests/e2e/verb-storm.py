#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many processes do random verbs on a few VMs at the same time, and some of them are killed.  Verbs may be
refused, but by what is documented; and in the end all is as the store says.

usage: verb-storm.py BACKEND PROCESSES VMS VERBS [SEED]"""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import backends
from backends import HULL

wrong = []
done = {}                # verb -> how often it succeeded


def say(what):
    wrong.append(what)


def verb(rnd, names, backend):
    name = rnd.choice(names)
    create = ["create", "--config", f"{rnd.choice(list(backend.many))}.json", "--name", name]
    grace = ["-t", rnd.choice(backend.graces)]
    return rnd.choice([
        create, create, *[["start", name]] * 4, ["stop", *grace, name], ["kill", name], ["pause", name],
        ["resume", name], ["restart", *grace, name], ["rm", name], ["rm", "-f", name], ["ls", "-o", "json"],
        ["inspect", name], ["rename", name, rnd.choice(names)], ["update", "--label", f"a={rnd.random()}", name],
        ["start", "--all"], ["stop", *grace, *rnd.sample(names, min(4, len(names)))]])


def work(seed, names, count, backend):
    rnd = random.Random(seed)
    for _ in range(count):
        words = verb(rnd, names, backend)
        p = subprocess.Popen([HULL, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        killed = rnd.random() < 0.1
        if killed:
            time.sleep(rnd.random() * 0.03)
            p.kill()
        try:
            out, err = p.communicate(timeout=2 * backend.call_s)
        except subprocess.TimeoutExpired:
            p.kill()
            say(f"{words} hangs")
            return
        if p.returncode == 0:
            done[words[0]] = done.get(words[0], 0) + 1
        if p.returncode not in (0, 1, 124) and not (killed and p.returncode == -signal.SIGKILL):
            say(f"{words}: {p.returncode} {err}")
        if p.returncode == 1 and not err.startswith("hull: "):
            say(f"{words}: failed and said '{out}' '{err}'")
        for word in ("internal", "damaged", "no such table", "constraint", "is locked"):
            if word in err:
                say(f"{words}: {err}")


def consistent(backend, seen):
    """What is not as the store says, or None."""
    p = subprocess.run([HULL, "ls", "-o", "json"], capture_output=True, text=True, timeout=backend.call_s,
                       check=False)
    return p.stderr if p.returncode else backends.census(json.loads(p.stdout), backend.hypervisor, seen)


def settle(backend, seen):
    """The same, once what was killed in the middle has gone."""
    deadline = time.monotonic() + 2 * backend.settle_s
    while (why := consistent(backend, seen)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return why


def main():
    backend = backends.BACKENDS[sys.argv[1]]
    processes, vms, count = map(int, sys.argv[2:5])
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else int(time.time())
    for name, vm in backend.many.items():
        backends.describe(name, vm)
    names = [f"v{i}" for i in range(vms)]
    threads = [threading.Thread(target=work, args=(seed * 1000 + i, names, count, backend))
               for i in range(processes)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    seen = set()
    why = settle(backend, seen)
    subprocess.run([HULL, "rm", "-a", "-f", "-q"], timeout=backend.call_s, check=False)
    why = why or settle(backend, seen)
    if why:
        say(why)
    print(f"{sys.argv[1]}: {processes} processes, {count} verbs each, {vms} VMs (seed {seed}): {len(wrong)} wrong; "
          "done:", ", ".join(f"{verb} {n}" for verb, n in sorted(done.items())))
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
