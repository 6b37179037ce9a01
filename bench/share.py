# SPDX-License-Identifier: Apache-2.0
#
# Figures of work in a directory of the host's that the guest may write to: what is worked on is made
# here, the same each time, and only the work itself is timed, by the guest.

import json
import os
import random
import shutil
import statistics
import subprocess
import zipfile

from byhand import script_by_hand
from common import Failure, end, interleaved, row, wait

GIT_FILES = 900
C_FILES = 15
WHEEL_MODULES = 80
BAR = 1.1

SCRIPT = """\
# All of it is the host's, but for what is in this directory.
export PATH=/usr/bin:/bin HOME=/tmp LANG=C.UTF-8
exec ./bench-guest {command} >result 2>log
"""


# ---- running a script in both kinds of guests ----

def make_share(bench, name, command):
    """A directory that has a script and what it calls; in memory, so that no disk has a part in this."""
    path = os.path.join(bench.work, name)
    os.mkdir(path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "bench", path], check=True)
    shutil.copy(bench.tool("bench-guest"), path)
    write_script(path, command)
    return path


def write_script(path, command):
    with open(os.path.join(path, "script"), "w", encoding="ascii") as f:
        f.write(SCRIPT.format(command=command))


def text_of(path, name):
    try:
        with open(os.path.join(path, name), encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def script_hull(bench, path, with_net=False):
    network = [] if with_net else ["--net", "none"]
    process = subprocess.Popen([bench.hull, "run", "--here", *network, "--", "sh", "./script"], cwd=path,
                               stdin=subprocess.DEVNULL)
    try:
        wait(process, f"'hull run -- sh ./script' ({os.path.basename(path)})")
    finally:
        end(process)


def answer_of(path, run):
    """Runs the script in a guest; what it found out."""
    for name in ("result", "log"):
        open(os.path.join(path, name), "w", encoding="ascii").close()
    try:
        run()
        return json.loads(text_of(path, "result"))
    except (Failure, ValueError) as e:
        raise Failure(f"{e}; the script said: {text_of(path, 'log')[-500:]}") from e


# ---- what is worked on ----

def git(path, *args):
    """Whoever runs this, and whatever their settings."""
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
    for who in ("AUTHOR", "COMMITTER"):
        env.update({f"GIT_{who}_NAME": "bench", f"GIT_{who}_EMAIL": "bench@example.org",
                    f"GIT_{who}_DATE": "2001-01-01T00:00:00Z"})
    subprocess.run(["git", "-c", "init.defaultBranch=main", *args], cwd=path, env=env, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def make_repository(path):
    """Text files of 2 KiB in 20 directories, in one pack."""
    tree = os.path.join(path, "tree")
    rng = random.Random(1)
    words = [f"{rng.getrandbits(32):x}" for _ in range(500)]
    for i in range(GIT_FILES):
        name = os.path.join(tree, f"dir{i % 20}", f"file{i}")
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "w", encoding="ascii") as f:
            for _ in range(30):
                f.write(" ".join(rng.choices(words, k=8)) + "\n")
    git(tree, "init", "-q")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "All of it")
    git(path, "clone", "-q", "--bare", "tree", "repo.git")
    git(os.path.join(path, "repo.git"), "repack", "-q", "-a", "-d")
    shutil.rmtree(tree)


def make_project(path):
    """A program of C_FILES small files that share a header."""
    names = ["main"] + [f"part{i}" for i in range(1, C_FILES)]
    with open(os.path.join(path, "all.h"), "w", encoding="ascii") as f:
        f.write("#include <string.h>\n")
        f.writelines(f"int {name}(int x);\n" for name in names[1:])
    for name in names:
        with open(os.path.join(path, name + ".c"), "w", encoding="ascii") as f:
            f.write('#include "all.h"\n\n')
            if name == "main":
                f.write("int main(void)\n{\n\treturn part1(2) > 8;\n}\n")
            else:
                f.write(f'int {name}(int x)\n{{\n\treturn x * (int)strlen("{name}");\n}}\n')
    objects = " ".join(name + ".o" for name in names)
    with open(os.path.join(path, "Makefile"), "w", encoding="ascii") as f:
        f.write(f"prog: {objects}\n\t$(CC) -o $@ {objects}\n{objects}: all.h\n")


def make_wheel(path):
    """WHEEL_MODULES small modules."""
    info = "bench_wheel-1.0.dist-info"
    files = {f"bench_wheel/part{i}.py": f"def part(x):\n    return x + {i}\n" * 20 for i in range(WHEEL_MODULES)}
    files["bench_wheel/__init__.py"] = ""
    files[f"{info}/METADATA"] = "Metadata-Version: 2.1\nName: bench-wheel\nVersion: 1.0\n"
    files[f"{info}/WHEEL"] = ("Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\n"
                              "Tag: py3-none-any\n")
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(os.path.join(path, "bench_wheel-1.0-py3-none-any.whl"), "w",
                         zipfile.ZIP_DEFLATED) as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)


# ---- figures ----

def figure(bench, name, what, command, make, made):
    """made: what the work leaves, by which the next one must not be met."""
    path = make_share(bench, "share-" + name, "time " + command)
    make(path)
    before = set(os.listdir(path)) | {"result", "log"}

    def take(run):
        seconds = answer_of(path, run)["ns"] / 1e9
        if not os.path.exists(os.path.join(path, made)):
            raise Failure(f"'{command}' made no '{made}'")
        for left in set(os.listdir(path)) - before:
            left = os.path.join(path, left)
            (shutil.rmtree if os.path.isdir(left) else os.unlink)(left)
        return seconds

    hull, hand = interleaved(bench.few, lambda: take(lambda: script_hull(bench, path)),
                             lambda: take(lambda: script_by_hand(bench, path)))
    a, b = (statistics.median(bench.keep(f"share-{name}: {who}", values))
            for who, values in (("hull", hull), ("by hand", hand)))
    return [row(f"on a share: {what}", a, b, f"{a / b:.3f}", f"ratio <= {BAR}", a / b <= BAR, "s",
                pairs=(hull, hand))]


def figure_git(bench):
    return figure(bench, "git", "git clone", "git clone -q repo.git clone", make_repository, "clone/dir1/file1")


def figure_make(bench):
    return figure(bench, "make", "make", "make -j1", make_project, "prog")


def figure_pip(bench):
    return figure(bench, "pip", "pip install",
                  "python3 -m pip install -q --no-index --no-deps --disable-pip-version-check --target target "
                  "bench_wheel-1.0-py3-none-any.whl", make_wheel, "target/bench_wheel/part1.py")
