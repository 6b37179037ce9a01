#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files into and out of a VM: modes, times, links, holes and names as they were, into what is there and
# under new names, as streams; and never out of the target.
. "$(dirname "$0")/functions.sh"
requires python3 tar

on_exit '"$HULL" rm -f web >/dev/null 2>&1'
on_exit 'chmod -R u+rwx "$T" 2>/dev/null'

# tree DIRECTORY : what is in it, each with what cp must keep
tree()
{
	python3 -c 'import hashlib, os, stat, sys
os.chdir(sys.argv[1])
names = ["."] + [os.path.join(d, n) for d, dirs, files in os.walk(".") for n in dirs + files]
first = {}
for n in sorted(names, key=os.fsencode):
    s = os.lstat(n)
    kind = stat.filemode(s.st_mode)
    what = os.readlink(n) if stat.S_ISLNK(s.st_mode) else ""
    if stat.S_ISREG(s.st_mode):
        what = hashlib.sha256(open(n, "rb").read()).hexdigest() + " like " + first.setdefault(s.st_ino, n)
    print(ascii(n), kind, s.st_mtime_ns, ascii(what))' "$1"
}

# same DIRECTORY DIRECTORY
same()
{
	tree "$1" >tree.want || fail "tree $1"
	tree "$2" >tree.got || fail "tree $2"
	cmp -s tree.want tree.got || fail "$2 is not as $1: $(diff tree.want tree.got | head -n 20)"
}

guest()
{
	expect 0 "$HULL" exec web sh -c "$1"
}

expect 0 "$HULL" create --name web
expect 1 "$HULL" cp web:/etc/hosts .
has err "is not running"
expect 0 "$HULL" start web

# ---- wrong words ----
expect 2 "$HULL" cp web:/etc/hosts
has err "takes a source and a target"
expect 2 "$HULL" cp a b
has err "neither of the two is VM:PATH"
expect 2 "$HULL" cp web:/a web:/b
has err "from VM to VM"
expect 1 "$HULL" cp web:/nonesuch .
has err "'/nonesuch': No such file"
expect 1 "$HULL" cp nonesuch web:/tmp
has err "'nonesuch': No such file"
expect 1 "$HULL" cp web:/etc/passwd no/such/file
has err "there is no directory 'no/such'"
expect 1 "$HULL" cp ./colon:here web:/tmp
has err "colon:here"

# ---- a tree that has everything ----
mkdir -p want/empty want/deep/er 'want/with space'
python3 - <<'END'
import os
os.chdir("want")
open(b"new\nline", "w").write("newline")
open(b"bytes-\xff\xfe", "w").write("no text")
open("-dash", "w").write("dash")
open("x" * 200, "w").write("long")
os.makedirs("/".join(["deep"] + ["y" * 60] * 5))
open("/".join(["deep"] + ["y" * 60] * 5 + ["z" * 60]), "w").write("longer")
os.symlink("t" * 300, "long link")
os.symlink("/etc/passwd", "absolute")
os.symlink("../../..", "up")
os.symlink("nowhere", "dangling")
open("big", "wb").write(os.urandom(3000001))
open("zero", "w").close()
open("empty hole", "w").truncate(1 << 28)
with open("holes", "wb") as f:
    for i in range(20):
        f.seek(i << 20)
        f.write(b"data %d" % i)
    f.truncate(30 << 20)
open("tool", "w").write("#!/bin/sh\n")
os.link("tool", "deep/tool again")
os.link("tool", "tool too")
os.mkfifo("fifo", 0o640)
os.chmod("tool", 0o751)
os.chmod("-dash", 0o400)
os.chmod("deep/er", 0o1777)
os.chmod("empty", 0o555)
for i, n in enumerate(["tool", "zero", "big", "deep", "deep/er", "empty", "with space"]):
    os.utime(n, ns=(0, (1000000000 + i) * 10**9 + 123456789 + i))
os.utime("-dash", ns=(0, -5 * 10**9 + 250000000))
os.utime("absolute", ns=(0, 1111111111 * 10**9 + 5), follow_symlinks=False)
END

# ---- there and back again ----
expect 0 "$HULL" cp want web:/tmp
guest 'ls /tmp/want/big && stat -c %u:%g /tmp/want/tool'
has out 0:0
expect 0 "$HULL" cp web:/tmp/want got
same want got
[ "$(du -k got/holes | cut -f1)" -lt 2000 ] && [ "$(du -k "got/empty hole" | cut -f1)" -lt 100 ] ||
	fail "holes were filled: $(du -k got/holes "got/empty hole")"
guest 'du -k /tmp/want/holes /tmp/want/empty*hole | awk "{ n += \$1 } END { exit n > 2000 }"'

# ---- what the target is ----
expect 0 "$HULL" cp web:/tmp/want/tool ./ # by its own name
cmp tool want/tool
expect 0 "$HULL" cp web:/tmp/want/tool new # by another
cmp new want/tool
echo former >kept
ln kept kept.link
ln -s kept kept.sym
expect 0 "$HULL" cp web:/tmp/want/tool kept.sym # a link to a file leads there, and a second name is another file
cmp kept want/tool
is kept.link former
[ -L kept.sym ] || fail "the link was replaced"
mkdir into
expect 0 "$HULL" cp web:/tmp/want into # a directory goes into one
same want into/want
mkdir -m 700 content
expect 0 "$HULL" cp web:/tmp/want/. content # its content alone
[ "$(stat -c %a content)" = 700 ] || fail "a directory that was there was changed"
chmod --reference=want content
touch -r want content
same want content
expect 1 "$HULL" cp web:/tmp/want kept
has err "'kept' is no directory, and what is copied is one"
expect 1 "$HULL" cp web:/tmp/want/tool nonesuch/
has err "there is no directory 'nonesuch/'"
mkdir clash clash/tool
expect 1 "$HULL" cp web:/tmp/want/tool clash
has err "'tool' is a directory, and is not replaced by a file"
# And the same in the guest.
expect 0 "$HULL" cp want/tool web:/tmp/new
guest 'mkdir "/tmp/a directory"'
expect 0 "$HULL" cp want/tool 'web:/tmp/a directory/'
expect 0 "$HULL" cp want/. web:/tmp/content
expect 1 "$HULL" cp want web:/tmp/new
has err "is no directory, and what is copied is one"
expect 1 "$HULL" cp want/tool web:/no/such/place
has err "there is no directory '/no/such'"
guest 'cmp /tmp/new /tmp/want/tool && test -f "/tmp/a directory/tool" && test -d /tmp/content/deep'

# ---- links, the kernel's files, and what can't be copied ----
ln -s want/tool link
expect 0 "$HULL" cp -L link web:/tmp/followed
expect 0 "$HULL" cp link web:/tmp/unfollowed
guest 'test ! -L /tmp/followed && cmp /tmp/followed /tmp/want/tool && readlink /tmp/unfollowed'
is out want/tool
expect 0 "$HULL" cp web:/proc/cpuinfo .
grep -q processor cpuinfo || fail "$(cat cpuinfo)"
expect 1 "$HULL" cp web:/dev/null .
has err "is a device, which can't be copied"
guest 'mkdir /tmp/odd && python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"/tmp/odd/socket\")" &&
	mknod /tmp/odd/device c 1 3 && mknod "/tmp/odd/$(printf "steer\\033[2J")" c 1 3 && echo there >/tmp/odd/file && chmod 4755 /tmp/odd/file'
expect 0 "$HULL" cp web:/tmp/odd .
has err "'odd/socket' is a socket, which is left out"
has err "'odd/device' is a device, which is left out"
grep -q "$(printf '\033')" err && fail "a guest's name steers the terminal: $(cat -v err)"
has err steer
is odd/file there
[ "$(stat -c %a odd/file)" = 755 ] || fail "a program of the guest's runs as its owner here"
[ "$(ls odd)" = file ] || fail "made: $(ls odd)"
expect 0 "$HULL" cp -q web:/tmp/odd odd.quiet
is err ''

# ---- owners ----
guest 'chown 123:456 /tmp/odd/file'
expect 0 "$HULL" cp web:/tmp/odd/file mine
[ "$(stat -c %u:%g mine)" = "$(id -u):$(id -g)" ] || fail "whose is it: $(stat -c %u:%g mine)"
if [ "$(id -u)" -eq 0 ]; then
	expect 0 "$HULL" cp -a web:/tmp/odd/file theirs
	[ "$(stat -c %u:%g theirs)" = 123:456 ] || fail "whose is it: $(stat -c %u:%g theirs)"
	expect 0 "$HULL" cp -a theirs web:/tmp/theirs
	guest 'stat -c %u:%g /tmp/theirs'
	is out 123:456
else
	expect 1 "$HULL" cp -a web:/tmp/odd/file theirs
	has err "only root can give files to others"
fi

# ---- streams ----
expect 0 sh -c '"$0" cp web:/tmp/want - >stream.tar' "$HULL"
mkdir un
tar -C un -xpf stream.tar 2>err || fail "tar does not take it: $(cat err)"
same want un/want
tar -C want -S --format=pax -cf posix.tar .
tar -C want --format=gnu --exclude='./empty hole' --exclude=./holes -cf gnu.tar .
for format in posix gnu; do
	guest "mkdir /tmp/$format"
	expect 0 sh -c '"$0" cp - web:/tmp/'$format' <'$format.tar "$HULL"
	expect 0 "$HULL" cp web:/tmp/$format .
done
touch -r want posix
chmod --reference=want posix
same want posix
for f in big "with space" "deep/tool again" "long link"; do
	[ -e "gnu/$f" ] || [ -L "gnu/$f" ] || fail "no '$f' from GNU's format"
done
cmp want/big gnu/big
expect 1 sh -c 'echo hello | "$0" cp - web:/tmp' "$HULL"
has err "archive"
expect 1 sh -c 'head -c 100000 stream.tar | "$0" cp - web:/tmp/posix' "$HULL"
has err "ends too early"
expect 1 sh -c '"$0" cp - web:/tmp/new <gnu.tar' "$HULL"
has err "is no directory"

# ---- an archive that wants to get out ----
python3 - <<'END'
import io, tarfile
def make(path, *members):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as t:
        for name, kind, link in members:
            m = tarfile.TarInfo(name)
            m.type, m.linkname, m.mode = kind, link, 0o755
            data = b"evil" if kind == tarfile.REGTYPE else b""
            m.size = len(data)
            t.addfile(m, io.BytesIO(data))
R, L, H, D = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
make("absolute.tar", ("/tmp/evil", R, ""))
make("up.tar", ("a/../../evil", R, ""))
make("link.tar", ("out", L, "/tmp"), ("out/evil", R, ""))
make("relative.tar", ("out", L, ".."), ("out/evil", R, ""))
make("dir.tar", ("out", L, "/tmp"), ("out", D, ""), ("out/evil", R, ""))
make("hard.tar", ("evil", H, "../secret"))
make("harder.tar", ("out", L, "/tmp"), ("evil", H, "out/secret"))
make("through.tar", ("evil", L, "/tmp/secret"), ("evil", R, ""))
END
guest 'mkdir /tmp/jail && echo secret >/tmp/secret'
for archive in absolute up link relative dir hard harder; do
	expect 1 sh -c '"$0" cp - web:/tmp/jail <'$archive.tar "$HULL"
	guest 'rm -rf /tmp/jail/*; ls -d /tmp/evil 2>/dev/null; cat /tmp/secret'
	is out secret
done
expect 0 sh -c '"$0" cp - web:/tmp/jail <through.tar' "$HULL"
guest 'cat /tmp/secret /tmp/jail/evil'
is out "secret
evil"

# ---- broken off ----
guest 'head -c 50000000 /dev/urandom >/tmp/large'
expect 0 env HULL="$HULL" timeout 100 python3 "$(dirname "$script")/vm-cp.py"
env --default-signal "$HULL" cp web:/tmp/large large 2>err &
pid=$!
wait_for 30 test -s large
kill -INT "$pid"
code=0
wait "$pid" || code=$?
[ "$code" -eq 130 ] || fail "broken off: $code, $(cat err)"
wait_for 30 sh -c '[ -z "$("$0" ps -q web)" ]' "$HULL"
"$HULL" cp web:/tmp/large large2 2>err &
pid=$!
wait_for 30 test -s large2
expect 0 "$HULL" kill web
code=0
wait "$pid" || code=$?
[ "$code" -eq 1 ] || fail "the VM was killed: $code"
expect 0 "$HULL" rm web
