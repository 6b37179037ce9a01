#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Our ttrpc against containerd's: ttrpc.sh INTEROP-TTRPC.  One line a scenario.
set -eu

program=$(realpath "$1")
cd "$(dirname "$0")"

skip() {
	echo "skipped: $*" >&2
	exit 77
}

command -v go >/dev/null || skip "go is not installed"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# A copy of go.mod: the build may add to it, and must not do so in the source tree.
cp go.mod go.sum "$tmp"
export GOFLAGS="${GOFLAGS-} -mod=mod -buildvcs=false" GOTOOLCHAIN=local
[ -n "${HOME-}${GOCACHE-}" ] || export GOCACHE="$tmp/cache"
timeout 300 go mod download -modfile="$tmp/go.mod" >"$tmp/log" 2>&1 || {
	cat "$tmp/log" >&2
	skip "modules can't be had"
}
timeout 300 go build -modfile="$tmp/go.mod" -o "$tmp/ttrpc" ./ttrpc

"$tmp/ttrpc" list >"$tmp/list"
failed=0
while read -r direction scenario; do
	if timeout -k 5 70 "$tmp/ttrpc" "$program" "$direction" "$scenario" >"$tmp/log" 2>&1 </dev/null; then
		echo "ok $direction $scenario"
	else
		echo "FAILED $direction $scenario"
		cat "$tmp/log"
		failed=1
	fi
done <"$tmp/list"
exit $failed
