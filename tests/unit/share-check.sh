#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# share-check.sh HULL_SHARE MODULE - what the daemon of a shared tree can see, and what it can't.
#
# Runs hull-share --check on made-up directories: no VM. As root in both of its ways, as root and as
# an ordinary user in a user namespace; otherwise in the second only.
set -eu

die()
{
	echo "share-check: $*" >&2
	exit 1
}

# The directory is made and removed outside of the mount namespace that the test works in, so that
# nothing bound into it can be removed with it. Inside, mounts tell each other of changes: what
# hull-share would leak is seen.
if [ -z "${SHARE_CHECK_DIR-}" ]; then
	SHARE_CHECK_DIR=$(mktemp -d)
	export SHARE_CHECK_DIR
	enter=
	[ "$(id -u)" != 0 ] || enter="unshare -m --propagation private"
	code=0
	$enter "$0" "$@" || code=$?
	! grep -qF " $SHARE_CHECK_DIR" /proc/self/mountinfo || die "mounts left in $SHARE_CHECK_DIR"
	rm -rf "$SHARE_CHECK_DIR"
	exit "$code"
fi

work=$SHARE_CHECK_DIR
chmod 755 "$work"
[ "$(id -u)" != 0 ] || mount --make-rshared /
# Copies, because the build directory may be closed to the ordinary user.
cp "$1" "$work/hull-share"
cp "$2" "$work/hull-virtiofsd.so"
# The sanitizer's look for leaks needs /proc, which is gone by then.
export ASAN_OPTIONS=detect_leaks=0

user=65534
if [ "$(id -u)" = 0 ]; then
	modes="root user"
else
	modes="user"
	user=$(id -u)
fi

as()
{
	mode=$1
	shift
	if [ "$(id -u)" != 0 ]; then
		"$@"
	elif [ "$mode" = user ]; then
		setpriv --reuid "$user" --regid "$user" --groups 4,42 "$@"
	else
		setpriv --groups 4,42 "$@"
	fi
}

as user unshare -Urm true 2>/dev/null || {
	[ "$modes" = user ] && exit 77
	echo "share-check: no user namespaces here: as root only" >&2
	modes=root
}

h=$work/host
mkdir -p "$h/etc/keys" "$h/etc/empty" "$h/own" "$h/deep/below"
echo public >"$h/etc/hosts"
echo secret >"$h/etc/only-root"
echo secret >"$h/etc/shadow"
echo secret >"$h/etc/keys/k"
echo single >"$h/one.conf"
echo sibling >"$h/two.conf"
echo text >"$h/own/file"
chmod 600 "$h/etc/only-root"
chmod 666 "$h/etc/hosts" "$h/one.conf"
ln -s "$h/two.conf" "$h/etc/escape"
ln -s ../deep "$h/own/link"
if [ "$(id -u)" = 0 ]; then
	chown "$user:$user" "$h/own" "$h/own/file"
	mount -t tmpfs -o mode=1777 hull-test "$h/deep/below"
	echo mounted >"$h/deep/below/file"
	chmod 666 "$h/deep/below/file"
else
	chmod 000 "$h/etc/only-root"
fi

spec()
{
	cat <<-EOF
		{"daemon": "/bin/true", "uid": $user, "gid": $user, "tree": {"entries": [
		{"target": "/etc", "source": "$h/etc", "recursive": true},
		{"target": "/a/b/ro", "source": "$h/own"},
		{"target": "/rw", "source": "$h/own", "writable": true},
		{"target": "/conf/one", "source": "$h/one.conf", "file": true},
		{"target": "/etc/empty", "source": "$h/deep", "recursive": true},
		{"kind": "dir", "target": "/a/b", "mode": 493},
		{"kind": "dir", "target": "/tmp", "mode": 1023},
		{"kind": "link", "target": "/bin", "source": "usr/bin"}],
		"masks": [{"target": "/etc/shadow", "text": "root:*\n"}, {"target": "/etc/keys"},
		{"target": "/etc/none"}, {"target": "/elsewhere/none"}]}}
	EOF
}

# expect LINE: that the report has it; a # in it stands for "uid:gid"
expect()
{
	grep -Eqx "$(printf '%s' "$1" | sed 's/#/[0-9]+:[0-9]+/')" "$work/out" || {
		cat "$work/out" >&2
		die "$mode $*: no such line"
	}
}

report()
{
	as "$mode" "$work/hull-share" --check "$@" "$work/spec" /etc/hosts /etc/only-root \
		/etc/keys/k /etc/escape /conf/two.conf /rw/file /a/b/ro/file /etc/empty/below \
		/etc/empty/below/file /a /../etc/passwd /proc /masks >"$work/out" || die "$mode $*: failed"
	[ "$mode" = user ] || expect "self uid=$user gid=$user groups=0 caps=0 mounts=[0-9]+"
	[ "$mode" = root ] || expect "self uid=0 gid=0 groups=[0-9]+ caps=0 mounts=[0-9]+"
	expect 'file 0666 # size=[0-9]+ read=ok write=EROFS /etc/hosts'
	expect 'file 0[06]00 # size=7 read=EACCES write=EACCES /etc/only-root'
	expect 'file 0444 0:0 size=7 read=ok write=E(ACCES|ROFS) /etc/shadow'
	expect 'dir 0755 0:0 read=ok write=E(ACCES|ROFS) /etc/keys'
	expect 'none read=ENOENT write=- /etc/keys/k'
	expect 'none read=ENOENT write=- /etc/none'
	expect "link 0777 # read=- write=- /etc/escape -> $h/two.conf"
	expect 'file 0666 # size=[0-9]+ read=ok write=EROFS /conf/one'
	expect 'none read=ENOENT write=- /conf/two.conf'
	expect 'file 0644 # size=5 read=ok write=ok /rw/file'
	expect 'dir 0755 # read=ok write=ok /rw'
	expect 'file 0644 # size=5 read=ok write=EROFS /a/b/ro/file'
	expect 'dir [01]7[57]{2} # read=ok write=E(ACCES|ROFS) /etc/empty/below'
	[ "$(id -u)" != 0 ] ||
		expect 'file 0666 # size=8 read=ok write=EROFS /etc/empty/below/file'
	expect 'dir 1777 0:0 read=ok write=EROFS /tmp'
	expect 'dir 0755 0:0 read=ok write=E(ACCES|ROFS) /a'
	expect 'link 0777 0:0 read=- write=- /bin -> usr/bin'
	expect 'none read=ENOENT write=- /../etc/passwd'
	expect 'none read=ENOENT write=- /proc'
	expect 'none read=ENOENT write=- /masks'
	[ "$mode" = user ] || expect "file 0600 0:0 size=7 read=EACCES write=EACCES /etc/only-root"
	[ "$mode" = user ] || expect "file 0644 $user:$user size=5 read=ok write=ok /rw/file"
}

# What is mounted elsewhere does not stay mounted for the daemon's sake.
nothing_else()
{
	first=$(grep -o 'mounts=.*' "$work/out")
	mkdir -p "$work/elsewhere"
	mount -t tmpfs hull-test "$work/elsewhere"
	as "$mode" "$work/hull-share" --check "$work/spec" >"$work/out"
	umount "$work/elsewhere"
	[ "$(grep -o 'mounts=.*' "$work/out")" = "$first" ] || die "$mode: keeps other mounts"
}

# The daemon's own account of itself, given by a script in its place.
serve()
{
	cat >"$work/daemon" <<-'EOF'
		#!/bin/sh
		for arg; do echo "arg $arg"; done
		for file in /*; do echo "path $file"; done
		for file in /proc/self/fd/*; do echo "fd $(readlink "$file")"; done
		env | sed 's/^/env /'
		sed 's/^/status /' /proc/self/status
		touch /x 2>&- || touch /usr/x 2>&- || touch /masks/x 2>&- || echo nothing is writable
		exit 7
	EOF
	chmod 755 "$work/daemon"
	echo "{\"daemon\":\"$work/daemon\",\"uid\":$user,\"gid\":$user,\"tree\":{}}" >"$work/spec"
	code=0
	as "$mode" env SECRET=1 HULL_HOME=/h python3 -c 'import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("")
s.listen()
spec = os.open(sys.argv[2], os.O_RDONLY)
extra = os.dup(spec)
os.set_inheritable(extra, True)
os.dup2(os.dup(s.fileno()), 3)
os.dup2(os.dup(spec), 4)
os.execv(sys.argv[1], sys.argv[1:2])' "$work/hull-share" "$work/spec" >"$work/out" || code=$?
	[ "$code" = 7 ] || die "$mode: the daemon ended with $code"
	expect 'arg --fd=3'
	expect 'path /tree'
	expect 'path /shim.so'
	expect 'nothing is writable'
	expect 'env HULL_HOME=/h'
	expect 'status CapEff:.*0000000000040100' # chroot and setpcap
	expect 'status CapBnd:.*0000000000040100'
	expect 'status NoNewPrivs:.*1'
	[ "$mode" = user ] || expect "status Uid:.*$user.*$user.*$user.*$user"
	! grep -E '^env SECRET|^path /(home|root)|^fd .*/spec' \
		"$work/out" || die "$mode: the daemon has too much"
}

# refuse WORDS SPEC: fails with one line that has the words, and prints nothing else
refuse()
{
	printf '%s' "$2" >"$work/spec"
	! as "$mode" "$work/hull-share" --check "$work/spec" >"$work/out" 2>"$work/err" ||
		die "$mode: not refused: $2"
	[ "$(wc -l <"$work/err")" = 1 ] && [ ! -s "$work/out" ] && grep -qF "$1" "$work/err" ||
		die "$mode: '$(cat "$work/err")' instead of '$1' for: $2"
}

one()
{
	echo "{\"daemon\":\"/bin/true\",\"uid\":$user,\"gid\":$user,\"tree\":{\"entries\":[$1]}}"
}

for mode in $modes; do
	before=$(cat /proc/self/mountinfo)
	spec >"$work/spec"
	report
	report --old-mounts
	[ "$(id -u)" != 0 ] || nothing_else
	serve
	refuse "share '$h/none': No such file" "$(one "{\"target\":\"/x\",\"source\":\"$h/none\"}")"
	refuse "share '$h/one.conf': it is no directory" \
		"$(one "{\"target\":\"/x\",\"source\":\"$h/one.conf\"}")"
	refuse "share '$h/own': it is a directory" \
		"$(one "{\"target\":\"/x\",\"source\":\"$h/own\",\"file\":true}")"
	w="{\"target\":\"/w\",\"source\":\"$h/own\",\"writable\":true}"
	refuse "put '/w/new' into the shared tree: No such file" \
		"$(one "$w,{\"target\":\"/w/new\",\"source\":\"$h/deep\",\"recursive\":true}")"
	refuse "put '/w/link/below' into the shared tree: Too many levels of symbolic links" \
		"$(one "$w,{\"target\":\"/w/link/below\",\"source\":\"$h/own\"}")"
	refuse "put '/w/new/d' into the shared tree: No such file" \
		"$(one "$w,{\"kind\":\"dir\",\"target\":\"/w/new/d\"}")"
	refuse "unknown key" "$(one "$w,{\"target\":\"/x\",\"source\":\"$h\",\"ro\":true}")"
	refuse "JSON" "{"
	[ "$mode" = root ] || [ "$(id -u)" != 0 ] || refuse "mounts beneath it" \
		"$(one "{\"target\":\"/x\",\"source\":\"$h/deep\"}")"
	[ ! -e "$h/own/new" ] || die "$mode: made something on the host"
	[ "$mode" = user ] || refuse "never served as root" \
		"{\"daemon\":\"/bin/true\",\"tree\":{\"entries\":[$w]}}"
	[ "$(cat /proc/self/mountinfo)" = "$before" ] || die "$mode: left mounts behind"
done

# In a chroot whose root is no mount of its own, on mounts that are shared with others.
if [ "$(id -u)" = 0 ]; then
	mode=root
	jail=$work/jail
	mkdir -p "$jail/usr" "$jail/proc" "$jail/etc" "$jail/work"
	for link in /bin /sbin /lib*; do
		[ ! -L "$link" ] || cp -P "$link" "$jail"
		[ -L "$link" ] || { mkdir "$jail$link" && mount --bind -r "$link" "$jail$link"; }
	done
	mount --bind -r /usr "$jail/usr"
	mount -t proc proc "$jail/proc"
	cp "$work/hull-share" "$work/hull-virtiofsd.so" "$jail/work"
	cp /etc/ld.so.cache "$jail/etc"
	echo secret >"$jail/etc/shadow"
	one '{"target":"/etc","source":"/etc"},{"target":"/usr","source":"/usr","recursive":true}' |
		sed 's,]}}$,]\,"masks":[{"target":"/etc/shadow"}]}},' >"$jail/work/spec"
	before=$(cat /proc/self/mountinfo)
	chroot "$jail" /work/hull-share --check /work/spec >"$work/out" || die "in a chroot"
	expect 'file 0444 0:0 size=0 read=ok write=E(ACCES|ROFS) /etc/shadow'
	expect 'dir 0755 0:0 read=ok write=E(ACCES|ROFS) /usr'
	[ "$(cat /proc/self/mountinfo)" = "$before" ] || die "in a chroot: left mounts behind"
fi

# The module that goes into virtiofsd: who is unknown in a user namespace is root, and O_NOATIME,
# which only owners may use, goes unnoticed.
opens='import os,sys
d = os.open(sys.argv[1], os.O_RDONLY)
os.close(os.open("hosts", os.O_RDONLY | os.O_NOATIME, dir_fd=d))
print(os.stat("hosts", dir_fd=d).st_uid)'
preload="LD_PRELOAD=$work/hull-virtiofsd.so"
if [ "$(id -u)" = 0 ]; then
	for mode in $modes; do
		[ "$mode" = user ] || continue
		[ "$(as user env $preload python3 -c "$opens" "$h/etc")" = 0 ] ||
			die "O_NOATIME as another user"
		[ "$(as user unshare -U stat -c %u:%g "$h/etc/hosts")" = 65534:65534 ] ||
			die "the overflow ids are others here"
		[ "$(as user unshare -U env $preload HULL_SHARE_IDS=0:0:0:0:0:0 \
			stat -c %u:%g "$h/etc/hosts")" = 0:0 ] || die "owners by statx()"
		[ "$(as user unshare -U env $preload HULL_SHARE_IDS=0:0:0:0:0:0 \
			python3 -c "$opens" "$h/etc")" = 0 ] || die "owners by fstatat()"
		as user unshare -U env $preload HULL_SHARE_IDS=0:0:0:0:0:0 \
			python3 -c 'import os; os.setgroups([])' || die "setgroups()"
	done
	# Of shares: what comes to be there, and whose it is.
	makes='import ctypes,os,stat
d = os.open(".", os.O_RDONLY)
os.close(os.open("made", os.O_CREAT | os.O_WRONLY, 0o6755, dir_fd=d))
os.mkdir("dir", 0o755)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.fchmodat(d, b"made", 0o6711, 0) == 0 and libc.fchmodat(d, b"dir", 0o6711, 0) == 0
assert libc.fchownat(d, b"made", 5, 6, 0) == 0 and libc.syscall(117, 1, 2, 3) == 0
for kind, number in (stat.S_IFCHR, os.makedev(1, 3)), (stat.S_IFBLK, os.makedev(8, 0)), (stat.S_IFCHR, 0):
    assert libc.mknodat(d, b"node", kind | 0o666, ctypes.c_ulong(number)) == -1 and ctypes.get_errno() == 1
for name in "made", "dir", "..":
    st = os.stat(name, dir_fd=d)
    print(name, "%o" % stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid)'
	mkdir -p "$work/parent/share"
	chown 65533:65533 "$work/parent/share"
	chmod 711 "$work/parent"
	(cd "$work/parent/share" && setpriv --reuid 65533 --regid 65533 --clear-groups \
		env $preload HULL_SHARE_IDS=65533:65533:7:8:9:9 python3 -c "$makes") >"$work/out" ||
		die "the module, serving shares"
	printf 'made 711 7 8\ndir 2711 7 8\n.. 711 9 9\n' | diff - "$work/out" >&2 || die "made something else"
	[ "$(stat -c '%a %u' "$work/parent/share/made")" = '711 65533' ] || die "made it on the host"
fi
exit 0
