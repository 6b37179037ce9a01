#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The source of entropy, and the balloon: what it takes from the guest the host gets, and back.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/device.sh"

mib=1048576

# guest_kib NAME : of the guest's /proc/meminfo
guest_kib()
{
	guest "cat /proc/meminfo"
	awk -v name="$1:" '$1 == name { print $2 }' out
}

# host_kib : what of the VM's memory takes place on the host; the file that hypervisor and share daemon have
# in common
host_kib()
{
	pid=$(status hypervisor_pid)
	for fd in /proc/"$pid"/fd/*; do
		case $(readlink "$fd") in
		*memfd:* | *guest* | *deleted*) stat -L -c '%b %s' "$fd" ;;
		esac
	done | awk '$2 >= 512 * 1048576 { sum = $1 / 2 } END { print sum + 0 }'
}

# less VALUE THAN
less()
{
	[ "$1" -lt "$2" ]
}

guest_free_is_less()
{
	less "$(guest_kib MemFree)" "$1"
}

host_is_less()
{
	less "$(host_kib)" "$1"
}

has_back()
{
	[ "$(status balloon_bytes)" = $((512 * mib)) ] && ! guest_free_is_less "$1"
}

for machine in microvm q35; do
	vm_start "$host_root,\"machine\":\"$machine\",\"memory\":\"512M\",\"rng\":false,$modules_disk,
		\"devices\":[{\"kind\":\"virtio-rng\"},{\"kind\":\"virtio-balloon\"}]"

	guest 'cat /sys/class/misc/hw_random/rng_current; head -c 64 /dev/hwrng | od -An -v -tx1 | tr -d " \n"'
	sed -n 1p out | grep -q virtio_rng || fail "hwrng: $(cat out)"
	mv out first
	guest 'cat /sys/class/misc/hw_random/rng_current; head -c 64 /dev/hwrng | od -An -v -tx1 | tr -d " \n"'
	[ "$(wc -c <out)" -ge 128 ] || fail "hwrng gave: $(cat out)"
	! cmp -s first out || fail "twice the same random bytes"

	# The guest's kernel has touched 200 MB, so that they are the host's loss.
	guest 'head -c 209715200 /dev/zero >/dev/shm/filled && rm /dev/shm/filled'
	before=$(guest_kib MemFree)
	host_before=$(host_kib)
	[ "$host_before" -gt 204800 ] || fail "the VM's memory has $host_before KiB on the host"
	ctl 0 "$C" balloon $((256 * mib))
	wait_for 60 guest_free_is_less $((before - 200 * 1024))
	wait_for 60 sh -c "[ \"\$('$hullctl' '$C' status | sed -n 's/^balloon_bytes=//p')\" = $((256 * mib)) ]"
	wait_for 60 host_is_less $((host_before - 150 * 1024))
	ctl 0 "$C" balloon $((512 * mib))
	wait_for 60 has_back $((before - 16 * 1024))

	ctl 1 "$C" balloon $((513 * mib))
	has err INVALID
	ctl 1 "$C" balloon 0
	has err INVALID
	vm_stop
done

vm_start
ctl 1 "$C" balloon $((64 * mib))
has err 'NOT_FOUND [no-such-device]: the VM has no balloon'
vm_stop
