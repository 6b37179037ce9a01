#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Host and guest write to one share, 10,000 operations in turns and then both at once: each sees at
# any time what the other did, and at the end both see the same.
. "$(dirname "$0")/functions.sh"
requires python3
seed=${HULL_SEED:-$$}

mkdir top
cp "$(dirname "$script")/share-writers.py" .
expect 0 python3 share-writers.py host top "${HULL_SHARE_OPS:-10000}" "$seed" \
	"$HULL" run -i --here -- python3 share-writers.py guest top "${HULL_SHARE_OPS:-10000}" "$seed"
[ "$(find top -type f | wc -l)" -gt 400 ] || fail "seed $seed: nothing was written"
