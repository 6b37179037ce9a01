#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols.sh SOURCE LIBRARY - what the library exports is what its version script lists, and what the public
# headers declare.
set -eu
top=$1 lib=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

nm -D --defined-only "$lib" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/exported"
sed -n 's/^\t\(hull_[a-z0-9_]*\);$/\1/p' "$top/src/lib/libhull.map" | sort >"$tmp/listed"
# A declaration begins in the first column; comments, and what is within them, do not count.
sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$top"/include/hull/*.h |
	grep -o '^[a-z].*\bhull_[a-z0-9_]*(' | sed 's/.*\b\(hull_[a-z0-9_]*\)($/\1/' | sort >"$tmp/declared"

for pair in exported:listed listed:declared; do
	diff -u "$tmp/${pair%:*}" "$tmp/${pair#*:}" || {
		echo "the functions ${pair%:*} are not those ${pair#*:}"
		status=1
	}
done
uniq -d "$tmp/listed" | grep . && {
	echo "listed twice"
	status=1
}
exit $status
