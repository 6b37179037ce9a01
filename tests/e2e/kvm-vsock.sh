#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The guest link over the host's vhost-vsock, wherever this runs: an emulated guest whose processor has SVM loads
# kvm_amd and vhost_vsock and runs hull itself. While that one's VM runs, another user of its host tries to get
# at the agent.
. "$(dirname "$0")/functions.sh"

build=$(dirname "$HULL")
modules=$(echo "$build"/guest/kernel/modules/*)
[ -e "$modules/modules.dep" ] || skip "the guest's modules are not unpacked in '$build/guest/kernel'"

cat >inner.sh <<'E2'
set -e
modprobe kvm_amd
chmod 666 /dev/kvm # the hypervisor runs as nobody in particular
export HULL_HOME=/tmp/hull
hull() { /srv/hull/hull run --net none --boot-timeout 200s "$@"; }
hull --link vsock -- true 2>/tmp/refused && exit 1
cat /tmp/refused
modprobe vhost_vsock
mkfifo /tmp/hold
hull --link vsock -i -- sh -c 'dmesg | grep -o "Hypervisor detected.*"; ls /sys/bus/virtio/drivers/vmw_vsock_virtio_transport | grep -c ^virtio
	ls /dev/vport* 2>/dev/null; ls /hull-token /proc/1/root/hull-token 2>/dev/null; read -r line; echo "$line"' <>/tmp/hold >/tmp/vsock &
pid=$!
until grep -q ^1 /tmp/vsock; do kill -0 $pid; sleep 0.2; done
setpriv --reuid 12345 --regid 12345 --clear-groups python3 /srv/stranger.py
echo still there >/tmp/hold
wait $pid
cat /tmp/vsock

# A guest that reboots is dialled anew, by the same token and address.
mkdir /tmp/bin
cp /srv/hull/tests/e2e/hullctl /tmp/bin
ln -s /srv/hull/hull-monitor /srv/hull/guest /tmp/bin
ctl() { timeout 250 /tmp/bin/hullctl "$@"; }
ctl start --detached '"link":"vsock","on_reboot":"reboot","boot_timeout_ms":200000' >/tmp/dir
dir=$(cat /tmp/dir)
ctl $dir/vsock.sock poweroff --reboot || : # the answer may be lost with the guest
until ctl $dir/control.sock status | grep -qx reboots=1; do sleep 0.2; done
ctl $dir/control.sock ready agent 200000 >/dev/null
ctl $dir/vsock.sock health
ctl $dir/control.sock stop | grep ^reason=
rm -r $dir
[ -z "$(ls /tmp/hull/run/vm)" ]
E2
cat >stranger.py <<'E2'
# Another user of the host: can connect, as anybody can, but gets no word out of the agent.
import glob, os, re, socket
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        line = open(path, "rb").read()
    except OSError:
        continue
    m = re.search(rb"guest-cid=(\d+)", line)
    if m:
        cid = int(m[1])
tries = [b"", b"CONNECT 1024\n", bytes(16), bytes(15) + b"\1" + b"CONNECT 1024\n", os.urandom(4096)]
for port in (1024, 1026):
    for said in tries + [os.urandom(16) for _ in range(40)]:
        s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        s.settimeout(10)
        s.connect((cid, port))
        s.sendall(said)
        if len(said) < 16:
            s.shutdown(socket.SHUT_WR)
        try:
            answer = s.recv(1)
        except ConnectionResetError:
            answer = b""
        assert answer == b"", (port, said, answer)
# Many who say nothing keep nobody from being served.
silent = []
for _ in range(100):
    s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    s.settimeout(10)
    s.connect((cid, 1024))
    silent.append(s)
s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
s.settimeout(2)
try:
    s.connect((cid, 1025))
    raise SystemExit("somebody listens on port 1025")
except OSError:
    pass
try:
    os.open("/dev/vhost-vsock", os.O_RDWR)
    raise SystemExit("/dev/vhost-vsock is open to everybody")
except PermissionError:
    print("stranger: nothing")
E2
expect 0 "$HULL" run --net none --accel tcg --cpu max,+svm -m 1500M -v "$build:/srv/hull:ro" \
	-v "$modules:/lib/modules/${modules##*/}:ro" -v "$PWD/inner.sh:/srv/inner.sh:ro" \
	-v "$PWD/stranger.py:/srv/stranger.py:ro" -- sh /srv/inner.sh
is out "hull: link 'vsock': open '/dev/vhost-vsock': No such file or directory
hint: modprobe vhost_vsock; or leave out --link vsock: the other link needs nothing of the host
stranger: nothing
Hypervisor detected: KVM
1
still there
SERVING
reason=stopped"
