# SPDX-License-Identifier: Apache-2.0
# Two writers on one share.
#
#   share-writers.py host DIR OPS SEED COMMAND...   COMMAND runs the other end, in the guest
#   share-writers.py guest DIR OPS SEED
#
# Both draw the same random operations and keep the same model of what DIR should hold. Each operation
# belongs to one of them, in runs of random length; who has finished a run says so, and the other goes
# on at once. Every operation checks what it can see of what the other did, and now and then both
# compare the whole directory with the model. At the end both write at the same time, each its own
# files and all one log, and compare once more.
import hashlib
import os
import random
import subprocess
import sys
import threading

NAMES = ["a", "b", "c", "with space", "d.txt", "e", "f", "long" * 20]
DIRS = ["", "x", "y", "x/z"]
CHECK_EVERY = 500
LOG_LINES = 200


class Wrong(Exception):
    pass


def check(ok, what):
    if not ok:
        raise Wrong(what)


def raw(path, mode):
    """A file without a buffer of ours, which would only ask more of the share."""
    return open(path, mode, buffering=0)


class Tree:
    """The model: files by path. An operation changes it, and the directory too where it is ours."""

    def __init__(self, top, rng):
        self.top, self.rng, self.files, self.dirs = top, rng, {}, {""}
        self.noise = rng.randbytes(65536)

    def path(self, name):
        return os.path.join(self.top, name)

    def pick(self):
        return os.path.join(self.rng.choice(sorted(self.dirs)), self.rng.choice(NAMES))

    def step(self, ours):
        op = self.rng.choice(("write", "write", "append", "overwrite", "truncate", "rename", "unlink", "read", "read",
                              "list", "mkdir", "rmdir", "replace", "link"))
        name, other = self.pick(), self.pick()
        at, size = self.rng.getrandbits(15), self.rng.choice((0, 1, 10, 100, 4096, 5000, 20000))
        data = self.noise[at:at + size]
        where, dirname = self.rng.random(), self.rng.choice(DIRS)
        getattr(self, op)(ours, name, other, data, where, dirname)

    def write(self, ours, name, other, data, where, dirname):
        self.files[name] = bytearray(data)
        if ours:
            with raw(self.path(name), "wb") as f:
                f.write(data)

    def append(self, ours, name, other, data, where, dirname):
        old = len(self.files.get(name, b""))
        self.files.setdefault(name, bytearray()).extend(data)
        if ours:
            with raw(self.path(name), "ab") as f:
                check(f.tell() == old, f"{name} has {f.tell()} bytes, not {old}")
                f.write(data)

    def overwrite(self, ours, name, other, data, where, dirname):
        if name not in self.files:
            return
        at = int(where * len(self.files[name]))
        self.files[name][at:at + len(data)] = data
        if ours:
            with raw(self.path(name), "r+b") as f:
                f.seek(at)
                f.write(data)

    def truncate(self, ours, name, other, data, where, dirname):
        if name not in self.files:
            return
        length = int(where * 2 * len(self.files[name]))
        del self.files[name][length:]
        self.files[name].extend(bytes(length - len(self.files[name])))
        if ours:
            os.truncate(self.path(name), length)

    def rename(self, ours, name, other, data, where, dirname):
        if name not in self.files or name == other:
            return
        self.files[other] = self.files.pop(name)
        if ours:
            os.rename(self.path(name), self.path(other))

    def replace(self, ours, name, other, data, where, dirname):
        self.files[name] = bytearray(data)
        if ours:
            with raw(self.path(name) + ".new", "wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            os.rename(self.path(name) + ".new", self.path(name))

    def link(self, ours, name, other, data, where, dirname):
        """A copy by way of a hard link: the name stays, the inode goes."""
        if name not in self.files or other in self.files:
            return
        self.files[other] = bytearray(self.files[name])
        if ours:
            os.link(self.path(name), self.path(other))
            with raw(self.path(other), "rb") as f:
                copy = f.read()
            with raw(self.path(other) + ".new", "wb") as f:
                f.write(copy)
            os.rename(self.path(other) + ".new", self.path(other))

    def unlink(self, ours, name, other, data, where, dirname):
        if name not in self.files:
            if ours:
                check(not os.path.exists(self.path(name)), f"{name} is there")
            return
        del self.files[name]
        if ours:
            os.unlink(self.path(name))

    def read(self, ours, name, other, data, where, dirname):
        if not ours:
            return
        try:
            with raw(self.path(name), "rb") as f:
                got = f.read()
        except FileNotFoundError:
            got = None
        want = self.files.get(name)
        check(got == want, f"{name} has {None if got is None else len(got)} bytes, want "
              f"{None if want is None else len(want)}, or other ones")
        if want is not None:
            check(os.stat(self.path(name)).st_size == len(want), f"{name} has another size")

    def list(self, ours, name, other, data, where, dirname):
        if not ours or dirname not in self.dirs:
            return
        want = {os.path.basename(p) for p in (*self.files, *self.dirs) if p and os.path.dirname(p) == dirname}
        got = set(os.listdir(self.path(dirname)))
        check(got == want, f"'{dirname}' lists {sorted(got ^ want)} wrongly")

    def mkdir(self, ours, name, other, data, where, dirname):
        if dirname in self.dirs or os.path.dirname(dirname) not in self.dirs:
            return
        self.dirs.add(dirname)
        if ours:
            os.mkdir(self.path(dirname))

    def rmdir(self, ours, name, other, data, where, dirname):
        if not dirname or dirname not in self.dirs or any(d.startswith(dirname + "/") for d in self.dirs):
            return
        self.dirs.remove(dirname)
        for f in [f for f in self.files if os.path.dirname(f) == dirname]:
            del self.files[f]
            if ours:
                os.unlink(self.path(f))
        if ours:
            os.rmdir(self.path(dirname))

    def digest(self):
        h = hashlib.sha256()
        for name in sorted(self.files):
            h.update(name.encode() + b"\0" + self.files[name] + b"\0")
        return h.hexdigest()


def digest_of(top):
    h = hashlib.sha256()
    found = {}
    for where, _, files in os.walk(top):
        for f in files:
            path = os.path.join(where, f)
            found[os.path.relpath(path, top)] = path
    for name in sorted(found):
        with raw(found[name], "rb") as f:
            h.update(name.encode() + b"\0" + f.read() + b"\0")
    return h.hexdigest()


class Peer:
    def __init__(self, source, sink):
        self.source, self.sink = source, sink

    def say(self, word):
        self.sink.write(f"{word}\n")
        self.sink.flush()

    def hear(self, word):
        got = self.source.readline().strip()
        check(got == word, f"the other end said '{got}' instead of '{word}'")


def compare(peer, tree, me, n):
    check(digest_of(tree.top) == tree.digest(), f"{me} sees another tree after {n} operations")
    peer.say(f"same {n}")
    peer.hear(f"same {n}")


def take_turns(peer, me, tree, ops, rng):
    n, turn, next_check = 0, "host", CHECK_EVERY
    while n < ops:
        run = min(rng.randint(1, 20), ops - n)
        for _ in range(run):
            n += 1
            try:
                tree.step(turn == me)
            except (Wrong, OSError) as e:
                raise Wrong(f"{me}, operation {n}: {e}") from e
        if turn == me:
            peer.say(f"turn {n}")
        else:
            peer.hear(f"turn {n}")
        turn = "guest" if turn == "host" else "host"
        if n >= next_check:
            compare(peer, tree, me, n)
            next_check += CHECK_EVERY


def at_once(peer, me, top):
    """Own files in one directory, and one log that both append to."""
    if me == "host":
        os.mkdir(os.path.join(top, "both"))
    peer.say("ready")
    peer.hear("ready")
    with open(os.path.join(top, "both", "log"), "ab", buffering=0) as log:
        for i in range(LOG_LINES):
            with open(os.path.join(top, "both", f"{me}-{i}"), "w", encoding="ascii") as f:
                f.write(f"{me} {i}\n" * 50)
            log.write(f"{me} {i}\n".encode())
            if i % 3 == 0:
                os.rename(os.path.join(top, "both", f"{me}-{i}"), os.path.join(top, "both", f"{me}-moved-{i}"))
    peer.say("written")
    peer.hear("written")
    check(len(os.listdir(os.path.join(top, "both"))) == 2 * LOG_LINES + 1, f"{me} misses files")
    with open(os.path.join(top, "both", "log"), encoding="ascii") as f:
        lines = f.read().splitlines()
    for who in ("host", "guest"):
        check([line for line in lines if line.startswith(who)] == [f"{who} {i}" for i in range(LOG_LINES)],
              f"{me} misses lines of the {who}'s in the log")
    check(len(lines) == 2 * LOG_LINES, f"{me} sees {len(lines)} lines in the log")
    peer.say(digest_of(top))
    peer.hear(digest_of(top))


def play(peer, me, top, ops, seed):
    rng = random.Random(seed)
    take_turns(peer, me, Tree(top, rng), ops, rng)
    at_once(peer, me, top)


def main():
    me, top, ops, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    if me == "guest":
        play(Peer(sys.stdin, sys.stdout), me, top, ops, seed)
        return 0
    other = subprocess.Popen(sys.argv[5:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    limit = threading.Timer(240, other.terminate)
    limit.start()
    try:
        play(Peer(other.stdout, other.stdin), me, top, ops, seed)
        other.stdin.close()
        return other.wait()
    except Wrong as e:
        print(f"share-writers: seed {seed}: {e}", file=sys.stderr)
        other.stdin.close()
        other.wait()
        return 1
    finally:
        limit.cancel()


if __name__ == "__main__":
    sys.exit(main())
