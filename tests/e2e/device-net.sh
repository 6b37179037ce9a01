#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Network devices of the list of devices: datagrams with and without a greeting, a stream, a socket that is
# handed down, the host's own network.  What is at the far side is device-net.py.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/device.sh"
requires ip
ends=$(dirname "$script")/device-net.py
peers=

# far_side NAME END... : in the background, until it is told to go; what it says is in NAME
far_side()
{
	side=$1
	shift
	python3 "$ends" "$@" >"$side" 2>"$side.err" &
	far=$!
	peers="$peers $far"
	wait_for 20 grep -q ready "$side"
}
on_exit 'kill $peers 2>/dev/null'

up='ip addr add 192.168.77.2/24 dev eth0; ip link set eth0 up; cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu;'
ping='busybox ping -c 3 -w 20 192.168.77.1 >/dev/null && echo pong'

# alive : the VM goes on
alive()
{
	guest 'echo alive'
	is out alive
	[ "$(status state)" = running ] || fail "state: $(status state)"
}

# ---- datagrams, with the greeting ----
far_side gram magic:"$T/gram.sock"
vm_start "$host_root,\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"$T/gram.sock\",\"mac\":\"52:54:00:ab:cd:01\"}]"
guest "$up $ping"
is out '52:54:00:ab:cd:01
1500
pong'
has gram "greeting b'VFKT'"
has gram 'from 52:54:00:ab:cd:01'
# It goes, the VM stays; so does it when nobody is there to take its frames.
kill "$far"
wait "$far" 2>/dev/null
guest 'busybox ping -c 2 -w 2 192.168.77.1 >/dev/null || echo silence'
is out silence
alive
vm_stop

# ---- a stream, frames of another size, an address of hull's ----
far_side stream stream:"$T/stream.sock"
vm_start "$host_root,\"machine\":\"q35\",
	\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"$T/stream.sock\",\"mode\":\"stream\",\"mtu\":9000}]"
guest "$up $ping; busybox ping -c 1 -w 20 -s 8000 192.168.77.1 >/dev/null && echo large"
has out 9000
has out pong
has out large
mac=$(sed -n 1p out)
case $mac in 52:*) ;; *) fail "hardware address $mac" ;; esac
has stream "from $mac"
! grep -q greeting stream || fail "a stream was greeted"
kill "$far"
wait "$far" 2>/dev/null
alive
vm_stop

# ---- a socket that is handed down ----
in_guest="$up $ping"
expect 0 python3 "$ends" hand gram "$HULL" run --device virtio-net,fd=7,mac=52-54-00-AB-CD-07 -- sh -c "$in_guest"
has out pong
has out 'from 52:54:00:ab:cd:07'
echo '{"version":1,"root":{"kind":"host","cache":"always"},"devices":[{"kind":"virtio-net","fd":7,"mode":"stream"}]}' >vm.json
expect 0 python3 "$ends" hand stream "$HULL" run --config vm.json -- sh -c "$in_guest"
has out pong
expect 125 "$HULL" run --config vm.json -- true 7<&-
has err 'descriptor 7'
expect 125 python3 "$ends" hand stream "$HULL" run --device virtio-net,fd=7 -- true
has err 'descriptor 7 is no datagram socket'
expect 125 "$HULL" run --device virtio-net,fd=33 -- true
has err 'descriptor 33 is not open'

# ---- two VMs, each connected in its way ----
far_side switch gram:"$T/a.sock" gram:"$T/b.sock"
vm_start "$host_root,\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"$T/a.sock\",\"magic\":false}]"
guest "$up"
expect 0 "$HULL" run --device "virtio-net,type=unixgram,path=$T/b.sock,vfkitMagic=off" -- sh -c "
	ip addr add 192.168.77.3/24 dev eth0; ip link set eth0 up
	busybox ping -c 3 -w 20 192.168.77.2 >/dev/null && echo other; $ping; ls /sys/class/net"
is out 'other
pong
eth0
lo'
alive
vm_stop

# ---- the host's network, by a device ----
expect 0 "$HULL" run --device virtio-net,nat,mac=52:54:00:ab:cd:09 -- sh -c 'cat /sys/class/net/eth0/address; ip route; ls /sys/class/net'
has out 52:54:00:ab:cd:09
has out 'default via 10.0.2.2'
lacks out eth1

# ---- what can't be ----
expect 125 "$HULL" run --device "virtio-net,unixSocketPath=$T/gram.sock" -- true
has err 'start what is to carry the network first'
expect 125 "$HULL" run --device "virtio-net,unixSocketPath=$T/missing.sock" -- true
has err missing.sock
expect 1 "$hullctl" start "\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"$T/a.sock\",\"mode\":\"stream\"}]"
has err 'wrong type for socket'
expect 1 "$hullctl" start "\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"$T/a.sock\",\"features\":\"CSUM\"}]"
has err "can't carry 'CSUM'"
