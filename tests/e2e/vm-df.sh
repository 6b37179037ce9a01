#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "hull df": what is allocated is counted, once, by kind; and looking leaves nothing behind.
. "$(dirname "$0")/functions.sh"
requires jq
on_exit '"$HULL" rm -a -f >/dev/null 2>&1'

# bytes KIND : as told
bytes()
{
	expect 0 "$HULL" df -o json
	jq --arg kind "$1" '[.[] | select(.kind == $kind)][0].bytes' out
}

expect 2 "$HULL" df -o name
expect 0 "$HULL" df
[ "$(head -n 1 out | tr -s ' ')" = "KIND ITEMS SIZE PATH" ] || fail "$(cat out)"
[ -z "$(ls "$HULL_HOME")" ] || fail "looking has made something: $(find "$HULL_HOME")"
[ "$(bytes guest)" -gt 30000000 ] || fail "the guest: $(cat out)"
[ "$(bytes store)" -eq 0 ] && [ "$(bytes volumes)" -eq 0 ] || fail "$(cat out)"

# ---- volumes: holes are nothing, links are one file, links to elsewhere are not followed ----
v=$HULL_HOME/state/volumes
mkdir -p "$v/a/deep/er" "$v/b"
empty=$(bytes volumes)
head -c 1048576 /dev/urandom >"$v/a/deep/er/file"
sync "$v/a/deep/er/file"
ln "$v/a/deep/er/file" "$v/a/again"
ln -s "$HULL" "$v/b/link"
truncate -s 1G "$v/b/hole"
full=$(bytes volumes)
[ "$((full - empty))" -ge 1048576 ] && [ "$((full - empty))" -lt 1200000 ] || fail "$full - $empty"
[ "$(jq -c '[.[] | select(.kind == "volumes")][0].items | map(.name) | sort' out)" = '["a","b"]' ] || fail "$(cat out)"
du=$(du -s --block-size=1 "$v/a" | cut -f 1)
[ "$(jq '.[] | select(.kind == "volumes").items[] | select(.name == "a").bytes' out)" -eq "$du" ] || fail "$du: $(cat out)"
if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 0 "$v/b/shut"
	expect 1 "$HULL" df
	has err "look at"
	has out total
	rmdir "$v/b/shut"
fi
rm -r "$v"

# ---- a VM ----
expect 0 "$HULL" create --name web
[ "$(bytes store)" -gt 8192 ] || fail "$(cat out)"
[ "$(bytes run)" -eq 0 ] || fail "$(cat out)"
expect 0 "$HULL" start web
[ "$(bytes run)" -gt 0 ] && [ "$(bytes logs)" -gt 0 ] || fail "$(cat out)"
id=$("$HULL" inspect web | jq -r '.[0].id')
[ "$(jq -r '.[] | select(.kind == "logs").items[].name' out)" = "$id" ] || fail "$(cat out)"
expect 0 "$HULL" df
grep -q '^run  *1 ' out || fail "$(cat out)"
expect 0 "$HULL" rm -f web
[ "$(bytes run)" -eq 0 ] && [ "$(bytes logs)" -eq 0 ] || fail "$(cat out)"
