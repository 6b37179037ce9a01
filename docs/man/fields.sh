#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fields.sh PAGE HULL SCDOC - a manual page in whose @FIELDS@ are the program's own.
set -eu
fields=$("$2" config fields -o man)
while IFS= read -r line; do
	[ "$line" = @FIELDS@ ] && printf '%s\n\n' "$fields" || printf '%s\n' "$line"
done <"$1" | "$3"
