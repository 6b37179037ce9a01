#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of anything at any moment leaves nothing behind; the rounds are in kill-random.py.
. "$(dirname "$0")/functions.sh"
requires python3
seed=${HULL_SEED:-$$}
# Fifty moments in all: half of them are the ordinary user's, where there can be one.
rounds=25
sh "$(dirname "$script")/as-user.sh" /dev/null 2>/dev/null || rounds=50
expect 0 python3 "$(dirname "$script")/kill-random.py" "${HULL_KILL_ROUNDS:-$rounds}" "$seed"
cat out
