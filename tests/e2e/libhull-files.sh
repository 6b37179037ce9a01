#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A C program copies files into and out of a VM by the library, as trees and as streams, and gives up in the
# middle; what comes back is as it was.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/library.sh"
requires python3 tar

on_exit '"$HULL" rm -a -f >/dev/null 2>&1'
library_program libhull-files

# tree DIRECTORY : what is in it, each with what must be kept
tree()
{
	(cd "$1" && find . ! -type d -printf '%P %M %T@ %n %l\n' | sort && find . -type d -printf '%P %M\n' | sort)
}

mkdir -p want/deep/empty
head -c 3000001 /dev/urandom >want/big
printf '#!/bin/sh\n' >want/tool
chmod 751 want/tool
ln want/tool want/deep/again
ln -s ../big want/deep/sym
truncate -s 64M want/hole
mkfifo -m 622 want/fifo
touch -d '2001-02-03 04:05:06.7' want/tool
chmod 1777 want/deep/empty
ln -s want/tool link

umask 077 # which is the program's, and no archive's
expect 0 timeout 250 bin/libhull-files
is out good
is err ''
umask 022
tree want >want.tree
for copy in got again; do
	tree $copy >$copy.tree
	cmp -s want.tree $copy.tree || fail "$copy is not as it was: $(diff want.tree $copy.tree)"
	cmp want/big $copy/big || fail "$copy/big is not as it was"
	[ "$(du -k $copy/hole | cut -f1)" -lt 100 ] || fail "the hole was filled"
done
tar -tf stream.tar >listed || fail "tar does not take the stream"
has listed want/deep/again
lacks listed socket
[ "$(stat -c %s large)" -eq 50000000 ] || fail "large is not whole: $(ls -l large)"
[ ! -e part ] || fail "part is there"
expect 0 "$HULL" ls -q
is out ''
