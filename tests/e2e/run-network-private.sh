#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The user network on hosts of other kinds, in network namespaces of our own: name service, ports of
# root's, without IPv6, without IPv4, without any route.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/net.sh"

[ "$(id -u)" -eq 0 ] || skip "needs root"
requires ip nsenter unshare
unshare --net --mount true 2>/dev/null || skip "no namespaces here"
unshare --net --mount sleep 600 &
holder=$!
peers=$holder
wait_for 10 sh -c "[ \"\$(readlink /proc/$holder/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"

inside()
{
	nsenter -t "$holder" --net --mount -- "$@"
}

# resolv LINE... : what the host's resolv.conf says there
resolv()
{
	printf '%s\n' "$@" >resolv.conf
}

resolv 'nameserver 127.0.0.1' 'search one.example two.example'
inside sh -e -c "
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	ip link set lo up
	mount --bind '$T/resolv.conf' /etc/resolv.conf" 2>err || skip "can't set up a namespace: $(cat err)"

# ---- no route at all: the host's own services are still there ----
in_guest='addresses() # FAMILY [SCOPE]
{
	list= before=
	for word in $(ip "-$1" addr show eth0 ${2-}); do
		case $before in inet | inet6) list="$list $word" ;; esac
		before=$word
	done
	echo "v$1 [${list# }]"
}
addresses 4
addresses 6 "scope global"
cat /etc/resolv.conf
python3 -I -S -c "
from _socket import getaddrinfo
for name in (\"host.example\", \"short\"):
    try:
        print(name, sorted({a[4][0] for a in getaddrinfo(name, 80)}))
    except OSError as e:
        print(name, e)"
'
peers="$peers $(inside sh -c "python3 - dns <'$peer_file' >'$T/dns' 2>'$T/dns.err' & echo \$!")"
wait_for 10 grep -q serving dns
for provider in $(providers); do
	expect 0 inside "$HULL" run --net "$provider" -- sh -c "$in_guest"
	has out 'v4 [10.0.2.15/24]'
	has out 'v6 []'
	has out 'nameserver 10.0.2.3'
	has out 'search one.example two.example'
	has out "host.example ['192.0.2.53', '2001:db8::53']"
	has out "short ['192.0.2.53', '2001:db8::53']"
done

# ---- both families ----
inside sh -e -c '
	ip link add p0 type veth peer name p1
	ip addr add 198.51.100.1/24 dev p0
	ip addr add 2001:db8:1::1/64 dev p0
	ip link set p1 up
	ip link set p0 up
	ip route add default via 198.51.100.2
	ip -6 route add default via 2001:db8:1::2' 2>err || skip "no veth: $(cat err)"
resolv 'nameserver ::1'
both_families() # in ./out
{
	has out 'v4 [10.0.2.15/24]'
	has out 'v6 [fd48:756c:6c::15/64]'
	has out 'nameserver fd48:756c:6c::3'
	lacks out 'nameserver 10'
	has out "host.example ['192.0.2.53', '2001:db8::53']"
}
expect 0 inside "$HULL" run --net builtin -- sh -c "$in_guest"
both_families

# The same by passt, and root's ports: it gets the right for them, and for nothing else.
if [ "$(providers | head -n 1)" = passt ]; then
	nsenter -t "$holder" --net --mount -- "$HULL" run --net passt -p 81:7000 -p 82:7000/udp -- \
		sh -c "$in_guest"'exec python3 -u -c "$0" serve - 7000' "$peer" >served 2>served.err &
	vm=$!
	wait_for 60 grep -q serving served
	cp served out
	both_families
	expect 0 inside python3 - ask 'tcp 127.0.0.1 81' 'tcp ::1 81' 'udp 127.0.0.1 82' <"$peer_file"
	has out 'tcp 127.0.0.1 81 => tcp 7000: hello'
	has out 'tcp ::1 81 => tcp 7000: hello'
	has out 'udp 127.0.0.1 82 => udp 7000: hello'
	for pid in $(ps -eo pid=,comm= | awk '$2 ~ /^passt/ { print $1 }'); do
		[ "$(readlink "/proc/$pid/ns/net")" = "$(inside readlink /proc/self/ns/net)" ] || continue
		grep -q '^CapEff:	0*$' "/proc/$pid/status" || fail "passt has capabilities left"
		[ "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" -ge 1879048192 ] || fail "passt is not the VM's own user"
	done
	kill -TERM "$vm"
	wait "$vm"
fi
expect 125 inside "$HULL" run --net builtin -p 81:80 -- true
has err 'port 127.0.0.1:81/tcp: the hypervisor, which carries the network, may not listen there'

# ---- IPv4 alone, then IPv6 alone ----
resolv 'nameserver 127.0.0.1' 'nameserver ::1'
inside ip -6 route del default
for provider in $(providers); do
	expect 0 inside "$HULL" run --net "$provider" -- sh -c "$in_guest"
	has out 'v4 [10.0.2.15/24]'
	has out 'v6 []'
	lacks out 'nameserver fd48'
	has out "host.example ['192.0.2.53', '2001:db8::53']"
done
inside ip -6 route add default via 2001:db8:1::2
inside ip route del default
expect 0 inside "$HULL" run -- sh -c "$in_guest"
has out 'v4 [10.0.2.15/24]'
has out 'v6 [fd48:756c:6c::15/64]'
has out "host.example ['192.0.2.53', '2001:db8::53']"
