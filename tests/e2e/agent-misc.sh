#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the agent does for the VM as a whole: clock, entropy, mounts, power.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"

# clock_near SECONDS
clock_near()
{
	guest 'date +%s'
	off=$(($(cat out) - $1))
	[ "$off" -ge -1 ] && [ "$off" -le 20 ] || fail "the guest's clock is off by $off s"
}

vm_start
clock_near "$(date +%s)"
ctl 0 "$V" time 1000000000000000000
clock_near 1000000000
ctl 0 "$V" info
case $(sed -n 's/^realtime_ns=//p' out) in
10000000[0-9]*) ;;
*) fail "Info tells another time: $(cat out)" ;;
esac
ctl 0 "$V" time "$(date +%s%N)"
clock_near "$(date +%s)"
ctl 1 "$V" time 18446744073709551615
has err 'hullctl: '
clock_near "$(date +%s)"

ctl 0 "$V" entropy "$(head -c 64 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
ctl 0 "$V" entropy "$(head -c 4096 /dev/zero | od -An -v -tx1 | tr -d ' \n')"
ctl 1 "$V" entropy "$(head -c 4097 /dev/zero | od -An -v -tx1 | tr -d ' \n')"
has err INVALID

# Mounts of the VM: below the sessions' root they are seen by sessions, those that run already too.
root=$("$hullctl" "$V" exec roots sh -c 'cat /proc/self/mounts' 2>/dev/null | awk '$2 == "/" { print $3 }')
[ "$root" = overlay ] || fail "the root is '$root'"
session before sh -c 'until [ -e /mnt/mark ]; do sleep 0.1; done; echo seen; until [ ! -e /mnt/mark ]; do sleep 0.1; done; echo gone; exit 3'
follow before before.out
ctl 0 "$V" mount tmpfs visible /run/hull/root/mnt nosuid,size=1m,mode=0700
guest 'touch /mnt/mark; stat -c %a /mnt; grep visible /proc/self/mounts'
has out 700
has out 'tmpfs rw,nosuid'
has out size=1024k
shows before.out seen
guest 'head -c 2000000 /dev/zero >/mnt/big 2>/dev/null || echo full'
is out full
ctl 0 "$V" mount bind /run/hull/root/mnt /run/hull/root/opt/again ro
guest 'ls /opt/again; touch /opt/again/x 2>/dev/null || echo read-only'
has out mark
has out read-only
ctl 0 "$V" unmount /run/hull/root/opt/again
# Busy for as long as the session looks at what is in it, which it does ten times a second.
wait_for 30 "$hullctl" "$V" unmount /run/hull/root/mnt
shows before.out gone
ended before 3
guest 'ls /mnt'
is out ''

# Mounts that can't be: the error names what and why; nothing is left of them.
ctl 1 "$V" mount no-such-fs none /run/hull/root/mnt
has err "UNSUPPORTED"
has err no-such-fs
ctl 1 "$V" mount tmpfs none relative/path
has err 'INVALID: '
has err relative/path
ctl 1 "$V" mount tmpfs none /run/hull/root/mnt size=nonsense
has err /run/hull/root/mnt
ctl 1 "$V" mount ext4 serial:no-such-disk /run/hull/root/mnt
has err no-such-disk
ctl 1 "$V" unmount /run/hull/root/mnt
has err /run/hull/root/mnt
ctl 1 "$V" unmount /run/hull/root/no/such/place
has err /no/such/place
guest 'grep -c /mnt /proc/self/mounts || true'
is out 0

# A busy mount stays, unless it is to be detached.
ctl 0 "$V" mount tmpfs busy /run/hull/root/mnt
session holder sh -c 'cd /mnt && echo holding && exec sleep 1000'
follow holder holder.out
shows holder.out holding
ctl 0 "$V" unmount --detach /run/hull/root/mnt
guest 'grep -c busy /proc/self/mounts || true'
is out 0
ctl 0 "$V" delete holder

# There are no containers yet.
for words in 'create c1/x true' 'start c1/x' 'wait c1/x' 'delete c1/x'; do
	# shellcheck disable=SC2086
	ctl 1 "$V" $words
	has err NOT_FOUND
done
ctl 1 "$V" call NoSuchMethod
has err UNSUPPORTED

# Power off: in order, while things run.
session busy sh -c 'exec sleep 1000'
ctl 0 "$V" poweroff
vm_ended shutdown
ctl 1 "$V" health

vm_start '"agent":"hull"' # without a root of its own: the initramfs
ctl 0 "$V" list
ctl 0 "$V" poweroff --reboot
vm_ended reboot
