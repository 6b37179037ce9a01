#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A guest's root does its worst to the shares (share-hostile.py): nothing outside them changes, nothing
# read-only does, and in them comes to be nothing that is dangerous on the host.
. "$(dirname "$0")/functions.sh"
requires python3
me=$(id -u)

mkdir -p place/share place/outside place/ro
echo secret >place/outside/secret
echo outside >place/file
chmod 600 place/outside/secret
echo readonly >place/ro/file
echo one >place/one.conf
echo sibling >place/sibling.conf
cp "$(dirname "$script")/share-hostile.py" place/ro/

# Names, kinds, modes, owners, sizes, times and contents of all but the writable share and file.
picture()
{
	find place -path place/share -prune -o ! -path place/one.conf ! -path place -printf '%p %y %m %U %G %s %T@ %C@ %l\n' | sort
	find place -path place/share -prune -o -type f ! -path place/one.conf -exec cksum {} + | sort
	ls -lan /etc/passwd /etc/shadow /etc/hostname
	cksum </etc/passwd
}
picture >before
# Directories that change places under other writers, which come last, have been seen to lock up the
# guest's kernel for ever.  That is its own affair: what counts is the host, and that the VM ends.
code=0
timeout 200 "$HULL" run --timeout 100s -v ./place/share:/share -v ./place/ro:/ro:ro -v ./place/one.conf:/one.conf -- \
	python3 /ro/share-hostile.py races >out 2>err || code=$?
case $code in
0) has out raced ;;
125) has err 'did not end within' ;;
*) fail "it ended with $code: $(cat err)" ;;
esac
picture >after
diff before after >&2 || fail "something outside the shares has changed"
sed '/^[0-9]* tries$/q' out >tries
tries=$(sed -n 's/^\([0-9]*\) tries$/\1/p' tries)
[ "${tries:-0}" -ge 100 ] || fail "only $tries tries: $(tail -n 3 tries)"
lacks tries 'ended early'

cd place/share || exit 1
bad=$(find . \( -type b -o -type c -o \( -type f -perm /6000 \) -o \( -type d -perm /4000 \) \) -ls)
[ -z "$bad" ] || fail "came to be on the host: $bad"
bad=$(find . ! -uid "$me" -ls | head -n 3)
[ -z "$bad" ] || fail "belongs to others: $bad"
[ -n "$(find . -name 'many*' | head -n 1)" ] || fail "the guest did not write at all"
for f in suid passwd true; do
	[ "$(python3 -c 'import os, sys; print(len(os.listxattr(sys.argv[1])))' "$f")" = 0 ] || fail "$f has attributes"
done
cd "$T" || exit 1
