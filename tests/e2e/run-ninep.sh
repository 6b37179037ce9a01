#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An ordinary user who can't make user namespaces: the hypervisor serves the host's directories over
# 9p.  The same shares, the same protection; a note and "hull doctor" tell.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/denied.sh"
requires python3
[ "$(id -u)" -ne 0 ] || skip 'root needs no user namespaces'
on_exit 'rm -rf "$HULL_HOME/state"'
me=$(id -u)
mine="$me $(id -g)"

expect 1 denied unshare --user true
denied id -u >out && is out "$me"

# ---- what is told ----

expect 0 denied "$HULL" doctor
grep -qE '^warning +namespaces .*over 9p' out || fail "doctor does not tell: $(cat out)"
has out "'hull run' works here"
expect 0 denied "$HULL" run -- sh -c 'id -u; cd /usr/bin && ls >/dev/null && python3 -c "print(6 * 7)"'
is out '0
42'
has err 'over 9p'
[ "$(wc -l <err)" -eq 1 ] || fail "more than one note: $(cat err)"
expect 0 denied "$HULL" run -q -- true
is err ''
expect 125 denied "$HULL" run --share-driver virtiofs -- true
has err 'user and mount namespace'
expect 0 "$HULL" run --share-driver 9p -- sh -c 'echo x >/etc/new && mv /usr/share /usr/moved && ls -d /usr/moved && stat -c "%a %n" /tmp /var/tmp /var/lib'
is err ''
is out '/usr/moved
1777 /tmp
1777 /var/tmp
755 /var/lib'

# ---- shares ----

mkdir -p work/sub data
echo host >work/file
echo one >data/one.conf
cd work || exit 1
expect 0 denied "$HULL" run --here -v "$T/data:/srv/data:ro" -v kept:/root/.cache -- sh -c 'pwd; cat file /srv/data/one.conf; stat -c "%u %g" file .
	echo guest >made; mkdir dir; ln -s file link; ln made hard; mv sub moved; chmod 600 made; rm file; touch -d @1000000000 moved
	echo kept >/root/.cache/file; (echo no >/srv/data/new) 2>/dev/null || echo refused'
is out "$T/work
host
one
0 0
0 0
refused"
is made guest
[ "$(stat -c '%a %u %g %h' made)" = "600 $mine 2" ] || fail "made is $(stat -c '%a %u %g %h' made)"
[ -d dir ] && [ -d moved ] && [ ! -e sub ] && [ ! -e file ] && [ "$(readlink link)" = file ] ||
	fail "the directory is $(ls -l)"
[ "$(stat -c %Y moved)" -eq 1000000000 ] || fail 'the time was not set'

# Changes of ownership succeed without effect, set-user-ID bits do not come to be; programs go on.
expect 0 denied "$HULL" run --here -v kept:/kept -u 1234:77 -- sh -c 'stat -c "%u %g" made; cat /kept/file; echo mine >mine; stat -c "%u %g" mine'
is out '1234 77
kept
1234 77'
expect 0 denied "$HULL" run --here -- sh -c 'echo x >f && chown 5:6 f && chmod 6755 f && install -m 4755 -o 3 f g && stat -c "%a %u" f g
	mknod c c 1 3; mknod w c 0 0; mkdir -m 2775 d && stat -c %a d
	mkdir tree && cp -p /usr/bin/passwd tree && chown 12:13 tree/passwd && tar cf t.tar tree && rm -r tree && tar xpf t.tar --same-owner && ls tree
	python3 -c "
import mmap
f = open(\"mapped\", \"w+b\")
f.truncate(4096)
m = mmap.mmap(f.fileno(), 4096)
m[0:6] = b\"shared\"
m.flush()
print(open(\"mapped\", \"rb\").read(6).decode())"'
is out '755 0
755 0
2775
passwd
shared'
[ "$(stat -c '%a %u %g' f)" = "755 $mine" ] || fail "the host has $(ls -ln)"
[ -z "$(find . \( -type b -o -type c -o -perm /6000 -type f -o ! -uid "$me" \) -ls)" ] || fail "on the host came to be: $(ls -ln)"
[ "$(head -c 6 mapped)" = shared ] || fail 'what was mapped did not get there'
if command -v git >/dev/null; then
	expect 0 denied "$HULL" run --here -- sh -c 'git init -q repo && cd repo && echo a >a && git add a &&
		git -c user.name=x -c user.email=x@y commit -qm m && cd .. && git clone -q repo clone && cat clone/a'
	is out a
fi
cd ..

# What the host changes is seen at once.
mkfifo turn
timeout 100 "$HULL" run -q -i --share-driver 9p -v ./data:/data -- sh -c 'cd /data; while read -r word; do cat changing; ls -A later; echo "$word"; done' \
	<turn >seen 2>&1 &
vm=$!
exec 9>turn
# Beneath the hypervisor's own filter is ours.
wait_for 60 pgrep -u "$me" qemu-system
filters=$(sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$(pgrep -u "$me" qemu-system)/status")
[ "${filters:-2}" -ge 2 ] || fail "the hypervisor has $filters filters"
mkdir data/later
for i in 1 22 333; do
	echo "$i" >data/changing.new
	if [ "$i" = 22 ]; then cat data/changing.new >data/changing; else mv data/changing.new data/changing; fi
	touch "data/later/$i"
	echo "seen-$i" >&9
	wait_for 60 grep -qx "seen-$i" seen
done
exec 9>&-
wait "$vm" || fail "the VM said $(cat seen)"
[ "$(tr '\n' ' ' <seen)" = '1 1 seen-1 22 1 22 seen-22 333 1 22 333 seen-333 ' ] || fail "the guest saw $(cat seen)"

# What can't be had.
expect 125 denied "$HULL" run -v ./data/one.conf:/one.conf -- true
has err "share '$T/data/one.conf': a single file can't be shared over 9p"
has err 'share a directory'
shares=
for i in $(seq 17); do shares="$shares -v ./data:/d$i"; done
# shellcheck disable=SC2086 # a list
expect 125 denied "$HULL" run $shares -- true
has err '17 shares are more than'

# Not even the guest's root can undo --read-only.
expect 0 denied "$HULL" run --read-only -- sh -c 'for f in /x /usr/x /etc/x /var/x; do
		mount -o remount,rw "${f%x}" 2>/dev/null; (echo no >$f) 2>/dev/null && echo "wrote $f"; done; echo yes >/tmp/x && cat /tmp/x'
is out yes
expect 0 denied "$HULL" run --scratch 64M --machine q35 -- sh -c 'echo yes >/etc/x; cat /etc/x; df --output=source /usr | tail -n 1'
is out 'yes
hull'

# Of the system's directories only what everybody may read, not all that this user may.
if unshare --user --mount --keep-caps --map-user="$me" true 2>/dev/null; then
	mkdir -p etc/closed/dir
	echo open | tee etc/open etc/closed/file >etc/secret
	chmod 600 etc/secret
	chmod 700 etc/closed
	# shellcheck disable=SC2016
	expect 0 unshare --user --mount --keep-caps --map-user="$me" --map-group="$(id -g)" sh -c '
		mount --bind etc /etc/default && cat /etc/default/secret &&
			exec setpriv --ambient-caps=-all --inh-caps=-all "$@"' sh "$HULL" run -q --share-driver 9p -- sh -c '
		cd /etc/default; stat -c "%u %g" secret; for f in open secret closed/file closed; do cat $f 2>&1; done
		ls closed 2>&1 || true'
	is out "open
0 0
open
cat: secret: Permission denied
cat: closed/file: Permission denied
cat: closed: Permission denied
ls: cannot open directory 'closed': Permission denied"
fi

# ---- a guest that does its worst ----

mkdir -p place/share place/outside place/ro
echo secret >place/outside/secret
echo readonly >place/ro/file
cp "$(dirname "$script")/share-hostile.py" place/ro/
picture()
{
	find place -path place/share -prune -o ! -path place -printf '%p %y %m %U %G %s %T@ %C@ %l\n' | sort
	find place -path place/share -prune -o -type f -exec cksum {} + | sort
}
picture >before
expect 0 timeout 250 "$HULL" run --share-driver 9p -v ./place/share:/share -v ./place/ro:/ro:ro -- \
	python3 /ro/share-hostile.py 9p
cp out tries
picture >after
diff before after >&2 || fail 'something outside the shares has changed'
count=$(sed -n 's/^\([0-9]*\) tries$/\1/p' tries)
[ "${count:-0}" -ge 100 ] || fail "only $count tries: $(tail -n 3 tries)"
lacks tries 'ended early'
has tries "/ro is ['rw']"
has tries 'change what is read-only: EROFS'
! grep 'change what is read-only: done' tries || fail 'a read-only share was changed'
bad=$(find place/share \( -type b -o -type c -o \( -type f -perm /6000 \) -o \( -type d -perm /4000 \) -o ! -uid "$me" \) -ls)
[ -z "$bad" ] || fail "came to be on the host: $bad"
[ -n "$(find place/share -name 'many*' | head -n 1)" ] || fail 'the guest did not write at all'
