#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same as crash.sh on real QEMUs with every helper, whose guest is nobody, and, in the soak, on hull's
# own guest.  HULL_CRASH_EVERY="N [M]": every Nth of what there is to try on the one, every Mth on the other.
. "$(dirname "$0")/functions.sh"
requires python3
. "$(dirname "$script")/tiny.sh"

# shellcheck disable=SC2086
set -- ${HULL_CRASH_EVERY:-32}
for backend in qemu guest; do
	[ $# -gt 0 ] || break
	python3 "$(dirname "$script")/crash.py" $backend "$1" ${HULL_SEED:+"$HULL_SEED"} || fail "see above"
	shift
done
