# SPDX-License-Identifier: Apache-2.0
#
# The figures of the store: what verbs cost as processes among thousands of VMs, some of which run. Those that
# only have to be there are the mock backend's, see src/backend/mock/mock.h.

import contextlib
import json
import os
import select
import shutil
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor

from common import Failure, now_ms, row
from peers import HOW_TO_INSTALL, libvirt_daemon, libvirt_version

FEW, MANY, RUNNING = 2000, 10000, 500
WRITERS, EACH = 64, 10
DOMAIN = "<domain type='qemu'><name>d{0}</name><memory>65536</memory><os><type>hvm</type></os></domain>"


class Store:
    """A HULL_HOME of its own."""

    def __init__(self, bench):
        self.bench = bench
        self.home = os.path.join(bench.work, "store")
        self.env = {**os.environ, "HULL_HOME": self.home}
        self.config = os.path.join(bench.work, "mock.json")
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({"version": 1, "backend": "mock", "agent": "none", "memory": "64M"}, f)

    def hull(self, *words):
        p = subprocess.run([self.bench.hull, *words], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, check=False)
        if p.returncode:
            raise Failure(f"'hull {' '.join(words)}': {p.stderr.strip()}")
        return p.stdout

    def fill(self, first, last, *words):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: self.hull("create", "--config", self.config, "--name", f"vm{n}", *words),
                          range(first, last)))

    def lives(self, name, *words):
        """Milliseconds of each of many runs, as processes."""
        out = subprocess.run([self.bench.tool("bench-spawn"), str(max(self.bench.runs, 50)), self.bench.hull, *words],
                             env=self.env, stdout=subprocess.PIPE, check=True).stdout
        return self.bench.keep(f"store: {name}", [ns / 1e6 for ns in json.loads(out)[0]])


def virsh_list(bench):
    """'virsh list --all' with as many domains: milliseconds, or None where libvirt is not there."""
    if not libvirt_version(bench):
        bench.peers["libvirt"] = {"version": None, "note": f"not installed: {HOW_TO_INSTALL}"}
        return None
    try:
        with libvirt_daemon(bench) as uri:
            script = []
            for n in range(FEW):
                path = os.path.join(bench.work, f"domain{n}.xml")
                with open(path, "w", encoding="utf-8") as f:
                    f.write(DOMAIN.format(n))
                script.append(f"define {path}\n")
            subprocess.run(["virsh", "--quiet", "--connect", uri], input="".join(script), text=True,
                           stdout=subprocess.DEVNULL, check=True)
            virsh = shutil.which("virsh")
            out = subprocess.run([bench.tool("bench-spawn"), "20", virsh, "--connect", uri, "list", "--all"],
                                 stdout=subprocess.PIPE, check=True).stdout
            bench.peers["libvirt"] = {"version": libvirt_version(bench), "note": ""}
            return statistics.median(bench.keep("store: virsh list", [ns / 1e6 for ns in json.loads(out)[0]]))
    except (Failure, subprocess.CalledProcessError) as e:
        bench.peers["libvirt"] = {"version": libvirt_version(bench), "note": str(e)}
        return None


def create_and_remove(store):
    """Milliseconds of either, one VM at a time."""
    created, removed = [], []
    for _ in range(max(store.bench.runs, 50)):
        begin = now_ms()
        vm = store.hull("create", "--config", store.config).strip()
        between = now_ms()
        store.hull("rm", vm)
        created.append(between - begin)
        removed.append(now_ms() - between)
    return store.bench.keep("store: create", created), store.bench.keep("store: rm", removed)


def write_at_once(store):
    """Creates per second of 64 that do nothing else."""
    words = f'n=0; while [ $n -lt {EACH} ]; do "$0" create -q --config "$1" >/dev/null || exit 1; n=$((n + 1)); done'
    begin = now_ms()
    writers = [subprocess.Popen(["sh", "-c", words, store.bench.hull, store.config], env=store.env)
               for _ in range(WRITERS)]
    if any([w.wait() for w in writers]):
        raise Failure("not all could be created")
    return WRITERS * EACH / (now_ms() - begin) * 1000


def family(pid):
    """A process, and all that descend from it."""
    found, parents = [pid], {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
            parents[int(entry)] = int(f.read().rpartition(") ")[2].split()[1])
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def remove_running(store):
    """A VM of QEMU's, with root, agent and network, until its last process is gone: milliseconds."""
    store.hull("create", "--name", "real")
    store.hull("start", "real")
    fds = []
    for pid in family(json.loads(store.hull("inspect", "real"))[0]["monitor_pid"]):
        with contextlib.suppress(ProcessLookupError):
            fds.append(os.pidfd_open(pid))
    begin = now_ms()
    store.hull("rm", "-f", "real")
    for fd in fds:
        select.select([fd], [], [], 60)
        os.close(fd)
    return now_ms() - begin


def figure_store(bench):
    store = Store(bench)
    store.fill(0, FEW)
    few = statistics.median(store.lives("ls of 2,000", "ls"))
    virsh = virsh_list(bench)
    store.fill(FEW, MANY - RUNNING)
    store.fill(MANY - RUNNING, MANY, "--label", "runs")
    store.hull("start", "--filter", "label=runs")
    many = statistics.median(store.lives("ls of 10,000", "ls"))
    prefix = json.loads(store.hull("inspect", f"vm{MANY // 2}"))[0]["id"][:10]
    inspect = statistics.median(store.lives("inspect", "inspect", prefix))
    created, removed = (statistics.median(v) for v in create_and_remove(store))
    rate = statistics.median(bench.keep("store: writers", [write_at_once(store) for _ in range(bench.few)]))
    store.hull("rm", "-a", "-f", "-q")
    gone = statistics.median(bench.keep("store: rm -f", [remove_running(store) for _ in range(bench.few)]))
    return [
        row(f"hull ls of {FEW} VMs (by hand: virsh list)", few, virsh, "", "<= 10 ms", few <= 10),
        row(f"hull ls of {MANY} VMs, {RUNNING} of them run", many, None, "", "<= 40 ms", many <= 40),
        row(f"hull inspect by prefix, of {MANY}", inspect, None, "", "<= 5 ms", inspect <= 5),
        row("hull create", created, None, "", "<= 8 ms", created <= 8),
        row("hull rm", removed, None, "", "<= 8 ms", removed <= 8),
        row(f"hull create, {WRITERS} at once", rate, None, "", ">= 1000 /s", rate >= 1000, unit="/s"),
        row("hull rm -f of what runs, until all is gone", gone, None, "", "<= 150 ms", gone <= 150),
    ]
