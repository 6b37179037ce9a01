#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same as verb-storm.sh on real QEMUs.
. "$(dirname "$0")/functions.sh"
requires python3
. "$(dirname "$script")/tiny.sh"

# shellcheck disable=SC2086
python3 "$(dirname "$script")/verb-storm.py" qemu ${HULL_VERB_STORM:-8 4 40} || fail "see above"
