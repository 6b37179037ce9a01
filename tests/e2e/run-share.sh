#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shares: the current directory, directories and single files, volumes; what each side sees of the
# other, and what comes to be on the host.
. "$(dirname "$0")/functions.sh"
on_exit 'rm -rf "$HULL_HOME/state"'
me=$(id -u)

mkdir -p work/sub data
echo host >work/file
echo one >data/one.conf
echo two >data/two.conf
mkfifo turn
cd work

# The current directory, at its own path; what is made there is ours.  Ownership is the host's affair:
# chown succeeds and changes nothing.  Nor do set-user-ID programs and devices come to be, though the
# guest's root goes on.  What the host changes is seen at once, names and sizes too.
timeout 100 "$HULL" run -i --here -- sh -c '
	pwd; cat file; stat -c "%u %g" file .
	echo guest >made; mkdir dir; ln -s file link; ln made hard
	mv sub moved; chmod 600 made; rm file; touch -d @1000000000 moved
	echo x >f && chown 5:6 f && chmod 6755 f && install -m 4755 -o 3 f g && stat -c "%a %u" f g
	mknod c c 1 3; mknod b b 8 0; mknod w c 0 0; mkfifo p && echo fifo; mkdir -m 2775 d && stat -c %a d
	while read -r word; do cat changing 2>&1; ls -A later 2>&1; echo "$word"; done' <../turn >../out 2>../err &
vm=$!
exec 9>../turn
mkdir later
for i in 1 22 333 4; do
	echo "$i" >changing.new
	if [ "$i" = 22 ]; then cat changing.new >changing; else mv changing.new changing; fi
	touch "later/$i"
	echo "seen-$i" >&9
	wait_for 60 grep -qx "seen-$i" ../out
done
exec 9>&-
wait "$vm" || fail "the VM said $(cat ../out ../err)"
sed -n 1,4p ../out >../said
is ../said "$T/work
host
0 0
0 0"
is made guest
[ "$(stat -c '%a %u %h' made)" = "600 $me 2" ] || fail "made is $(stat -c '%a %u %h' made)"
[ -d dir ] && [ -d moved ] && [ ! -e sub ] && [ ! -e file ] && [ "$(readlink link)" = file ] ||
	fail "the directory is $(ls -l)"
[ "$(stat -c %Y moved)" -eq 1000000000 ] || fail "the time was not set"
sed -n 5,8p ../out >../said
is ../said '755 0
755 0
fifo
2775'
[ "$(stat -c '%a %u' f) $(stat -c '%a %u' g)" = "755 $me 755 $me" ] || fail "the host has $(ls -ln)"
[ -z "$(find . -type b -o -type c -o -perm /6000 -type f)" ] || fail "on the host came to be: $(ls -ln)"
[ "$(sed 1,8d ../out | tr '\n' ' ')" = '1 1 seen-1 22 1 22 seen-22 333 1 22 333 seen-333 4 1 22 333 4 seen-4 ' ] ||
	fail "the guest saw $(cat ../out)"

# Directories and files where they are wanted, read-only or not; a file comes without its siblings.
# Another share at its own path is not where the command starts.
expect 0 "$HULL" run -v "$T/data:$T/data" --here -v ../data:/data:ro -v ../data/one.conf:/etc/new/one.conf \
	-v "$T/work:/srv/deep/er" -- sh -c 'pwd
	cat /data/two.conf /etc/new/one.conf; ls /etc/new; echo x 2>/dev/null >/data/no; echo $?; echo x 2>/dev/null >/data/one.conf; echo $?
	rm -f /data/one.conf 2>/dev/null; echo $?; echo more >>/etc/new/one.conf; echo deep >/srv/deep/er/deep;
	mount -o remount,rw /data 2>/dev/null; echo x 2>/dev/null >/data/no; echo $?'
is out "$T/work
two
one
one.conf
2
2
1
2"
cd ..
is data/one.conf 'one
more'
is work/deep deep
[ ! -e data/no ] || fail "written through a read-only share"

# A volume is kept.  What -w says is where the command starts; whoever it runs as owns the files.
expect 0 "$HULL" run -w /tmp --here -v cache:/root/.cache -- sh -c 'pwd; ls -A /root/.cache; echo kept >/root/.cache/file'
is out /tmp
expect 0 "$HULL" run -v cache:/other --here -u 1234:77 -- sh -c 'cat /other/file
	stat -c "%u %g" data; echo mine >data/mine; stat -c "%u %g" data/mine; mkdir data/d && rmdir data/d && echo done'
is out 'kept
1234 77
1234 77
done'
[ "$(stat -c %u data/mine)" = "$me" ] || fail "mine belongs to $(stat -c %u data/mine)"

# What can't be shared.
expect 125 "$HULL" run -v ./nowhere:/x -- true
has err "share './nowhere'"
has err mkdir
expect 125 "$HULL" run -v data -- true
has err 'no target'
expect 125 "$HULL" run -v ./data:relative -- true
has err "'relative' is not an absolute path"
expect 125 "$HULL" run -v ./data:/x:rx -- true
has err "neither 'ro' nor 'rw'"
expect 125 "$HULL" run -v data/one.conf:/x -- true
has err "'./data/one.conf'"
expect 125 "$HULL" run -v ./data:/proc/x -- true
has err "the guest's own"
expect 125 "$HULL" run -v ./data:/ -- true
has err 'the root itself'
expect 125 "$HULL" run -v ./data:/x -v ./work:/x/ -- true
has err 'same as that of another share'
expect 125 "$HULL" run -v ./turn:/x -- true
has err 'neither a directory nor a file'
expect 125 "$HULL" run --share-cache=strickt -- true
has err strict
if [ "$me" -eq 0 ]; then
	expect 125 "$HULL" run --share-driver 9p -- true
	has err "'9p' is for ordinary users"
fi
cd /
expect_here() { HULL_HOME=$HULL_HOME "$HULL" run --here -- true 2>"$T/err"; [ $? -eq 125 ] || fail "--here in /"; }
expect_here
has "$T/err" 'whole root'
