#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a VM's memory and processors are made of, as the host and the guest see it.
. "$(dirname "$0")/functions.sh"
requires jq qemu-img

# begin OPTIONS... -- COMMAND... : in the background, until it has printed "ready"
begin()
{
	[ -p hold ] || mkfifo hold
	: >out
	"$HULL" run -i --net none "$@" <>hold >out 2>err &
	pid=$!
	tries=600
	until grep -q ready out; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null || fail "it did not begin: $(cat err)"
		sleep 0.1
	done
}
on_exit 'kill $pid 2>/dev/null'
pid=

# ended : after a line to read, with success
ended()
{
	echo >hold
	wait "$pid" || fail "exit code $?: $(cat err)"
	pid=
}

# of_vm NAME : pid of that program of the VM's
of_vm()
{
	monitor=$(cat "/proc/$pid/task/$pid/children")
	for p in $(cat "/proc/${monitor% }/task/${monitor% }/children"); do
		case $(cat "/proc/$p/comm") in
		"$1"*) echo "$p" ;;
		esac
	done
}

# mapping PATTERN : of QEMU's memory, the largest mapping of a file like that: NAME SIZE-KB PAGE-KB
mapping()
{
	awk -v pattern="$1" '/^[0-9a-f]+-[0-9a-f]+ / { file = $6; shared = $2 ~ /s$/ }
		/^Size:/ { size = $2 }
		/^KernelPageSize:/ && shared && file ~ pattern && size > most { most = size; best = file " " size " " $2 }
		END { print best }' "/proc/$(of_vm qemu)/smaps"
}

# mergeable : how many mappings of QEMU's the kernel may merge with others
mergeable()
{
	grep -c '^VmFlags:.* mg' "/proc/$(of_vm qemu)/smaps"
}

# pollers N : so many of QEMU's threads wait in ppoll(): the main one, and those for I/O
pollers()
{
	case $(uname -m) in
	x86_64) ppoll=271 ;;
	*) ppoll=73 ;;
	esac
	[ "$(cat "/proc/$(of_vm qemu)"/task/*/syscall | grep -c "^$ppoll ")" -eq "$1" ]
}

# refused CODE CAUSE MESSAGE HINT OPTIONS... : before anything runs
refused()
{
	refused_code=$1
	cause=$2
	message=$3
	hint=$4
	shift 4
	expect 125 "$HULL" run --log-format json --net none "$@" -- true
	[ "$(jq -r '.error.code + " " + .error.cause' err)" = "$refused_code $cause" ] || fail "not $refused_code $cause: $(cat err)"
	case $(jq -r .error.message err) in *"$message"*) ;; *) fail "lacks '$message': $(cat err)" ;; esac
	case $(jq -r .error.hint err) in *"$hint"*) ;; *) fail "lacks the hint '$hint': $(cat err)" ;; esac
}

# ---- memory: there before the guest starts, locked, in a file, of huge pages ----

mib=128
locks=yes
"$HULL" run --net none -m ${mib}M --memory-backing lock -- true >out 2>err || locks=
if [ -n "$locks" ]; then
	begin -m ${mib}M --memory-backing lock -- sh -c 'echo ready; read -r line'
	locked=$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(of_vm hull-fill)/status")
	[ "$locked" -eq $((mib << 10)) ] || fail "$locked kB are locked"
	there=$(mapping guest-memory)
	[ "${there#* }" = "$((mib << 10)) 4" ] || fail "the memory is '$there'"
	ended
else
	limit=$(ulimit -Hl)
	[ "$limit" != unlimited ] && [ "$limit" -lt $((mib << 10)) ] || fail "can't be locked: $(cat err)"
	refused EXHAUSTED memory-lock-limit "$mib MiB can't be locked in memory: the limit is $limit KiB" 'ulimit -Hl' \
		-m ${mib}M --memory-backing lock
fi

# The host's kernel may merge equal pages of machines, but not those of one that is to be isolated.
# Memory that a server of files can see is in a file, of which the kernel merges nothing.
if [ -e /sys/kernel/mm/ksm/run ] && [ "$(id -u)" -ne 0 ]; then
	begin --share-driver 9p -- sh -c 'echo ready; read -r line'
	[ "$(mergeable)" -gt 0 ] || fail 'nothing can be merged'
	ended
	begin --share-driver 9p --isolation strict -- sh -c 'echo ready; read -r line'
	[ "$(mergeable)" -eq 0 ] || fail "$(mergeable) mappings can be merged"
	ended
fi

# A file without a name on a disk, all of it there.
mkdir mem
begin -m ${mib}M --memory-backing "prealloc,dir=$T/mem" -- sh -c 'echo ready; read -r line'
there=$(mapping "^$T/mem/")
[ "${there#* }" = "$((mib << 10)) 4" ] || fail "the memory is '$there': $(grep "$T/mem" "/proc/$(of_vm qemu)/maps")"
wait_for 10 pollers 1
[ -z "$(ls -A mem)" ] || fail 'the file has a name'
for fd in "/proc/$(of_vm qemu)"/fd/*; do
	case $(readlink "$fd") in
	"$T"/mem/*) file=$fd ;;
	esac
done
[ "$(stat -L -c '%s %a' "$file")" = "$((mib << 20)) 600" ] || fail "the file is $(stat -L "$file")"
[ "$(stat -L -c %b "$file")" -ge $((mib << 11)) ] || fail "not all of it is there: $(stat -L "$file")"
ended

# All that the host has is more than it has to give.
total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
refused EXHAUSTED host-memory 'are to be there before it starts' 'leave prealloc and lock out' \
	-m "${total}M" --memory-backing prealloc
refused EXHAUSTED no-space "'$T/mem' has room for" 'choose another directory' -m 4194304M --memory-backing "dir=$T/mem"
refused NOT_FOUND no-such-file "open '$T/none'" '' --memory-backing "dir=$T/none"

refused TIMEOUT agent-silent 'did not greet within 20 ms' 'give it longer with --boot-timeout' \
	-m 256M --memory-backing prealloc --boot-timeout 20ms

# Whole pages of the host's own size, which it has back when the machine is gone.
kib=$(awk '/^Hugepagesize/ { print $2 }' /proc/meminfo)
pages=/sys/kernel/mm/hugepages/hugepages-${kib}kB
counter() # NAME
{
	cat "$pages/$1_hugepages"
}
need=$((mib << 10))
[ -z "$kib" ] || need=$((need / kib))
reserved=
if [ "$(id -u)" -eq 0 ] && [ -n "$kib" ] && [ $((mib << 10)) -ge "$kib" ]; then
	had=$(counter nr)
	on_exit "echo $had >$pages/nr_hugepages"
	{ echo $((had + need)) >$pages/nr_hugepages; } 2>/dev/null
	[ $(($(counter free) - $(counter resv))) -lt $need ] || reserved=yes
fi
if [ -n "$reserved" ]; then
	before="$(counter nr) $(counter free) $(counter resv)"
	begin -m ${mib}M --memory-backing hugepages -v "$T:/x:ro" --device "virtio-vsock,port=5,socketURL=$T/socket" -- sh -c 'echo ready; read -r line'
	there=$(mapping guest-memory)
	[ "${there#* }" = "$((mib << 10)) $kib" ] || fail "the memory is '$there'"
	[ $(($(counter free) - $(counter resv))) -lt $need ] || fail 'the pages are not reserved'
	ended
	is_now="$(counter nr) $(counter free) $(counter resv)"
	[ "$is_now" = "$before" ] || fail "huge pages were $before and are $is_now"
	begin -m ${mib}M --memory-backing "hugepages=${kib}K,prealloc" -- sh -c 'echo ready; read -r line'
	[ "$(counter resv)" -eq "${before##* }" ] || fail 'not all of it is there'
	ended
	echo "$had" >$pages/nr_hugepages
fi
if [ -n "$kib" ] && [ $(($(counter free) - $(counter resv))) -lt $need ] && [ "$(counter nr_overcommit)" = 0 ]; then
	refused EXHAUSTED huge-pages "$mib MiB of memory take $need huge pages of $kib KiB" \
		"as root: echo $(($(counter nr) + need - $(counter free) + $(counter resv))) >$pages/nr_hugepages" \
		-m ${mib}M --memory-backing hugepages
fi
refused UNSUPPORTED huge-pages 'no huge pages of 8 KiB' '' --memory-backing hugepages=8K

# ---- limits: room for more, and an ACPI that tells of it; what the CPU has; an IOMMU ----

truncate -s 1M nvme.raw
echo 'by way of the IOMMU' | dd of=nvme.raw conv=notrunc status=none
expect 0 "$HULL" run --net none -m 256M --memory-backing prealloc --memory-max 1G --memory-slots 3 --cpus-max 4 \
	--accel tcg --cpu max --cpu-feature +svm,-avx --iommu intel --device nvme,path=nvme.raw -- sh -c '
	cat /sys/devices/system/cpu/possible /sys/devices/system/cpu/present
	ls /sys/bus/acpi/devices | grep -c ^PNP0C80
	for feature in svm avx sse4_2; do grep -m 1 -c -w $feature /proc/cpuinfo; done
	ls /sys/class/iommu
	cd /sys/block/nvme0n1/device/device
	basename "$(readlink iommu)"
	cat iommu_group/type
	head -n 1 /dev/nvme0n1'
is out '0-3
0
3
1
0
1
dmar0
dmar0
DMA-FQ
by way of the IOMMU'
refused INVALID '' "cpus_max: machine 'microvm' can't be given more" '' --machine microvm --cpus-max 2
refused INVALID '' "iommu: machine 'microvm' has none" '' --machine microvm --iommu intel
refused INVALID unknown-cpu-feature "this CPU has no feature 'avx3' to switch on" '-cpu help' --cpu-feature +avx3
refused UNSUPPORTED cpu-feature "'avx512f' can't be had" 'another model' --accel tcg --cpu-feature +svm,+avx512f

# ---- disks: caches, queues, threads; what entropy comes from ----

truncate -s 1M direct.raw through.raw
qemu-img create -q -f qcow2 image.qcow2 1M
direct=writeback # not every file system has direct I/O
! dd if=direct.raw of=/dev/null iflag=direct bs=4k count=1 status=none 2>/dev/null || direct=none
cat >vm.json <<END
{"version": 1, "cpus": 2, "rng_source": "/dev/zero", "disks": [
  {"path": "direct.raw", "serial": "direct", "cache": "$direct", "queues": 2, "iothread": true},
  {"path": "through.raw", "serial": "through", "cache": "writethrough", "queues": 1, "discard": true},
  {"path": "image.qcow2", "serial": "image", "format": "qcow2", "cache": "unsafe"}]}
END
cat >guest.sh <<'END'
for name in direct through image; do
	for at in /sys/block/vd*; do
		[ "$(cat "$at/serial")" = $name ] || continue
		echo $name $(ls "$at/mq" | wc -l) $(cat "$at/queue/write_cache")
		tr '\0' x </dev/zero | dd of=/dev/${at##*/} bs=64k count=16 iflag=fullblock status=none
		echo of the guest | dd of=/dev/${at##*/} bs=512 conv=sync,fsync status=none
		blkdiscard -o 64k /dev/${at##*/}
	done
done
echo rng $(head -c 4 /dev/hwrng | od -An -tx1)
echo ready
read -r line
END
begin --config vm.json -v "$T/guest.sh:/guest.sh:ro" -- sh /guest.sh
is out 'direct 2 write back
through 1 write through
image 2 write back
rng 00 00 00 00
ready'
wait_for 10 pollers 2
is_direct=
for fd in "/proc/$(of_vm qemu)"/fd/*; do
	[ "$(readlink "$fd")" = "$T/direct.raw" ] || continue
	flags=$(sed -n 's/^flags:[^0-9]*//p' "/proc/$(of_vm qemu)/fdinfo/${fd##*/}")
	[ $((flags & 040000)) -eq 0 ] || is_direct=none
done
[ "${is_direct:-writeback}" = $direct ] || fail "direct.raw is open with flags $flags"
ended
for file in direct.raw through.raw; do
	dd if=$file bs=512 count=1 status=none | head -n 1 >wrote
	is wrote 'of the guest'
done
# What it has discarded is back where that was said, and only there.
[ "$(stat -c %b direct.raw)" -ge 2048 ] || fail "direct.raw has shrunk to $(stat -c %b direct.raw) blocks"
[ "$(stat -c %b through.raw)" -le 512 ] || fail "through.raw still has $(stat -c %b through.raw) blocks"

printf '{"version": 1, "rng_source": "/dev/null"}' >vm.json
refused INVALID '' "rng_source: '/dev/null' gives no bytes" '' --config vm.json
printf '{"version": 1, "rng_source": "direct.raw"}' >vm.json
refused INVALID '' "rng_source: '$T/direct.raw' is no character device" '' --config vm.json
refused UNSUPPORTED '' "devices[0]: QEMU can't flush each write to a disk on the USB" "cache 'writeback'" \
	--device usb-mass-storage,path=direct.raw,cache=writethrough

# A file system without direct I/O.
mkdir ram
if [ "$(id -u)" -eq 0 ] && mount -t ramfs none ram 2>/dev/null; then
	on_exit "umount $T/ram"
	truncate -s 1M ram/disk
	printf '{"version": 1, "disks": [{"path": "ram/disk", "cache": "directsync"}]}' >vm.json
	refused UNSUPPORTED '' "disks[0]: the file system of '$T/ram/disk' has no direct I/O" "cache 'writeback'" --config vm.json
	refused UNSUPPORTED '' "devices[0]: the file system of '$T/ram/disk' has no direct I/O" '' \
		--device virtio-blk,path=ram/disk,cache=none
fi
