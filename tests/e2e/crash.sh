#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Verbs on VMs, interrupted at every point: a slice of what crash.py can try; all of it is in the soak.
. "$(dirname "$0")/functions.sh"
requires python3

python3 "$(dirname "$script")/crash.py" mock "${HULL_CRASH_EVERY:-16}" ${HULL_SEED:+"$HULL_SEED"} || fail "see above"
