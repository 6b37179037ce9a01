#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A terminal in the guest; the conversation is in run-tty.py.
. "$(dirname "$0")/functions.sh"
requires python3
expect 0 env HULL="$HULL" python3 "$(dirname "$script")/run-tty.py"
