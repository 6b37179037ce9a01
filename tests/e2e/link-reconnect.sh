#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The agent answers every hello, however soon it comes after the connection before it was cut; see
# link-reconnect.py.
. "$(dirname "$0")/functions.sh"
requires python3 qemu-system-x86_64

expect 0 python3 "$(dirname "$script")/link-reconnect.py" "${HULL_GUEST_DIR:-$(dirname "$HULL")/guest}"
