#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a guest gets over vsock: its Ignition file, and the time for a qemu-guest-agent where there is no agent of
# hull's; and that agent through a port, in a guest of hull's.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/initramfs.sh"
requires python3 curl socat qemu-ga
tests=$(dirname "$script")
ends=$tests/vsock-services.py

# ---- Ignition ----
printf '{"ignition": {"version": "3.4.0"}, "storage": "%06000d!!!"}' 7 >config.ign
size=$(stat -c %s config.ign)
expect 0 "$HULL" run -v "$tests:/srv/tests:ro" --ignition config.ign -- python3 /srv/tests/vsock-services.py fetch
is out "GET 200 $size text/plain; charset=utf-8 None b'!!\"}'
HEAD 200 $size text/plain; charset=utf-8 None b''
GET 206 3 text/plain; charset=utf-8 bytes $((size - 3))-$((size - 1))/$size b'!\"}'
GET 416 0 None bytes */$size b''
GET 200 $size text/plain; charset=utf-8 None b'!!\"}'"
expect 125 "$HULL" run --ignition missing -- true
has err "'missing'"

# ---- qemu-guest-agent in a guest of hull's ----
vm_start "$host_root,\"devices\":[{\"kind\":\"virtio-vsock\",\"port\":9000,\"path\":\"$T/qga.sock\",\"listen\":false}]"
session qga qemu-ga -m vsock-listen -p 3:9000 -t /run
ping='{"execute": "guest-ping"}'
tries=300 # until it listens
until timeout 60 python3 "$ends" qga qga.sock "$ping" >out 2>err; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || fail "no answer to a ping: $(cat err)"
	sleep 0.1
done
is out '{"return": {}}'
expect 0 timeout 60 python3 "$ends" qga qga.sock "$ping" '{"execute": "guest-get-time"}'
now=$(sed -n 's/{"return": \([0-9]*\)[0-9]\{9\}}/\1/p' out)
[ -n "$now" ] && [ $(($(date +%s) - now)) -lt 30 ] && [ $((now - $(date +%s))) -lt 30 ] || fail "time: $(cat out)"
vm_stop

# ---- the same agent in a guest that has no other: it is told the time ----
mkdir -p root/bin root/sbin root/run
ln -s /bin/busybox root/sbin/hwclock
qemu_ga=$(command -v qemu-ga)
ldd "$qemu_ga" | grep -o '/[^ ]*' | while IFS= read -r file; do
	mkdir -p "root$(dirname "$file")"
	cp -L "$file" "root$file"
done
cp "$qemu_ga" root/bin/qemu-ga
initramfs virtio_pci vmw_vsock_virtio_transport <<'END'
date -s '2001-02-03 04:05:06'
qemu-ga -m vsock-listen -p 3:9000 -t /run &
sleep 1
while :; do
	echo "year: $(date +%Y)"
	sleep 1
done
END
started=
on_exit '[ -z "$started" ] || { kill $started 2>/dev/null; wait $started; }'
state()
{
	curl -sf --unix-socket rest.sock -d "{\"state\": \"$1\"}" http://vm/vm/state || fail "state $1"
}
# On a busy machine its agent may not listen yet.
is_told_by_resume()
{
	state Pause
	state Resume
	sleep 2
	grep -q "year: $(date +%Y)" console
}
# is_told : by whatever has been started, whose guest's console is being written to ./console
is_told()
{
	wait_for 120 grep -q 'year: 2001' console
	sleep 2 # nothing is told before the clock may be wrong
	lacks console "year: $(date +%Y)"
	wait_for 3 is_told_by_resume # each takes seconds
	kill "$started"
	code=0
	wait "$started" || code=$?
	started=
}
services='--timesync vsockPort=9000 --restful-uri'
# shellcheck disable=SC2086 # words
"$HULL" vfkit -k "$guest/vmlinuz" -i initrd -C quiet $services "unix://$T/rest.sock" >out 2>err &
started=$!
wait_for 60 grep -q 'serial console is' err
socat -u "UNIX-CONNECT:$(sed -n "s/.*serial console is '\(.*\)'/\1/p" err)" - >console 2>/dev/null &
is_told
[ "$code" -eq 0 ] || fail "hull vfkit: $code: $(cat err)"

rm -f console # what is waited for is not of the one before
# shellcheck disable=SC2086 # words
"$HULL" run --agent none --machine q35 --kernel "$guest/vmlinuz" --initrd initrd --append quiet $services "unix://$T/rest.sock" \
	>console 2>err &
started=$!
is_told
[ "$code" -eq $((128 + 15)) ] || fail "hull run: $code: $(cat err)"
