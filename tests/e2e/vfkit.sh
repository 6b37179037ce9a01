#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "hull vfkit", and a link named vfkit: a machine from vfkit's command line, in the foreground; what is refused is
# told as vfkit does it.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/initramfs.sh"
requires socat curl
ln -s "$HULL" vfkit
started=
on_exit 'kill -9 $started 2>/dev/null' # shellcheck disable=SC2016

# A guest with the drivers of its devices, which tells what it finds.
initramfs virtio_pci virtio_blk virtio-rng virtio_console <<'END'
[ ! -e /dev/hvc0 ] || exec </dev/hvc0 >/dev/hvc0 2>&1
[ ! -e /dev/hvc0 ] || { stty raw -echo; echo 'type:'; read line; echo "input: $line"; }
echo "cmdline: $(cat /proc/cmdline)"
echo "disk: $(head -c 5 /dev/vda) serial $(cat /sys/block/vda/serial)"
[ ! -b /dev/vdb ] || echo "label: $(dd if=/dev/vdb bs=1 skip=32808 count=6 2>/dev/null)"
echo changed | dd of=/dev/vda bs=512 seek=1 conv=sync,fsync 2>/dev/null
echo "rng: $(cat /sys/class/misc/hw_random/rng_current) $(head -c 64 /dev/hwrng | wc -c)"
echo "cpus: $(nproc), memory: $(sed -n 's/MemTotal: *//p' /proc/meminfo)"
grep -q stay /proc/cmdline || echo o >/proc/sysrq-trigger
sleep 600
END
printf 'hello' >disk.raw
echo '#cloud-config' >user-data
truncate -s 1M disk.raw

# launch ARGS... : starts it with Debian's kernel, reads its console into ./console
launch()
{
	rm -f err # what is waited for is not told by the one before
	"$@" >out 2>err &
	started=$!
	wait_for 60 grep -q 'serial console is' err
	sock=$(sed -n "s/.*serial console is '\(.*\)'/\1/p" err)
	socat -u "UNIX-CONNECT:$sock" - >console 2>/dev/null &
	reader=$!
}

# ends CODE : it ends by itself, in its time
ends()
{
	code=0
	wait "$started" || code=$?
	started=
	wait "$reader"
	[ "$code" -eq "$1" ] || fail "exited with $code, not $1: $(cat err); console: $(tail -c 600 console)"
}

# The old flags for a kernel; the guest powers off.
launch "$HULL" vfkit --cpus 2 --memory 256 -k "$guest/vmlinuz" -i initrd -C 'quiet tell="a  b"' --pidfile pid \
	-d virtio-blk,path=disk.raw,deviceId=first -d virtio-rng --cloud-init user-data
[ "$(cat pid)" = "$started" ] || fail "the pid file has $(cat pid), not $started"
[ "$(stat -c %a pid)" = 600 ] || fail "pid file: $(stat -c %a pid)"
ends 0
is out ''
has console 'quiet tell="a  b"'
has console 'disk: hello serial first'
has console 'label: cidata'
has console 'rng: virtio_rng.0 64'
has console 'cpus: 2, memory: 2'
[ "$(dd if=disk.raw bs=512 skip=1 count=1 2>/dev/null | head -c 7)" = changed ] || fail 'the disk was not written'
[ -e pid ] || fail 'the pid file was removed' # vfkit leaves it

# The bootloader, by the link, from another directory; SIGTERM, for which this guest does nothing.
mkdir elsewhere
cp initrd elsewhere/ird
cd elsewhere || exit 1
launch "$T/vfkit" --bootloader "linux,kernel=$guest/vmlinuz,initrd=ird,cmdline=\"quiet stay\"" --log-level info \
	--restful-uri "unix://$T/api.sock"
wait_for 60 grep -q 'memory:' console
has console 'cpus: 1, memory: 4'
expect 0 curl -s --unix-socket ../api.sock http://vm/vm/state
has out '"state":"VirtualMachineStateRunning"'
expect 0 curl -s --unix-socket ../api.sock http://vm/vm/inspect
has out '{"vcpus":1,"memoryBytes":536870912,"bootloader":{"kind":"linuxBootloader",'
has out '"kernelCmdLine":"quiet stay"'
kill -TERM "$started"
ends 0
[ -z "$(ls "$HULL_HOME/run/vm")" ] || fail 'a machine is left'
cd .. || exit 1

: >out
# Standard input and output are hvc0; nothing else is on them.
(wait_for 60 grep -q 'type:' out && echo typed) | expect 0 timeout 100 "$HULL" vfkit -k "$guest/vmlinuz" -i initrd \
	-C 'quiet' -d virtio-serial,stdio -d virtio-blk,path=disk.raw || exit 1
has out 'input: typed'
has out 'disk: hello serial '
[ "$(head -c 5 out)" = type: ] || fail "it begins with $(head -n 1 out)"

# As soon as there is a pid file, it can be used.
./vfkit -k "$guest/vmlinuz" -i initrd -C stay --pidfile soon >out 2>err &
started=$!
wait_for 30 test -s soon
kill -INT "$(cat soon)"
code=0
wait "$started" || code=$?
started=
[ "$code" -eq 0 ] || fail "stopped at once, it exited with $code: $(cat err)"

# Words are asked for; whatever else is there.
expect 0 ./vfkit --version --cpus 0
is out 'vfkit version: v0.6.4'
for by in "$HULL vfkit" ./vfkit; do
	expect 0 $by --help
	has out 'vfkit [flags]'
	has out 'ignore-if-missing'
	is err ''
done

# refused TEXT ARGS... : told before and after the usage, and nothing is started
refused()
{
	text=$1
	shift
	expect 1 ./vfkit "$@"
	is out ''
	[ "$(head -n 1 err)" = "Error: $text" ] || fail "it says $(head -n 1 err)"
	has err 'vfkit [flags]'
	tail -n 2 err | grep -qxF -- "$text" || fail "it ends with $(tail -n 2 err)"
}
linux="-k $guest/vmlinuz -i initrd -C quiet"
refused "vfkit has no flag '--devise'; did you mean '--device'?" --devise virtio-rng
refused '--kernel and --bootloader exclude each other' $linux -b efi
expect 1 ./vfkit
refused 'bootloader macos: macOS runs on Apple'"'"'s computers only' -b macos
refused 'rosetta: there is no such translator on this host, only on Apple'"'"'s computers' $linux -d rosetta,mountTag=r
refused 'cpus: must be 1 to 256, not 0' $linux -c 0
refused 'memory: must be 67108864 to 4398046511104, not 0' $linux -m 0
refused "bootloader efi: 'variable-store' is needed" -b efi
refused "--cloud-init: open 'none/user-data': No such file or directory" $linux --cloud-init none/user-data
refused '--cloud-init: a file named user-data or meta-data is needed' $linux --cloud-init initrd
refused "--device 'virtio-blk,path=none': virtio-blk: open image 'none': No such file or directory" $linux -d virtio-blk,path=none
refused "--pidfile: write '/none/pid': No such file or directory" $linux --pidfile /none/pid
expect 1 ./vfkit $linux --restful-uri none:x
has err '--restful-uri'
expect 1 ./vfkit -b efi,variable-store=nv -d rosetta,mountTag=r,ignore-if-missing --ignition missing
has err "there is no '$T/nv'"
has err 'rosetta is missing on this host and left out'
has err "--ignition: open 'missing': No such file or directory; the guest gets none"
expect 1 ./vfkit -b efi,variable-store=nv --log-level error --ignition missing
lacks err 'gets none'
# The pid file is written before devices are looked at.
expect 1 ./vfkit $linux --pidfile early -d virtio-blk,path=none
[ -s early ] || fail 'no pid file'
