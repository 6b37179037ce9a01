#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# installed.sh SOURCE BUILD - a program that knows only what is installed: headers and library, found by
# pkg-config in a staging directory; by each compiler that is there, as C and as C++.
set -eu
here=$1/tests/api build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
stage=$tmp/stage

DESTDIR=$stage meson install -C "$build" --no-rebuild --tags runtime,devel >"$tmp/install.log" 2>&1 || {
	cat "$tmp/install.log"
	exit 1
}
pc=$(find "$stage" -name libhull.pc)
[ -n "$pc" ] || {
	echo "libhull.pc is not installed"
	exit 1
}
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$stage"
flags=$(pkg-config --cflags --libs libhull)
lib=${pc%/pkgconfig/*}
status=0 tried=

# try NAME COMPILER... : builds and runs the example
try()
{
	name=$1
	shift
	command -v "$1" >/dev/null || return 0
	tried="$tried ${name##*-}"
	# shellcheck disable=SC2086
	if ! "$@" -Werror -o "$tmp/$name" "$tmp/example.${name##*-}" $flags; then
		echo "$name: does not build"
		status=1
	elif ! LD_LIBRARY_PATH=$lib "$tmp/$name" >"$tmp/$name.out" || ! diff -u "$here/example.out" "$tmp/$name.out"; then
		echo "$name: does something else"
		status=1
	fi
}

cp "$here/example.c" "$tmp/example.c"
cp "$here/example.c" "$tmp/example.cc"
try gcc-c gcc -std=c11 -Wall -Wextra -pedantic
try clang-c clang -std=c11 -Wall -Wextra -pedantic
try gxx-cc g++ -std=c++20 -Wall
try clangxx-cc clang++ -std=c++20 -Wall
for language in c cc; do
	case " $tried " in
	*" $language "*) ;;
	*)
		echo "$language: there is no compiler"
		status=1
		;;
	esac
done
# What is shown to readers has no need of a younger C.
for example in "$1"/examples/*.c; do
	cp "$example" "$tmp/shown.cc"
	# shellcheck disable=SC2086
	gcc -std=c99 -Wall -Wextra -pedantic -Werror -o "$tmp/shown" "$example" $flags &&
		g++ -std=c++11 -Wall -Wextra -pedantic -Werror -o "$tmp/shown" "$tmp/shown.cc" $flags || {
		echo "$example: does not build"
		status=1
	}
done
python3 "$here/threads.py" "$lib/libhull.so.0" || status=1
exit $status
