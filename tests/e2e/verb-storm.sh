#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many hulls at once on the same VMs; more of them in the soak.
. "$(dirname "$0")/functions.sh"
requires python3

# shellcheck disable=SC2086
python3 "$(dirname "$script")/verb-storm.py" mock ${HULL_VERB_STORM:-12 6 25} || fail "see above"
