#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What bounds a VM: the disk that its changes go to, a root that takes none, processes, CPU time.
. "$(dirname "$0")/functions.sh"
requires python3

# begin OPTIONS... -- COMMAND... : in the background, until it has printed "ready"
begin()
{
	[ -p hold ] || mkfifo hold
	: >out
	"$HULL" run -i "$@" <>hold >out 2>err &
	pid=$!
	tries=2400
	until grep -q ready out; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null || fail "it did not begin: $(cat err)"
		sleep 0.1
	done
}
on_exit 'kill $pid 2>/dev/null'
pid=

# ended CODE : after a line to read
ended()
{
	echo >hold
	code=0
	wait "$pid" || code=$?
	pid=
	[ "$code" -eq "$1" ] || fail "exit code $code, not $1: $(cat err)"
}

# of_vm NAME : pid of that program of the VM's
of_vm()
{
	monitor=$(cat "/proc/$pid/task/$pid/children")
	for p in $monitor $(cat "/proc/${monitor% }/task/${monitor% }/children"); do
		case $(cat "/proc/$p/comm") in
		"$1"*) echo "$p" ;;
		esac
	done
}

# ---- changes: on a disk there is room for as much as was asked for ----

# More than half of the memory.
fill='dd if=/dev/zero of=/big bs=1M count=160 2>/dev/null'
if [ -x /sbin/mkfs.ext4 ]; then
	begin -m 256M --scratch 16M --scratch 1G -- sh -c "$fill && sync && stat -c %s /big && echo ready && read -r line"
	has out 167772160
	file=
	for fd in "/proc/$(of_vm qemu)"/fd/*; do
		case $(readlink "$fd") in
		/var/tmp/*\(deleted\)) file=$fd ;;
		esac
	done
	[ -n "$file" ] || fail "QEMU has no nameless file in /var/tmp open"
	[ "$(stat -L -c %s "$file")" -eq $((1 << 30)) ] || fail "the disk has another size"
	blocks=$(stat -L -c %b "$file")
	[ "$blocks" -ge 327680 ] || fail "the 160 MiB are not on the disk: $blocks blocks"
	ended 0
	expect 125 "$HULL" run --scratch 1M -- true
	has err "'1M' is too small"
	expect 125 "$HULL" run --scratch lots -- true
	has err "'lots' is not a size"
fi

# ---- a root that can't be written to; processes: so many and not one more ----

expect 0 "$HULL" run -u nobody --read-only --pids-limit 20 -- sh -c 'echo hi >/tmp/x && cat /tmp/x && mktemp && pwd && exec python3 -I -S -c "$0"' '
import os, time
n = 0
try:
    while n < 1000:
        if os.fork() == 0:
            time.sleep(1000)
        n += 1
except OSError as e:
    print(n, e.strerror)'
has out hi
sed -n '4,$p' out >forked
is forked '19 Resource temporarily unavailable'
expect 125 "$HULL" run --read-only --scratch 1G -- true
has err 'of no use for a root that refuses writes'
expect 125 "$HULL" run --read-only --root none -- true
has err 'there is no root to protect'
expect 125 "$HULL" run --pids-limit 0 -- true
has err "'0' is not a number from 1"
expect 125 "$HULL" run --cpu-limit 0 -- true
has err "'0' is not a number of CPUs"
expect 125 "$HULL" run --cpu-limit some -- true
has err "'some' is not a number of CPUs"

# ---- CPU time: all of the VM in a group that gets so much, or a refusal ----

# With one process there can't be another.
alone='trap "echo over \$?; exit 3" EXIT; /bin/true; echo forked'
code=0
"$HULL" run --cpu-limit 1.5 --pids-limit 1 -- sh -c "$alone" >out 2>err || code=$?
if [ $code -eq 125 ]; then
	has err "CPU time can't be limited"
	has err 'CPUQuota=150%'
	cpu_limited=
	code=0
	"$HULL" run --pids-limit 1 -- sh -c "$alone" >out 2>err || code=$?
else
	cpu_limited=yes
fi
[ $code -eq 3 ] || fail "exit code $code: $(cat err)"
is out 'over 2'

# in_group GROUP NAME : a process of that name is in it
in_group()
{
	for p in $(cat "$1/cgroup.procs"); do
		case $(cat "/proc/$p/comm") in
		"$2"*) return 0 ;;
		esac
	done
	return 1
}

# throttled : how often the group had to wait
throttled()
{
	sed -n 's/^nr_throttled //p' "$group/cpu.stat"
}

if [ -n "$cpu_limited" ]; then
	begin --cpu-limit 0.4 -- sh -c 'echo ready; while :; do :; done'
	group=
	for dir in $(find /sys/fs/cgroup/ -type d -name "hull-$(basename "$HULL_HOME"/run/vm/*)" 2>/dev/null); do
		[ ! -e "$dir/cpu.max" ] && [ ! -e "$dir/cpu.cfs_quota_us" ] || group=$dir
	done
	[ -n "$group" ] || fail "there is no group with the cpu controller"
	if [ -e "$group/cpu.max" ]; then
		is "$group/cpu.max" '40000 100000'
	else
		is "$group/cpu.cfs_quota_us" 40000
		is "$group/cpu.cfs_period_us" 100000
	fi
	in_group "$group" qemu || fail "QEMU is not in $group"
	in_group "$group" virtiofsd || fail "virtiofsd is not in $group"
	! in_group "$group" hull || fail "a process of hull's own is in $group"
	before=$(throttled)
	spent=$(awk '{ print $14 + $15 }' "/proc/$(of_vm qemu)/stat")
	sleep 3
	spent=$(($(awk '{ print $14 + $15 }' "/proc/$(of_vm qemu)/stat") - spent))
	[ "$spent" -lt 180 ] || fail "QEMU took $spent hundredths of a second in three seconds"
	# On a busy host it may not even get what it is allowed.
	[ "$(throttled)" -gt "$before" ] || [ "$spent" -lt 110 ] ||
		fail "nothing was held back: $(cat "$group/cpu.stat")"

	# Whoever dies, the group goes.
	kill -KILL "$(cat "/proc/$pid/task/$pid/children")"
	wait "$pid" && fail "the VM lived on without its monitor"
	pid=
	[ ! -d "$group" ] || fail "$group is left"
fi

# ---- the guest's own affair, whoever starts the VM ----

[ "$(id -u)" -eq 0 ] || exit 0

# Without a disk changes get half of the memory.
expect 0 "$HULL" run -m 256M -- sh -c "! $fill"

# A read-only root can't be written to, whoever tries; what stays writable is beside it.
cat >tries <<'END'
for file in /x /etc/x /usr/bin/x /root/x /var/tmp/x; do
	echo 1 2>/dev/null >"$file" && echo "WRITTEN $file"
done
rm /etc/passwd 2>/dev/null && echo REMOVED
mkdir /dir 2>/dev/null && echo MADE
chmod 777 / 2>/dev/null && echo CHANGED
mv /etc /etc2 2>/dev/null && echo RENAMED
for way in remount,rw remount,bind,rw; do
	mount -o $way / 2>/dev/null
	touch /x 2>/dev/null && echo "WRITTEN after $way"
done
for dir in /tmp /run /dev /dev/shm; do
	echo 1 >"$dir/x" && cat "$dir/x" >/dev/null || echo "NOT WRITTEN $dir"
done
touch /y
END
expect 1 "$HULL" run --read-only -- sh -c "$(cat tries)"
is out ''
has err "'/y': Read-only file system"

# A fork bomb leaves the VM its wits; it is looked at with what the shell has in it, since whatever must
# be started waits behind fifty who never stop.
begin --pids-limit 50 -- python3 -I -S -c 'import os
print("ready", flush=True)
while True:
    try:
        os.fork()
    except OSError:
        pass'
vsock=$(echo "$HULL_HOME"/run/vm/*/vsock.sock)
expect 0 timeout 60 "${HULLCTL:-$(dirname "$HULL")/tests/e2e/hullctl}" "$vsock" exec look sh -c '
	cd /sys/fs/cgroup/s0
	now() # in hundredths of a second
	{
		read -r up idle </proc/uptime
		now=${up%.*}${up#*.}
	}
	until read -r n <pids.current && [ "$n" -ge 51 ]; do :; done # with the init of the session
	now
	end=$((now + 50))
	most=0
	while [ "$now" -lt "$end" ]; do
		read -r n <pids.current
		[ "$n" -le "$most" ] || most=$n
		now
	done
	read -r max <pids.max
	echo "$n $most $max"'
is out '51 51 51'
kill -TERM "$pid"
wait "$pid" && fail "the bomb succeeded"
pid=
