#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Screens that are looked at by VNC: a viewer gets what the guest draws, and what it types and where it points arrives
# in the guest; on a private socket or on a port, by hull's options, its description, and vfkit's --gui.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/device.sh"
. "$(dirname "$script")/initramfs.sh"
. "$(dirname "$script")/net.sh"
program=$(cat "$(dirname "$script")/device-screen.py") # for the guest, which does not see the file
started=
on_exit 'kill -9 $started 2>/dev/null' # shellcheck disable=SC2016

# viewer WHERE WORDS... : see device-vnc.py
viewer()
{
	timeout 100 python3 "$(dirname "$script")/device-vnc.py" "$@"
}

# shows_pattern WHERE
shows_pattern()
{
	viewer "$1" picture shot.png && python3 "$(dirname "$script")/device-screen.py" check shot.png 640 480
}

# heard NAME COUNT COMMAND... : what the guest's input device NAME has to tell while COMMAND runs, in ./heard
heard()
{
	number=$((${number-0} + 1))
	session "listener-$number" python3 -I -S -c "$program" keys "$1" "$2"
	follow "listener-$number" heard
	shows heard listening
	shift 2
	expect 0 "$@"
	ended "listener-$number" 0
}

# launch COMMAND... : in the background, until it tells where the screen is: $where.  What it reads comes from 9.
mkfifo turn
exec 9<>turn
launch()
{
	rm -f err # what is waited for is not told by the one before
	timeout 150 "$@" <turn >out 2>err &
	started=$!
	wait_for 100 grep -q 'shown by VNC: vncviewer' err
	where=$(sed -n "s/.*: vncviewer '\(.*\)'$/\1/p; s/.*: vncviewer 127.0.0.1::\([0-9]*\)$/\1/p" err)
}

finished()
{
	wait "$started" || fail "it exited with $?: $(cat err)"
	started=
}

# ---- a guest with hull's agent ----

screen='{"kind":"virtio-gpu","width":640,"height":480}'
input='{"kind":"virtio-input","type":"keyboard"},{"kind":"virtio-input","type":"pointing"}'
for machine in microvm q35; do
	vm_start "$host_root,\"machine\":\"$machine\",\"memory\":\"512M\",$modules_disk,\"display\":{\"kind\":\"vnc\"},
		\"devices\":[$screen,$input,{\"kind\":\"virtio-gpu\"}]"
	[ "$(stat -c '%F %a %u' "$R/vnc.sock")" = "socket 600 $(id -u)" ] || fail "its socket is $(ls -ln "$R/vnc.sock")"
	ctl 0 "$V" exec draw python3 -I -S -c "$program" draw
	is out 'drawn 640x480'
	wait_for 10 shows_pattern "$R/vnc.sock"

	heard Keyboard 4 viewer "$R/vnc.sock" key 0xffe1 0x41 # shift, A
	has heard '42 1 30 1 30 0 42 0'
	heard Tablet 2 viewer "$R/vnc.sock" click 320 120
	has heard '272 1 272 0'
	at=$(sed -n 's/^at //p' heard)
	[ "${at% *}" -ge 16300 ] && [ "${at% *}" -le 16500 ] && [ "${at#* }" -ge 8100 ] && [ "${at#* }" -le 8300 ] ||
		fail "it points at $at"
	vm_stop
done

# A screen that asks for a window has one, unless there is to be none.
vm_start "$host_root,\"memory\":\"512M\",$modules_disk,\"devices\":[{\"kind\":\"virtio-gpu\",\"gui\":true}]"
expect 0 viewer "$R/vnc.sock" picture shot.png
vm_stop
vm_start "$host_root,\"memory\":\"512M\",\"display\":{\"kind\":\"none\"},\"devices\":[{\"kind\":\"virtio-gpu\",\"gui\":true}]"
[ ! -e "$R/vnc.sock" ] || fail 'it has a display'
vm_stop

# ---- "hull run" ----

gpu='--device virtio-gpu,width=640,height=480'
port=$(free_ports 1)
launch "$HULL" run -i --display="$port" $gpu -- sh -c 'read -r word; echo $word'
[ "$where" = "$port" ] || fail "it says $(cat err)"
expect 0 viewer "$port" picture shot.png
[ -z "$(find "$HULL_HOME/run" -name vnc.sock)" ] || fail 'there is a socket as well'
expect 125 "$HULL" run --display="$port" $gpu -- true
has err "display: listen on port $port of the loopback: Address already in use"
has err '--display=PORT'
echo go >&9
finished
is out go
expect 0 viewer "$port" closed

launch "$HULL" run -i --display=./here.sock $gpu -- sh -c 'read -r word; echo $word'
[ "$where" = "$T/here.sock" ] || fail "it says $(cat err)"
expect 0 viewer here.sock picture shot.png
expect 125 "$HULL" run --display=./here.sock $gpu -- true
has err "display: '$T/here.sock' exists already"
echo on >&9
finished
[ ! -e here.sock ] || fail 'its socket is left'

# ---- a machine that stays ----

expect 0 "$HULL" create --name seen --display=./made.sock $gpu
[ ! -e made.sock ] || fail 'its socket is there before it runs'
expect 0 timeout 150 "$HULL" start seen
has err "hull: seen: the guest's screen is shown by VNC: vncviewer '$T/made.sock'"
expect 0 viewer made.sock picture shot.png
expect 0 timeout 60 "$HULL" stop seen
[ ! -e made.sock ] || fail 'its socket is left'
expect 0 "$HULL" rm seen

# ---- vfkit's --gui, and a guest without an agent ----

# It paints its screen white, and tells what is typed.
initramfs virtio_pci virtio-gpu virtio_input evdev virtiofs <<'END'
mkdir /fs && mount -t virtiofs told /fs
until keyboard=$(grep -l Keyboard /sys/class/input/event*/device/name) && [ -e /dev/fb0 ]; do sleep 0.1; done
keyboard=${keyboard%/device/name}
cat /sys/class/graphics/fb0/virtual_size >/fs/size
until [ -e /fs/seen ]; do # again: what its kernel sends of one painting may be late for good
	dd if=/dev/zero bs=2400 count=800 2>/dev/null | tr '\0' '\377' >/dev/fb0
	: >/fs/painted
	sleep 0.5
done &
dd if=/dev/input/${keyboard##*/} bs=24 count=3 of=/fs/typed 2>/dev/null
wait
echo o >/proc/sysrq-trigger
sleep 600
END
mkdir told

# But for its last lines, which its kernel sends late, or never.
is_white()
{
	viewer "$where" picture shot.png && python3 - <<'END'
import struct, sys, zlib
data = open("shot.png", "rb").read()
at = data.index(b"IDAT")
raw = zlib.decompress(data[at + 4:at + 4 + struct.unpack(">I", data[at - 4:at])[0]])
width, height = struct.unpack(">II", data[16:24])
sys.exit((width, height) != (800, 600) or not raw.startswith((b"\0" + b"\377" * (3 * width)) * (height - 10)))
END
}

for devices in '' '-d virtio-gpu -d virtio-input,keyboard'; do
	rm -f told/*
	# shellcheck disable=SC2086 # words
	launch "$HULL" vfkit -k "$guest/vmlinuz" -i initrd -C 'quiet fbcon=nodefer vt.global_cursor_default=0' --gui $devices -d virtio-fs,sharedDir=told \
		--restful-uri "unix://$T/api.sock"
	lacks err 'no window'
	wait_for 100 test -e told/painted
	is told/size 800,600
	wait_for 30 is_white
	expect 0 curl -s --unix-socket api.sock http://vm/vm/inspect
	has out '"kind":"virtiogpu","usesGUI":true,"width":800,"height":600'
	expect 0 viewer "$where" key 0x71 # q: key 16 is down, then all there is to that, then up
	touch told/seen # only now may QEMU go
	finished
	od -An -v -tu2 -w24 told/typed | awk '{ print $9, $10, $11 }' >typed
	is typed '1 16 1
0 0 0
1 16 0'
done

# ---- what can't be ----

# refused TEXT WORDS... : by "hull run"
refused()
{
	text=$1
	shift
	expect 125 timeout 60 "$HULL" run "$@" -- true
	has err "$text"
}
refused 'display: there is no screen to show' --display
has err '--device virtio-gpu'
refused "'x' is neither a port nor a path" --display=x $gpu
refused "'0' is neither a port nor a path" --display=0 $gpu
echo '{"version":1,"display":{"path":"s"}}' >vm.json
refused "display.path: only with display.kind 'vnc'" --config vm.json
refused 'devices[1].gui: it is the first screen that can be looked at, devices[0]' $gpu --device virtio-gpu,gui
expect 0 timeout 100 "$HULL" run --display=none $gpu --device virtio-gpu,gui -- true
is err ''
