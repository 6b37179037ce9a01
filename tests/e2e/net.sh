# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Peers of guests; to be sourced after functions.sh.

requires python3
peer_file=$(dirname "$script")/net-peer.py
peer=$(cat "$peer_file") # for the guest, which does not see the file
peers=

# start_peer FILE WORDS... : in the background, until the script ends; its output in FILE.out
start_peer()
{
	file=$1
	shift
	python3 "$peer_file" "$@" >"$file.out" 2>"$file.err" &
	peers="$peers $!"
}
on_exit 'for pid in $peers; do kill $pid; done 2>/dev/null'

# ask "KIND ADDRESS PORT"... : from here; the answers in ./out
ask()
{
	expect 0 python3 "$peer_file" ask "$@"
}

# free_ports N : the first of so many that are free over TCP and UDP, at this moment
free_ports()
{
	python3 - "$1" "$$" <<'PY'
import random
import socket
import sys

random.seed(int(sys.argv[2]))
while True:
    first = random.randrange(20000, 32000) # below those that the kernel hands out
    try:
        for port in range(first, first + int(sys.argv[1])):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind(("0.0.0.0", port))
        print(first)
        break
    except OSError:
        pass
PY
}

# has_route6 : whether this host reaches others over IPv6
has_route6()
{
	python3 -c 'import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(("2606:4700:4700::1111", 53))' 2>/dev/null
}

# providers : those that work here
providers()
{
	! command -v passt >/dev/null || ! unshare --user true 2>/dev/null || echo passt
	echo builtin
}
