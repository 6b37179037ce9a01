#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Public headers compile alone, as strict C99 and as C++; every other header compiles alone as C.
set -eu
top=$1 build=$2
status=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for header in "$top"/include/hull/*.h; do
	name=hull/$(basename "$header")
	printf '#include <%s>\nint main(void) { return 0; }\n' "$name" >"$tmp/t.c"
	cp "$tmp/t.c" "$tmp/t.cc"
	cc -std=c99 -pedantic-errors -Wall -Wextra -Werror -I "$top/include" -c "$tmp/t.c" -o "$tmp/t.o" || status=1
	if command -v c++ >/dev/null; then
		c++ -Wall -Wextra -Werror -I "$top/include" -c "$tmp/t.cc" -o "$tmp/t.o" || status=1
	fi
done
cd "$top/src"
for header in $(find . -name '*.h' | sed 's,^\./,,'); do
	printf '#define _GNU_SOURCE\n#include "%s"\n' "$header" >"$tmp/t.c"
	cc -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -I "$top/include" -I "$top/src" -I "$build" \
		-I "$build/proto" -I "$build/proto/hull" -c "$tmp/t.c" -o "$tmp/t.o" || {
		echo "$header does not compile alone"
		status=1
	}
done
exit $status
