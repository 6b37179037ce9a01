#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fields.sh PAGE SCDOC HULL ARGS... - a manual page in whose @FIELDS@ are the program's own, which it prints
# when it is called so.
set -eu
page=$1 scdoc=$2
shift 2
fields=$("$@")
while IFS= read -r line; do
	[ "$line" = @FIELDS@ ] && printf '%s\n\n' "$fields" || printf '%s\n' "$line"
done <"$page" | "$scdoc"
