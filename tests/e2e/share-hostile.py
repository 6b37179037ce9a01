# SPDX-License-Identifier: Apache-2.0
# What a hostile root of a guest tries on its shares: /share (writable), /ro (read-only) and /one.conf
# (a single file). Prints a line for each try: what became of it. Nothing here may stop it; whether it
# did harm is seen on the host. With the word "races" it ends with what may lock up its own kernel; with
# the word "9p" the shares are exports of the hypervisor, and there is no single file.
import ctypes
import errno
import os
import socket
import stat
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD = -100
count = 0


def attempt(what, fn, *args):
    global count
    count += 1
    try:
        result = fn(*args)
        print(f"{count} {what}: {'done' if result is None else result}", flush=True)
    except OSError as e:
        print(f"{count} {what}: {errno.errorcode.get(e.errno, e.errno)}", flush=True)


def call(name, *args):
    """A C function that returns -1 on failure."""
    if getattr(libc, name)(*args) == -1:
        raise OSError(ctypes.get_errno(), name)


def renameat2(old, new, flags):
    call("renameat2", AT_FDCWD, old.encode(), AT_FDCWD, new.encode(), ctypes.c_uint(flags))


def write(path, text="hostile\n", flags=os.O_WRONLY | os.O_CREAT, mode=0o666):
    fd = os.open(path, flags, mode)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def run(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return f"{done.returncode} {done.stdout.strip()[:120]}"


def devices():
    for name, kind, major, minor in (("c", stat.S_IFCHR, 1, 3), ("m", stat.S_IFCHR, 1, 1), ("b", stat.S_IFBLK, 254, 0),
                                     ("w", stat.S_IFCHR, 0, 0)):
        attempt(f"mknod {name} {major}:{minor}", os.mknod, f"/share/{name}", kind | 0o666, os.makedev(major, minor))


def modes():
    write("/share/suid")
    for mode in (0o4755, 0o2755, 0o6755, 0o4711):
        attempt(f"chmod {mode:o}", os.chmod, "/share/suid", mode)
    attempt("create 4755", write, "/share/born-suid", "#!/bin/sh\nid\n", os.O_WRONLY | os.O_CREAT, 0o6755)
    attempt("mknod 4755", os.mknod, "/share/node-suid", stat.S_IFREG | 0o6755)
    attempt("mkdir 6777", os.mkdir, "/share/dir-suid", 0o6777)
    attempt("chmod directory 7777", os.chmod, "/share/dir-suid", 0o7777)
    attempt("cp a set-user-ID program", run, "cp", "-p", "/usr/bin/passwd", "/share/passwd")
    attempt("install one", run, "install", "-m", "6755", "/usr/bin/true", "/share/true")

    def tmpfile():
        fd = os.open("/share", os.O_TMPFILE | os.O_RDWR, 0o6755)
        call("linkat", fd, b"", AT_FDCWD, b"/share/tmpfile-suid", 0x1000)
    attempt("O_TMPFILE 6755", tmpfile)


def links():
    for i, to in enumerate(("../outside/secret", "/etc/shadow", "../../../../../../etc/passwd", "../outside", "..",
                            "/proc/self/root", "/proc/1/root/etc/shadow", "x" * 4000)):
        attempt(f"symlink to {to[:30]}", os.symlink, to, f"/share/link{i}")
        attempt("write through it", write, f"/share/link{i}")
        attempt("write beneath it", write, f"/share/link{i}/planted")
        attempt("remove through it", os.unlink, f"/share/link{i}/secret")
    attempt("hard link from the read-only share", os.link, "/ro/file", "/share/hard")
    attempt("hard link of the single file", os.link, "/one.conf", "/share/hard1")
    attempt("hard link of a link", os.link, "/share/link0", "/share/hard2")


def above():
    for path in ("/share/../outside/planted", "/share/" + "../" * 40 + "planted", "/share/./../planted"):
        attempt(f"write {path[:40]}", write, path)
        if os.path.exists(path):
            os.unlink(path)
    attempt("list ..", lambda: os.listdir("/share/.."))
    fd = os.open("/share", os.O_RDONLY)
    attempt("openat ..", lambda: os.listdir(os.open("../../..", os.O_RDONLY, dir_fd=fd)) and None)
    attempt("rmdir the share", os.rmdir, "/share")
    attempt("rename the share", os.rename, "/share", "/share2")


def names():
    for name in ("n" * 255, "n" * 256, "new\nline", "tab\tbell\a", "-rf", " ", "\\", "*", "..."):
        attempt(f"name of {len(name)}", write, "/share/" + name)
    attempt("name that is no text", write, b"/share/\xff\xfe\x80")
    attempt("deep path", os.makedirs, "/share/" + "/".join(["d" * 200] * 25))
    attempt("many files", lambda: [write(f"/share/many{i}") for i in range(500)] and None)


def special():
    attempt("fifo", os.mkfifo, "/share/fifo")
    attempt("socket", lambda: socket.socket(socket.AF_UNIX).bind("/share/socket"))
    for name, value in (("user.a", b"1"), ("trusted.overlay.opaque", b"y"), ("security.selinux", b"x"),
                        ("security.capability", b"\x01\0\0\2\xff\xff\xff\xff" + bytes(12)),
                        ("system.posix_acl_access", b"\2\0\0\0")):
        attempt(f"xattr {name}", os.setxattr, "/share/suid", name, value)
    for uid in (0, 1, 1000, 65534, 0x70000001):
        attempt(f"chown {uid}", os.chown, "/share/suid", uid, uid)
        attempt(f"lchown of a link {uid}", os.lchown, "/share/link0", uid, uid)
    attempt("chown -R", run, "chown", "-R", "12:34", "/share")
    attempt("chattr +i", run, "chattr", "+i", "/share/suid")
    attempt("a file of an exabyte", os.truncate, "/share/suid", 1 << 60)
    attempt("a hole", os.truncate, "/share/suid", 1 << 30)


def renames():
    write("/share/a")
    os.makedirs("/share/dir/sub", exist_ok=True)
    attempt("exchange", renameat2, "/share/a", "/share/dir", 2)
    attempt("whiteout", renameat2, "/share/a", "/share/whited", 4)
    attempt("into the read-only share", os.rename, "/share/whited", "/ro/planted")
    attempt("out of the read-only share", os.rename, "/ro/file", "/share/stolen")
    attempt("over the single file", os.rename, "/share/suid", "/one.conf")


def races():
    """A directory and a link to what is outside change places while files are made beneath the name."""
    stop = time.monotonic() + 3
    os.makedirs("/share/real", exist_ok=True)
    for name in ("spot", "spare"):
        if os.path.islink(f"/share/{name}"):
            os.unlink(f"/share/{name}")
    os.makedirs("/share/spot", exist_ok=True)
    os.symlink("../outside", "/share/spare")

    def swap():
        while time.monotonic() < stop:
            try:
                renameat2("/share/spot", "/share/spare", 2)
            except OSError:
                return

    def plant(n):
        i = 0
        while time.monotonic() < stop:
            i += 1
            for fn in (lambda: write(f"/share/spot/planted{n}"), lambda: os.unlink("/share/spot/secret"),
                       lambda: os.chmod("/share/spot/secret", 0o777), lambda: os.mkdir(f"/share/spot/dir{n}-{i}")):
                try:
                    fn()
                except OSError:
                    pass

    threads = [threading.Thread(target=swap)] + [threading.Thread(target=plant, args=(n,)) for n in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def read_only():
    for what, fn in (("write", lambda: write("/ro/file")), ("truncate", lambda: os.truncate("/ro/file", 0)),
                     ("open O_TRUNC", lambda: write("/ro/file", "", os.O_WRONLY | os.O_TRUNC)),
                     ("create", lambda: write("/ro/new")), ("remove", lambda: os.unlink("/ro/file")),
                     ("mkdir", lambda: os.mkdir("/ro/dir")), ("chmod", lambda: os.chmod("/ro/file", 0o777)),
                     ("utimes", lambda: os.utime("/ro/file", (1, 1))), ("symlink", lambda: os.symlink("x", "/ro/l")),
                     ("rename", lambda: os.rename("/ro/file", "/ro/other")),
                     ("remount", lambda: call("mount", None, b"/ro", None, 0x20 | 0x1000, None)),
                     ("write after that", lambda: write("/ro/file"))):
        attempt(f"read-only: {what}", fn)


def raw():
    """The device itself: every tag there may be, mounted anew."""
    for tag in ("hull.root", "hull.share0", "hull.share1", "hull.share2"):
        at = f"/mnt/{tag}"
        os.makedirs(at, exist_ok=True)
        attempt(f"mount {tag}", call, "mount", tag.encode(), at.encode(), b"virtiofs", 0, None)
        attempt(f"what {tag} has", lambda at=at: " ".join(sorted(os.listdir(at)))[:100])
        attempt(f"write to {tag}", write, f"{at}/planted")
        attempt(f"mkdir in {tag}", os.mkdir, f"{at}/dir")
        attempt(f"write to {tag}/..", write, f"{at}/0/../planted")
        for i in range(4):
            attempt(f"write to {tag}/{i}", write, f"{at}/{i}", "", os.O_WRONLY | os.O_TRUNC)
            attempt(f"write beneath {tag}/{i}", write, f"{at}/{i}/raw-planted")
            attempt(f"remove {tag}/{i}", os.rmdir, f"{at}/{i}")

    def handles():
        size = 128
        handle = ctypes.create_string_buffer(8 + size)
        ctypes.memmove(handle, ctypes.byref(ctypes.c_uint(size)), 4)
        mount_id = ctypes.c_int()
        call("name_to_handle_at", AT_FDCWD, b"/share", handle, ctypes.byref(mount_id), 0)
        fd = os.open("/share", os.O_RDONLY)
        seen = 0
        for node in range(1, 64):
            ctypes.memmove(ctypes.addressof(handle) + 8, ctypes.byref(ctypes.c_uint64(node)), 8)
            got = libc.open_by_handle_at(fd, handle, os.O_RDWR)
            seen += got >= 0
        return f"{seen} opened"
    attempt("forged handles", handles)


def exports():
    """What a hypervisor serves by itself: /usr, /etc, then the shares. They are in use, so that only
    another kernel could speak to them; but what is read-only here can be made writable, here."""
    for i in range(4):
        os.makedirs(f"/mnt/{i}", exist_ok=True)
        attempt(f"mount hull.dir{i}", call, "mount", f"hull.dir{i}".encode(), f"/mnt/{i}".encode(), b"9p", 0,
                b"trans=virtio,version=9p2000.L")
    attempt("remount the mount", call, "mount", None, b"/ro", None, 0x20 | 0x1000, None)
    attempt("remount the file system", call, "mount", None, b"/ro", None, 0x20, None)
    with open("/proc/mounts", encoding="utf-8") as f:
        print("/ro is", [line.split()[3].split(",")[0] for line in f if line.split()[1] == "/ro"], flush=True)
    read_only()
    for fn in (lambda: write("/ro/planted"), lambda: os.mkdir("/ro/dir"), lambda: os.link("/ro/file", "/ro/hard"),
               lambda: os.mknod("/ro/c", stat.S_IFCHR | 0o666, os.makedev(1, 3)), lambda: os.chown("/ro/file", 1, 1),
               lambda: os.setxattr("/ro/file", "user.a", b"1"), lambda: os.unlink("/ro/file")):
        attempt("change what is read-only", fn)


def do(*parts):
    for part in parts:
        try:
            part()
        except OSError as e:
            print(f"{part.__name__} ended early: {e}", flush=True)


do(devices, modes, links, above, names, special, renames, read_only, exports if "9p" in sys.argv else raw)
print(f"{count} tries", flush=True)
if "races" in sys.argv:
    do(races)
    print("raced")
