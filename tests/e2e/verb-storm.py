#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many processes do random verbs on a few VMs of the mock backend at the same time, and some of them are killed.
Verbs may be refused, but by what is documented; and in the end all is as the store says.

usage: verb-storm.py PROCESSES VMS VERBS [SEED]"""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

HULL = os.environ["HULL"]
HOME = os.environ["HULL_HOME"]
CALL_S = 120
wrong = []
done = {}                # verb -> how often it succeeded


def say(what):
    wrong.append(what)


def verb(rnd, names):
    name = rnd.choice(names)
    return rnd.choice([
        ["create", "--config", f"{rnd.choice(['quick', 'slow', 'deaf', 'brief'])}.json", "--name", name],
        ["create", "--config", f"{rnd.choice(['quick', 'slow', 'deaf', 'brief'])}.json", "--name", name],
        ["start", name], ["start", name], ["stop", "-t", "100ms", name], ["kill", name], ["pause", name],
        ["resume", name], ["restart", "-t", "100ms", name], ["rm", name], ["rm", "-f", name], ["ls", "-o", "json"],
        ["inspect", name], ["rename", name, rnd.choice(names)], ["update", "--label", f"a={rnd.random()}", name],
        ["start", "--all"], ["stop", "-t", "50ms", *rnd.sample(names, min(4, len(names)))]])


def work(seed, names, count):
    rnd = random.Random(seed)
    for _ in range(count):
        words = verb(rnd, names)
        p = subprocess.Popen([HULL, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        killed = rnd.random() < 0.1
        if killed:
            time.sleep(rnd.random() * 0.03)
            p.kill()
        try:
            out, err = p.communicate(timeout=CALL_S)
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


def describe(name, *words):
    with open(f"{name}.json", "w", encoding="utf-8") as f:
        json.dump({"version": 1, "backend": "mock", "agent": "none", "memory": "64M", "append": words}, f)


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def consistent():
    """What is not as the store says, or None."""
    p = subprocess.run([HULL, "ls", "-o", "json"], capture_output=True, text=True, timeout=CALL_S, check=False)
    if p.returncode:
        return p.stderr
    records = json.loads(p.stdout)
    dirs = set(os.listdir(os.path.join(HOME, "run", "vm")))
    for r in records:
        if r["state"] in ("running", "paused"):
            if not lives(r["monitor_pid"]) or os.path.basename(r["run_dir"]) not in dirs:
                return f"does not live: {r}"
            dirs.discard(os.path.basename(r["run_dir"]))
        elif r["state"] not in ("created", "stopped", "error"):
            return f"nobody is at it: {r}"
    names = [r["name"] for r in records if "name" in r]
    if len(names) != len(set(names)):
        return f"names: {names}"
    return f"nobody's: {dirs}" if dirs else None


def main():
    processes, vms, count = map(int, sys.argv[1:4])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
    describe("quick")
    describe("slow", "boot=20", "off=20")
    describe("deaf", "deaf")
    describe("brief", "end=shutdown:50")
    names = [f"v{i}" for i in range(vms)]
    threads = [threading.Thread(target=work, args=(seed * 1000 + i, names, count)) for i in range(processes)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    deadline = time.monotonic() + 20    # what was killed in the middle takes a moment to go
    while (why := consistent()) and time.monotonic() < deadline:
        time.sleep(0.1)
    if why:
        say(why)
    subprocess.run([HULL, "rm", "-a", "-f", "-q"], timeout=CALL_S, check=False)
    print(f"{processes} processes, {count} verbs each, {vms} VMs (seed {seed}): {len(wrong)} wrong; done:",
          ", ".join(f"{verb} {n}" for verb, n in sorted(done.items())))
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
