# SPDX-License-Identifier: Apache-2.0
#
# What all figures share: processes, measuring helpers, rows of the table.

import json
import os
import select
import signal
import statistics
import subprocess
import time

DEADLINE_S = 60


class Failure(Exception):
    pass


def now_ms():
    return time.monotonic_ns() / 1e6


# ---- processes of ours ----

def end(process):
    """Kills and reaps; a process that ended by itself is fine."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()


def wait(process, what, seconds=DEADLINE_S):
    """Popen.wait() with a time limit polls every 50 ms, which is no way to measure."""
    pidfd = os.pidfd_open(process.pid)
    try:
        if not select.select([pidfd], [], [], seconds)[0]:
            raise Failure(f"{what} does not end")
    finally:
        os.close(pidfd)
    if process.wait():
        raise Failure(f"{what} ended with status {process.returncode}")


def private_kb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))


class Bench:
    """What all figures share: where things are, and what was measured once for several of them."""

    def __init__(self, build, runs, work):
        self.build, self.runs, self.work = build, runs, work
        self.hull = os.path.join(build, "hull")
        self.guest = os.path.join(build, "guest")
        self.initramfs = os.path.join(work, "bench-initramfs")
        self.tree = os.path.join(work, "tree")
        self.console = os.path.join(work, "console")    # of the last guest by hand
        self.accel, self.tsc_khz = "tcg", None
        self.samples = {}   # figure -> raw values, for the results file
        self.states = []    # of VMs that have just become ready
        self.peers = {}     # name -> version (None: not installed), note: why there is no figure
        self.counter = 0
        self.log = open(os.path.join(work, "virtiofsd.log"), "ab")

    def tool(self, name):
        return os.path.join(self.build, "bench", name)

    def name(self, what):
        self.counter += 1
        return os.path.join(self.work, f"{what}-{self.counter}")

    @property
    def few(self):
        """Runs of what takes seconds each."""
        return min(self.runs, max(2, (self.runs + 2) // 3))

    def keep(self, name, values):
        self.samples.setdefault(name, []).extend(values)
        return values


class Helper:
    """A measuring program that answers commands, see bench/measure.h."""

    def __init__(self, argv, fds=()):
        self.process = subprocess.Popen(argv, pass_fds=fds, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answer(self):
        if not select.select([self.process.stdout], [], [], DEADLINE_S)[0]:
            raise Failure(f"'{self.process.args[0]}' does not answer")
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"'{self.process.args[0]}' broke down")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, exception, *_):
        if exception:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def hull_vm(bench, *args):
    return Helper([os.path.join(bench.build, "bench-hull"), *args])


# ---- figures ----

def quartiles(values):
    """The first and the third."""
    if len(values) < 2:
        return [values[0], values[0]]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return [first, third]


def row(figure, hull, base, shown, bar, ok, unit="ms", pairs=None):
    """ok: None where there is no bar. pairs: what both took in the same rounds.

    The ratio of the two values is what counts. Where a host's moods last longer than a round, the median of
    the rounds' own ratios tells how much of it is theirs: that one goes into the results file only."""
    this = {"figure": figure, "hull": hull, "baseline": base, "unit": unit, "shown": shown, "bar": bar,
            "verdict": "" if ok is None else "ok" if ok else "MISSED"}
    if base:
        this["ratio"] = hull / base
    if pairs:
        ratios = [a / b for a, b in zip(*pairs)]
        this["pair_ratio"] = statistics.median(ratios)
        this["spread"] = {"hull": quartiles(pairs[0]), "baseline": quartiles(pairs[1]),
                          "pair_ratio": quartiles(ratios)}
    return this


def in_rounds(runs, measures):
    """Values of each, all of them once in every round, the order turning round each time."""
    values = [[] for _ in measures]
    for i in range(runs):
        for measure, into in list(zip(measures, values))[::1 if i % 2 == 0 else -1]:
            into.append(measure())
    return values


def interleaved(runs, first, second):
    """Values of both, in turn, the order changing, after one of each to warm up."""
    first()
    second()
    return in_rounds(runs, [first, second])
