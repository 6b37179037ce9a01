#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs an end-to-end script as an ordinary user: as-user.sh SCRIPT [anywhere].  Each gets a user id of
# its own, which needs no entry anywhere; so everything of that id is the script's, for the census.
# With "anywhere" it need not be able to make user namespaces.
set -eu
[ "$(id -u)" -eq 0 ] || exec sh "$1"
uid=$((1862270976 + $$))
as_user="setpriv --reuid $uid --regid $uid --clear-groups --inh-caps=-all"
$as_user test -r "$1" -a -x "$HULL" || {
	echo "skipped: this tree can't be read by other users" >&2
	exit 77
}
[ "${2-}" = anywhere ] || $as_user unshare --user true 2>/dev/null || {
	echo "skipped: no user namespaces for ordinary users here (a chroot has none)" >&2
	exit 77
}
tmp=$(mktemp -d)
chown "$uid" "$tmp"
trap 'rm -rf "$tmp"' EXIT
env -u XDG_RUNTIME_DIR HOME="$tmp" TMPDIR="$tmp" HULL_E2E_UID=$uid \
	$as_user sh "$1"
