#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of anything at any moment leaves nothing behind; the rounds are in kill-random.py.
. "$(dirname "$0")/functions.sh"
requires python3
seed=${HULL_SEED:-$$}
expect 0 env HULL="$HULL" python3 "$(dirname "$script")/kill-random.py" "${HULL_KILL_ROUNDS:-50}" "$seed"
cat out
