# SPDX-License-Identifier: Apache-2.0
#
# The figure that sets 'hull run' beside other programs that run a command in a VM: what each takes from
# nothing to nothing, called as its users would. Those that are missing are told and passed over.

import contextlib
import os
import pty
import select
import shutil
import signal
import statistics
import subprocess
import time
from xml.sax.saxutils import escape, quoteattr

from byhand import MEMORY, QEMU, VIRTIOFSD, console_of, console_says, cpu_by_hand, kernel_words, run_by_hand
from common import DEADLINE_S, Failure, end, in_rounds, now_ms, row, wait

# A busy host's virtme-ng has been seen to take 35 s, of which most was its guest's udev.
PEER_DEADLINE_S = 240
SAID = "said in the guest"
HOW_TO_INSTALL = "'./dev setup peers' installs it"


def take(bench, argv, what, env=None):
    """A command to its end, which must print SAID: milliseconds. It may start others, all of which belong
    to it; what it complains about is kept."""
    log = os.path.join(bench.work, "peer.log")
    with open(log, "wb") as err:
        begin = now_ms()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, env=env,
                                   start_new_session=True)
        try:
            # A pipe holds all that it may print: who prints more is stuck, and told so.
            wait(process, what, PEER_DEADLINE_S)
            took = now_ms() - begin
            os.set_blocking(process.stdout.fileno(), False)
            said = (process.stdout.read() or b"").decode(errors="replace")
        except Failure as e:
            with open(log, encoding="utf-8", errors="replace") as f:
                raise Failure(f"{e}: {f.read().strip()[-500:]}") from e
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            end(process)
            process.stdout.close()
    if SAID not in said:
        raise Failure(f"{what} printed {said.strip()[-500:]!r}")
    return took


def first_line(argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=True).stdout.partition("\n")[0]


# ---- hull, and QEMU by hand ----

def run_hull(bench):
    return take(bench, [bench.hull, "run", "--net", "none", "--", "echo", SAID], "'hull run -- echo'")


def run_raw(bench):
    took = run_by_hand(bench)
    console_says(bench, "bench-init: done")
    return took


@contextlib.contextmanager
def by_hand(bench):
    yield lambda: run_raw(bench)


def by_hand_version(_):
    return first_line([QEMU, "--version"])


# ---- virtme-ng ----

def vng_program(bench):
    ours = os.path.join(bench.build, "peers/virtme-ng/bin/vng")
    return ours if os.access(ours, os.X_OK) else shutil.which("vng")


def vng_version(bench):
    program = vng_program(bench)
    return first_line([program, "--version"]) if program else None


def kernel_tree(bench):
    """The kernel of hull's guests, its modules beside it where virtme-ng looks for them."""
    top = os.path.join(bench.work, "kernel")
    modules = os.path.join(top, "lib/modules")
    kernel = os.path.join(bench.guest, "kernel")
    os.makedirs(modules)
    for name in os.listdir(os.path.join(kernel, "modules")):
        os.symlink(os.path.join(kernel, "modules", name), os.path.join(modules, name))
    os.symlink(os.path.join(kernel, "vmlinuz"), os.path.join(top, "vmlinuz"))
    return os.path.join(top, "vmlinuz")


def has_its_virtiofsd():
    """It calls the virtiofsd written in Rust. Root's check for the other one, whose options differ, takes it
    for that, waits for it three seconds in vain, and then has 9p all the same."""
    paths = (shutil.which("virtiofsd"), "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd/virtiofsd",
             "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd")
    first = next((path for path in paths if path and os.path.isfile(path) and os.access(path, os.X_OK)), None)
    return bool(first) and b"--shared-dir" in subprocess.run(
        [first, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout


@contextlib.contextmanager
def vng(bench):
    program = vng_program(bench)
    argv = [program, "--run", kernel_tree(bench), "--force-initramfs", "--user", "root", "--cpus", "1", "--memory",
            MEMORY, "--exec", f"echo {SAID}"]
    if bench.accel != "kvm":
        argv.append("--disable-kvm")
    if not has_its_virtiofsd():
        argv.append("--force-9p")
    # What it starts it finds on PATH; what it keeps lies below HOME.
    env = dict(os.environ, PATH=f"{os.path.dirname(program)}:{os.environ['PATH']}", HOME=bench.work,
               TMPDIR=bench.work)
    yield lambda: take(bench, argv, "'vng --exec echo'", env)


# ---- libvirt ----

DAEMONS = (("libvirtd", "libvirt-sock"), ("virtqemud", "virtqemud-sock"))

# Its own everything, so that it meets nothing of the host's libvirt, nor leaves anything: directories,
# network, processes. No control groups: it would make some of the host's. It does not start without the
# user that it would run machines as if it were not told otherwise. PID 1 reaps what it orphans.
APART = """\
mount -t tmpfs libvirt /run
for dir in /etc/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
    [ ! -d $dir ] || mount -t tmpfs libvirt $dir
done
umount -R -l /sys/fs/cgroup 2>/dev/null
with_line()
{
    grep -q ^libvirt-qemu: "/etc/$2" && return
    { cat "/etc/$2"; echo "libvirt-qemu:x:65534:$3"; } >"$1/$2"
    mount --bind "$1/$2" "/etc/$2"
}
with_line "$1" passwd 65534::/nonexistent:/usr/sbin/nologin
with_line "$1" group
mkdir -p /etc/libvirt
cp "$1/qemu.conf" /etc/libvirt/
"$2" -f "$1/daemon.conf" -p "$1/daemon.pid" &
wait $!
"""

DAEMON_CONF = """\
unix_sock_dir = "{directory}"
auth_unix_ro = "none"
auth_unix_rw = "none"
"""

# As root, as by hand; the serial port goes to a file without a daemon for it.
QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
stdio_handler = "file"
"""

DOMAIN = """\
<domain type={type}>
  <name>bench</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{kernel}</kernel>
    <initrd>{initrd}</initrd>
    <cmdline>{cmdline}</cmdline>
  </os>
  <features><acpi/></features>
  {cpu}
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='file'><source path={console}/></serial>
    <filesystem type='mount' accessmode='passthrough'>
      <driver type='virtiofs' queue='1024'/>
      <binary path={virtiofsd}><cache mode='always'/><sandbox mode='chroot'/></binary>
      <source dir={tree}/>
      <target dir='root'/>
      <address type='pci' bus='0' slot='2'/>
    </filesystem>
  </devices>
</domain>
"""


def daemon_program():
    """The daemon and the name of its socket."""
    path = os.environ["PATH"] + ":/usr/sbin"
    return next(((shutil.which(name, path=path), sock) for name, sock in DAEMONS if shutil.which(name, path=path)),
                (None, None))


def libvirt_version(_):
    if not daemon_program()[0] or not shutil.which("virsh"):
        return None
    return "libvirt " + first_line(["virsh", "--version"])


def domain_xml(bench):
    model, *features = cpu_by_hand(bench).split(",+")
    if model == "host":
        cpu = "<cpu mode='host-passthrough'/>"
    else:
        cpu = (f"<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>{model}</model>" +
               "".join(f"<feature policy='require' name='{name}'/>" for name in features) + "</cpu>")
    return DOMAIN.format(
        type=quoteattr("kvm" if bench.accel == "kvm" else "qemu"), memory=MEMORY.removesuffix("M"), cpu=cpu,
        kernel=escape(os.path.join(bench.guest, "vmlinux")), initrd=escape(bench.initramfs),
        cmdline=escape(kernel_words(bench) + " bench=run bus=pci"), emulator=escape(shutil.which(QEMU)),
        console=quoteattr(bench.console), tree=quoteattr(bench.tree),
        virtiofsd=quoteattr(next((p for p in VIRTIOFSD if os.access(p, os.X_OK)), "virtiofsd")))


class Virsh:
    """A daemon's client, and one more that tells when a machine is gone."""

    def __init__(self, uri, domain):
        self.uri, self.domain = uri, domain
        # It would keep back what it tells a pipe.
        self.told, theirs = pty.openpty()
        try:
            self.events = subprocess.Popen([*self.argv("event"), "--event", "lifecycle", "--loop"],
                                           stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
                                           start_new_session=True)
        finally:
            os.close(theirs)

    def argv(self, *words):
        return ["virsh", "--quiet", "--connect", self.uri, *words]

    def close(self):
        end(self.events)
        os.close(self.told)

    def wait_until_gone(self):
        text, deadline = "", now_ms() + DEADLINE_S * 1000
        while "Stopped" not in text:
            if not select.select([self.told], [], [], max(0, deadline - now_ms()) / 1000)[0]:
                raise Failure("libvirt's machine does not end")
            text += os.read(self.told, 4096).decode(errors="replace")

    def run(self, bench):
        """The domain's whole life: milliseconds."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(bench.console)
        begin = now_ms()
        create = subprocess.Popen(self.argv("create", self.domain), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait(create, "'virsh create'")
            self.wait_until_gone()
            took = now_ms() - begin
        except Failure as e:
            os.set_blocking(create.stderr.fileno(), False)
            said = (create.stderr.read() or b"").decode(errors="replace").strip()
            raise Failure(f"{e}: {said[-500:]} {console_of(bench)}") from e
        finally:
            end(create)
            create.stderr.close()
        console_says(bench, "bench-init: done")
        return took


def errors_of(log):
    """The last of what a daemon complained about, without its dates and threads."""
    with open(log, encoding="utf-8", errors="replace") as f:
        return "; ".join(line.strip().rpartition("error : ")[2] for line in f.readlines()[-3:])


@contextlib.contextmanager
def libvirt_daemon(bench):
    """A daemon of our own: its URI. All that it started ends with it."""
    program, sock = daemon_program()
    directory = os.path.join(bench.work, "libvirt")
    os.makedirs(directory)
    for name, text in (("daemon.conf", DAEMON_CONF), ("qemu.conf", QEMU_CONF)):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
            f.write(text.format(directory=directory))
    path, said = os.path.join(directory, sock), os.path.join(directory, "log")
    with open(said, "wb") as log:
        process = subprocess.Popen(["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc",
                                    "sh", "-c", APART, "sh", directory, program],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = now_ms() + DEADLINE_S * 1000
        while not os.path.exists(path):
            if process.poll() is not None or now_ms() > deadline:
                raise Failure(f"'{program}' does not listen")
            time.sleep(0.02)
        uri = f"qemu+unix:///system?socket={path}"
        # Answered once its drivers are there, QEMU's among them.
        ready = subprocess.Popen(["virsh", "--quiet", "--connect", uri, "version"], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait(ready, f"'virsh version' for '{program}'")
        finally:
            end(ready)
        yield uri
    except Failure as e:
        raise Failure(f"{e}: {errors_of(said)}") from e
    finally:
        end(process)


@contextlib.contextmanager
def libvirt(bench):
    domain = os.path.join(bench.work, "domain.xml")
    with open(domain, "w", encoding="utf-8") as f:
        f.write(domain_xml(bench))
    with libvirt_daemon(bench) as uri, contextlib.closing(Virsh(uri, domain)) as virsh:
        yield lambda: virsh.run(bench)


# ---- the figure ----

PEERS = (("QEMU by hand", by_hand_version, by_hand), ("virtme-ng", vng_version, vng),
         ("libvirt", libvirt_version, libvirt))


def start_peers(bench, stack):
    """Name -> what measures it once, of those that are installed and have shown that they work."""
    peers = {}
    for name, version, start in PEERS:
        found = version(bench)
        if not found:
            bench.peers[name] = {"version": None, "note": f"not installed: {HOW_TO_INSTALL}"}
            continue
        bench.peers[name] = {"version": found, "note": ""}
        try:
            with contextlib.ExitStack() as own:
                measure = own.enter_context(start(bench))
                measure()
                stack.push(own.pop_all())
            peers[name] = measure
        except (Failure, OSError, subprocess.CalledProcessError) as e:
            bench.peers[name]["note"] = f"does not work here: {e}"
    return peers


def figure_peers(bench):
    with contextlib.ExitStack() as stack:
        peers = start_peers(bench, stack)
        run_hull(bench)     # to warm up, as each of the others has
        hull, *others = in_rounds(bench.few, [lambda: run_hull(bench), *peers.values()])
    bench.keep("peers: hull", hull)
    rows, a = [], statistics.median(hull)
    for name, _, _ in PEERS:
        figure = f"a command in a VM: {name}"
        if name not in peers:
            shown = "does not work" if bench.peers[name]["version"] else "not installed"
            rows.append(row(figure, a, None, shown, "", None))
            continue
        values = bench.keep(f"peers: {name}", others[list(peers).index(name)])
        b = statistics.median(values)
        rows.append(row(figure, a, b, f"{a / b:.3f}", "", None, pairs=(hull, values)))
    return rows
