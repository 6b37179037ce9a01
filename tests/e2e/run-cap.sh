#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Capabilities of the command: what it has, what it can't do without them, that nothing of what was
# dropped comes back.
. "$(dirname "$0")/functions.sh"
requires python3

# The sets as a process of the guest's sees its own: inheritable, permitted, effective, bounding, ambient.
look='sed -n "s/^Cap...:.//p" /proc/self/status'

# caps INHERITABLE PERMITTED EFFECTIVE BOUNDING AMBIENT [FILE]
caps()
{
	is "${6:-out}" "$(printf '%016x\n' "$1" "$2" "$3" "$4" "$5")"
}

# run WORDS... : hull, with no network
run()
{
	"$HULL" run --net none "$@"
}

bind=$((1 << 10)) # net_bind_service
raw=$((1 << 13))  # net_raw
admin=$((1 << 21)) # sys_admin

# ---- without an option: root has all, others none, and nobody is kept from getting them ----

expect 0 run -- sh -c "$look; setpriv --reuid 1000 --clear-groups sh -c '$look'; grep -c ' /proc/sys ' /proc/self/mounts || true"
all=$((0x$(sed -n 3p out)))
[ "$all" -gt 0 ] || fail "root has no capabilities: $(cat out)"
sed -n 1,5p out >root
caps 0 "$all" "$all" "$all" 0 root
sed -n 6,10p out >other
caps 0 0 0 "$all" 0 other
[ "$(sed -n 11p out)" = 0 ] || fail "/proc/sys is guarded without need: $(cat out)"

# ---- what is dropped and what is kept ----

# What is dropped can't be done; what is kept can.  Nor can the kernel be told to run a program outside,
# where it would have them all.
cat >tries <<'END'
touch /file && chown 1 /file && echo CHOWN
mount -t tmpfs none /mnt && echo MOUNT
umount /proc/sys && echo UNMOUNT
mount -o remount,rw /proc/sys && echo REMOUNT
chroot / true && echo CHROOT
hostname other && echo HOSTNAME
date -s @0 >/dev/null && echo DATE
mknod /node b 1 1 && echo MKNOD
kill -0 1 && echo KILL
python3 -I -S -c '
from _socket import *
def attempt(word, what):
    try:
        what()
        print(word)
    except OSError:
        pass
attempt("RAW", lambda: socket(AF_INET, SOCK_RAW, 1))
attempt("BIND", lambda: socket(AF_INET, SOCK_STREAM).bind(("", 80)))' || echo "NOT TRIED"
for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/net/ipv4/ip_forward \
	/proc/sysrq-trigger /sys/kernel/mm/ksm/run /dev/new; do
	echo 0 >"$file" && echo "WRITTEN $file"
done
ls /proc/1/root/ && echo ROOT
cat /proc/1/mem && echo MEMORY
for file in /dev/null /dev/shm/x /tmp/x /run/x /x; do
	echo 1 >"$file" || echo "NOT WRITTEN $file"
done
true
END
expect 0 run --cap none,net_bind_service,chown,net_admin -- sh -c "$(cat tries); $look"
sed -n '/^[A-Z]/p' out >done
is done 'CHOWN
KILL
BIND
WRITTEN /proc/sys/net/ipv4/ip_forward'
tail -n 5 out >root
few=$((bind | 1 | 1 << 12))
caps 0 $few $few $few 0 root

# Other users: ambient, so that what they execute has them.
expect 0 run -u 1000 --cap +net_raw -- sh -c "$look; $(cat tries)"
sed -n 1,5p out >user
caps "$raw" "$raw" "$raw" "$all" "$raw" user
has out RAW
lacks out MOUNT
lacks out CHOWN

# ---- errors ----

expect 125 run --cap net_rw -- true
has err "--cap: unknown capability 'net_rw'; did you mean 'net_raw'?"
has err 'capabilities(7)'
expect 125 run --cap-add sys_admin,chwon -- true
has err "--cap-add: unknown capability 'chwon'; did you mean 'chown'?"
expect 125 run --cap-drop=-chown -- true
has err "--cap-drop: '-chown': no sign is needed here"
expect 125 run --cap= -- true
has err "'' has an empty name in it"
expect 125 run --cap -none -- true
has err "'none' can't be added or dropped"
expect 125 run --cap -- true
has err "'--cap' needs a value"

# The rest is the guest's alone: nothing in it depends on who starts the VM.
[ "$(id -u)" -eq 0 ] || exit 0

# ---- root ----

# What has set-user-ID, what becomes another user and root again, what has capabilities of its own:
# none of them has more than the command; neither has the session's first process, nor can it be traced.
gain='grep=$(command -v grep)
cp "$grep" /mine && chmod 4755 /mine
cp "$grep" /lent && setcap all=p /lent 2>/dev/null || rm /lent
for program in /mine /lent; do
	[ ! -e $program ] || setpriv --reuid 1000 --clear-groups $program -h ^Cap /proc/self/status || exit
	[ ! -e $program ] || $program -h ^Cap /proc/self/status || exit
done
python3 -I -S -c "import os
os.setresuid(1000, 1000, 0)
os.setresuid(0, 0, 0)
print(open(\"/proc/self/status\").read())" | grep ^Cap || exit
grep ^Cap /proc/1/status || exit'

# never MASK : no line of ./out has a capability of it, and there are some lines
never()
{
	python3 - "$1" <<'END' || fail "something got back what was dropped: $(cat out)"
import sys
masks = [int(line.split()[1], 16) for line in open("out") if line.startswith("Cap")]
sys.exit(len(masks) < 20 or any(mask & int(sys.argv[1]) for mask in masks))
END
}

expect 0 run --cap -sys_admin -- sh -c "$look; $gain"
sed -n 1,5p out >root
caps 0 $((all & ~admin)) $((all & ~admin)) $((all & ~admin)) 0 root
never "$admin"
expect 0 run --cap-drop all --cap-add SETUID,CAP_SETGID,Chown,setfcap,fsetid -- sh -c "$look; $gain"
few=$((1 << 7 | 1 << 6 | 1 << 0 | 1 << 31 | 1 << 4))
sed -n 1,5p out >root
caps 0 $few $few $few 0 root
never $((all & ~few))

# None are left, on a terminal neither: what can be done is what is done to one's own.
expect 0 run -t --cap none -- sh -c "tty; stty size >/dev/null && exec 2>/dev/null; $(cat tries)"
tr -d '\r' <out >done
is done '/dev/pts/0
KILL'
# A user namespace, in which it has all of them, does not lead anywhere either.
expect 0 run --cap none,setfcap -- sh -c '
	unshare -U -r true || exit 0 # none to be had
	for path in /proc /mnt; do
		unshare -U -r -m -p -f sh -c "mount -t proc none $path; echo 0 >$path/sys/kernel/core_pattern" && echo WRITTEN
	done
	unshare -U -r -m sh -c "umount /proc/sys; mount -o remount,rw /proc/sys; echo 0 >/proc/sys/kernel/core_pattern" &&
		echo WRITTEN
	unshare -U -r hostname other && echo HOSTNAME
	true'
is out ''

# ---- other users ----

expect 0 run -u 1000 --cap none,net_raw -- sh -c "$look"
caps "$raw" "$raw" "$raw" "$raw" "$raw"
expect 0 run -u 1000:1000 --cap all,-sys_admin -- sh -c "$look"
few=$((all & ~admin))
caps $few $few $few $few $few
expect 0 run -u nobody --cap -sys_admin -- sh -c "$look"
caps 0 0 0 $((all & ~admin)) 0
# One that may become root is root with what is left.
expect 0 run -u nobody --cap none,setuid,setgid -- setpriv --reuid 0 --regid 0 --clear-groups sh -c "$look; $gain"
never $((all & ~(1 << 6 | 1 << 7)))

# ---- the rest works as ever ----

expect 126 run -u 1000 --cap none -- /etc/passwd
expect 127 run --cap none -- no-such-program
expect 0 run --read-only --cap none --pids-limit 20 -- sh -c 'touch /x || echo sealed'
is out sealed
expect 2 run --root none --cap none -- /init
has err 'the first process of a guest'
