#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest of another architecture: it boots, runs what it is given, has shares, modules and a network, and
# tells of its panic; what can't go together is refused.
. "$(dirname "$0")/functions.sh"
requires qemu-system-aarch64 file python3
[ "$(uname -m)" != aarch64 ] || skip "this host is aarch64"

build=$(dirname "$HULL")
guest=${HULL_GUEST_DIR:-$build/guest}
busybox=$build/e2e/aarch64/bin/busybox
[ -e "$guest/aarch64/modules.img" ] || skip "no guest: './dev guest aarch64' makes one"
[ -x "$busybox" ] || skip "no '$busybox': './dev test' brings it"

# run CODE ARGS... : with the arm64 busybox as the one program
run()
{
	code=$1
	shift
	expect "$code" "$HULL" run --arch aarch64 -v "$busybox:/bin/busybox:ro" "$@"
}

mkdir share web
echo 'by the network' >web/page
python3 -u -m http.server --bind 127.0.0.1 --directory web 0 >web.out 2>&1 &
server=$!
on_exit 'kill $server'
wait_for 10 grep -q 'port [0-9]' web.out
port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' web.out)
echo 'of the host' >share/in
echo 'by stdin' >input
cat >share/script <<'END'
export PATH=/box:$PATH
/bin/busybox mkdir /box
/bin/busybox --install -s /box
uname -m
cat
cat /share/in
echo 'of the guest' >/share/out
wget -q -O - "http://10.0.2.2:$1/page"
[ -e /sys/class/iommu/smmu3.* ] && [ "$(ls /sys/kernel/iommu_groups | wc -l)" -ge 4 ] && echo iommu
ip link add d0 type dummy && test -e /sys/class/net/d0 && echo module
mkdir /fs && mount -t virtiofs tag /fs && cat /fs/in
echo 'on stderr' >&2
exit 7
END
run 7 -i -c 2 --memory-max 1G --iommu smmuv3 -v ./share:/share --device virtio-fs,sharedDir=share,mountTag=tag -- \
	busybox sh /share/script "$port" <input
is out 'aarch64
by stdin
of the host
by the network
iommu
module
of the host'
is err 'on stderr'
is share/out 'of the guest'

# Its panic, and its memory.
run 125 --net none --dump-on-panic core -- /bin/busybox sh -c 'echo c >/proc/sysrq-trigger'
has err 'panicked: Kernel panic - not syncing: sysrq triggered crash'
has err "its memory is in '$T/core'"
case $(file -b core) in
'ELF 64-bit LSB core file, ARM aarch64'*) ;;
*) fail "the dump is: $(file -b core)" ;;
esac

# refused ARGS... : before anything boots
refused()
{
	expect 125 "$HULL" run "$@" -- true
}
refused --arch arm64 --root host
has err "this host's programs are for $(uname -m), and the guest is aarch64"
has err '-v ./busybox:/bin/busybox:ro'
refused --arch aarch64 --machine q35
has err "there is no 'q35' of aarch64"
refused --arch aarch64 --accel kvm
has err "accelerator 'kvm': the guest is of another architecture than the host"
has err '--accel tcg'
refused --arch riscv64
has err "unknown architecture 'riscv64'"
refused --arch aarch64 --kernel "$guest/vmlinux"
has err 'is for x86-64, and this VM is arm64'
has err '--arch x86_64'
refused --kernel "$guest/aarch64/Image"
has err 'is for arm64, and this VM is a PC'
has err '--arch aarch64'
head -c 3000000 "$guest/aarch64/Image" >cut
refused --arch aarch64 --kernel cut
has err 'is cut off'
mkdir alone
cp "$HULL" alone/hull
expect 125 env -u HULL_GUEST_DIR alone/hull run --arch aarch64 -- true
has err "'./dev guest aarch64'"
