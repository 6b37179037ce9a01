#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Eight VMs at once, four of an ordinary user's: each its own, none in another's way.
. "$(dirname "$0")/functions.sh"

all='1 2 3 4 5 6 7 8'
[ "$(id -u)" -eq 0 ] || all='1 2 3 4'
pids=
for i in $all; do
	"$HULL" run --name "vm$i" -- sh -c "hostname; echo out$i; exit $i" >"out$i" 2>"err$i" &
	pids="$pids $!"
done
i=0
for pid in $pids; do
	i=$((i + 1))
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq "$i" ] || fail "VM $i exited with $code: $(cat "err$i")"
	[ "$(cat "out$i")" = "vm$i
out$i" ] || fail "VM $i printed: $(cat "out$i")"
done
