#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The user network: out to the host, published ports, none at all.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/net.sh"

host4=10.0.2.2
host6=fd48:756c:6c::2
start_peer echo serve port 0
wait_for 10 test -s port
port=$(cat port)

# At once in one VM: out; in; where there is passt, on every address, and on one of IPv6 alone.
first=$(free_ports 6)
last=$((first + 2)) other=$((first + 3)) every=$((first + 4)) six=$((first + 5))
others=$(python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("1.1.1.1", 9)); print(s.getsockname()[0])' 2>/dev/null)
for provider in $(providers); do
	targets="tcp $host4 $port
udp $host4 $port"
	if has_route6; then
		targets="$targets
tcp $host6 $port"
		# Debian 12's passt answers from another address than was asked.
		[ "$provider" = passt ] || targets="$targets
udp $host6 $port"
	fi
	set -- -p "$first-$last:7000-7002" -p "$first:7000/udp" -p "127.0.0.1:$other:7001/udp"
	[ "$provider" != passt ] || set -- "$@" -p "0.0.0.0:$every:7000" -p "[::1]:$six:7000"
	rm -f served
	"$HULL" run --net "$provider" -e TARGETS="$targets" "$@" -- sh -c 'IFS="
"; exec python3 -u -c "$0" ask $TARGETS then serve - 7000 7001 7002' "$peer" >served 2>served.err &
	vm=$!
	wait_for 60 grep -q serving served 2>/dev/null
	printf '%s\n' "$targets" >targets
	while read -r kind address number; do
		has served "$kind $address $number => $kind $port: hello"
	done <targets

	ask "tcp 127.0.0.1 $first" "tcp 127.0.0.1 $last" "tcp ::1 $((first + 1))" "tcp ::1 $last" \
		"udp 127.0.0.1 $first" "udp ::1 $first" "udp 127.0.0.1 $other"
	for want in "tcp 127.0.0.1 $first => tcp 7000: hello" "tcp 127.0.0.1 $last => tcp 7002: hello" \
		"udp 127.0.0.1 $first => udp 7000: hello" "udp 127.0.0.1 $other => udp 7001: hello"; do
		has out "$want"
	done
	if [ -e /proc/net/if_inet6 ] && grep -q ^0*1' ' /proc/net/if_inet6; then
		for want in "tcp ::1 $((first + 1)) => tcp 7001: hello" "tcp ::1 $last => tcp 7002: hello" \
			"udp ::1 $first => udp 7000: hello"; do
			has out "$want"
		done
	fi
	# Only on the loopback, and there only on the usual address.
	ask "tcp 127.0.0.2 $first" ${others:+"tcp $others $first"}
	[ "$(grep -c '=> none$' out)" -eq "$(wc -l <out)" ] || fail "reachable elsewhere: $(cat out)"
	if [ "$provider" = passt ]; then
		ask "tcp 127.0.0.2 $every" "tcp 127.0.0.1 $six" "tcp ::1 $every"
		has out "tcp 127.0.0.2 $every => tcp 7000: hello"
		has out "tcp 127.0.0.1 $six => none"
		has out "tcp ::1 $every => none"
		# passt leads that one to the guest's link-local address, which comes when its carrier is noticed.
		expect 0 python3 "$peer_file" await "tcp ::1 $six"
		has out "tcp ::1 $six => tcp 7000: hello"
	fi
	# A second one can't have the same, and is told so before anything starts.
	expect 125 "$HULL" run --net "$provider" -p "$first:80" -- true
	has err "port 127.0.0.1:$first/tcp is in use"
	kill -TERM "$vm"
	wait "$vm"
done
expect 125 "$HULL" run --net builtin -p "[::1]:$first:80" -- true
has err "can't listen on an address of IPv6"

# ---- none ----
expect 125 "$HULL" run --net none -p 80 -- true
has err 'there is no network'
[ "$(id -u)" -eq 0 ] || exit 0 # its absence is the same for everybody
expect 0 "$HULL" run --net none -- ls /sys/class/net
is out lo
