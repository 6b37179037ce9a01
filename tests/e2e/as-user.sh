#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs an end-to-end script as an ordinary user: as-user.sh SCRIPT.  Each gets a user id of its own,
# which needs no entry anywhere; so everything of that id is the script's, for the census.
set -eu
[ "$(id -u)" -eq 0 ] || exec sh "$1"
uid=$((1862270976 + $$))
tmp=$(mktemp -d)
chown "$uid" "$tmp"
trap 'rm -rf "$tmp"' EXIT
env -u XDG_RUNTIME_DIR HOME="$tmp" TMPDIR="$tmp" HULL_E2E_UID=$uid \
	setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all sh "$1"
