#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What can be wrong with the user network: ports that are not to be had, a passt that is missing,
# fails or dies.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/net.sh"

first=$(free_ports 1)

# ---- refused before the hypervisor starts, which here would not even begin ----
mkdir fake
printf '#!/bin/sh\nexit 99\n' >fake/qemu-system-x86_64
printf '#!/bin/sh\necho "Failed to send 3 bytes to syslog" >&2\necho "no luck today" >&2\necho "Failed to send 3 bytes to syslog" >&2\nexit 1\n' >fake/passt
chmod -R a+rx fake .
with_fakes()
{
	env PATH="$T/fake:$PATH" "$HULL" run "$@"
}
expect 125 with_fakes --net none -- true
has err 'status 99'
start_peer held-tcp hold held-tcp tcp
start_peer held-udp hold held-udp udp
wait_for 10 test -s held-tcp -a -s held-udp
busy=$(cat held-tcp)
expect 125 with_fakes --net builtin -p "$busy:80" -- true
has err "port 127.0.0.1:$busy/tcp is in use"
has err 'hint: choose another host port'
expect 125 with_fakes --net builtin --log-format=json -p "$((busy - 1))-$((busy + 1)):80-82" -- true
jq -e '.error.code == "BUSY" and .error.cause == "port-busy"' err >/dev/null || fail "$(cat err)"
busy=$(cat held-udp)
expect 125 with_fakes --net builtin -p "$busy:80/udp" -- true
has err "port 127.0.0.1:$busy/udp is in use"
expect 125 with_fakes --net builtin -p 192.0.2.254:80:80 -- true
has err "'192.0.2.254' is not an address of this host"
if [ "$(id -u)" -ne 0 ] && [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 81 ]; then
	expect 125 with_fakes -p 81:80 -- true
	has err 'port 127.0.0.1:81/tcp: only root may listen below port'
fi
rm fake/qemu-system-x86_64

# ---- passt missing, failing, dying ----
expect 0 env PATH=/nowhere "$HULL" run -- cat /sys/class/net/eth0/mtu
is out 1500
is err ''
expect 125 env PATH=/nowhere "$HULL" run --net passt -- true
has err "'passt' not found"
has err --net builtin
[ "$(providers | head -n 1)" = passt ] || exit 0
expect 0 with_fakes -p "$first:80" -- cat /sys/class/net/eth0/mtu
is out 1500
has err 'no luck today; the hypervisor carries the network instead'
expect 0 with_fakes -q -- true
is err ''
expect 125 with_fakes --net passt -- true
has err 'exited with status 1: no luck today'
has err --net builtin

"$HULL" run -- sh -c 'cat /sys/class/net/eth0/mtu; echo up; exec sleep 1000' >up 2>err &
vm=$!
wait_for 60 grep -q up up
is up '65520
up'
monitor=$(ps -o pid= --ppid "$vm" | tr -d ' ')
passt=$(ps -o pid=,comm= --ppid "$monitor" | awk '$2 ~ /^passt/ { print $1 }')
[ -n "$passt" ] || fail "no passt below monitor '$monitor'"
kill -KILL "$passt"
code=0
wait "$vm" || code=$?
[ "$code" -eq 125 ] || fail "exited with $code after its passt was killed"
has err 'passt, which carries the network, was killed by signal 9'
