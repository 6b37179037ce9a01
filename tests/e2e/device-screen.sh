#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Screens, keyboards and pointing devices: what the guest draws is in the picture, what is typed and where
# is pointed arrives in the guest, on both machines.  device-screen.py has both sides.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/device.sh"

program=$(cat "$(dirname "$script")/device-screen.py") # for the guest, which does not see the file
input='{"kind":"virtio-input","type":"keyboard"},{"kind":"virtio-input","type":"pointing"}'

# in_guest WORDS... : the guest's side of device-screen.py
in_guest()
{
	ctl 0 "$V" exec "py-$1-$guests" python3 -I -S -c "$program" "$@"
	guests=$((guests + 1))
}

# listen KEYWORDS : waits in the guest for so many events, $listener
listen()
{
	session "listener-$guests" python3 -I -S -c "$program" "$@"
	follow "listener-$guests" "heard-$guests"
	shows "heard-$guests" listening
	heard=heard-$guests
	guests=$((guests + 1))
}

shows_pattern()
{
	ctl 0 "$C" screenshot shot.png
	python3 "$(dirname "$script")/device-screen.py" check shot.png 640 480
}

for machine in microvm q35; do
	vm_start "$host_root,\"machine\":\"$machine\",\"memory\":\"512M\",$modules_disk,
		\"devices\":[{\"kind\":\"virtio-gpu\",\"width\":640,\"height\":480},$input]"
	in_guest draw
	is out 'drawn 640x480'
	wait_for 30 shows_pattern # the guest's kernel takes its time to send what was drawn

	listen keys Keyboard 4 # down and up of each
	ctl 0 "$C" key shift a
	shows "$heard" '42 1 30 1 30 0 42 0'
	listen keys Tablet 2
	ctl 0 "$C" point 16384 8192 press left release left
	shows "$heard" '272 1 272 0'
	shows "$heard" 'at 16384 8192'

	# What can't be.
	ctl 1 "$C" screenshot none.png 1
	has err 'NOT_FOUND [no-such-device]: the VM has no screen 1'
	ctl 1 "$C" key no-such-key
	has err BACKEND
	ctl 1 "$C" key 'A"'
	has err INVALID
	ctl 1 "$C" point 40000 1
	has err INVALID
	vm_stop
done

# Two screens of different sizes, and none.
vm_start "$host_root,\"memory\":\"512M\",$modules_disk,
	\"devices\":[{\"kind\":\"virtio-gpu\"},{\"kind\":\"virtio-gpu\",\"width\":1024,\"height\":768}]"
guest 'for card in /sys/class/drm/card*-*; do head -n 1 $card/modes; done'
is out '800x600
1024x768'
# The kernel's text is on the first one only.
ctl 0 "$C" screenshot first.png 0
ctl 0 "$C" screenshot second.png 1
expect 0 python3 "$(dirname "$script")/device-screen.py" size first.png
is out '800x600'
! cmp -s first.png second.png || fail "two screens give the same picture"
ctl 1 "$C" key a
has err 'the VM has no keyboard'
vm_stop
