#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A case that a unit test skips is told as skipped, though its program succeeds: a real one, that is asked to skip.
# usage: results.sh results.py TEST-PROGRAM
set -eu

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
env -u SHIM "$2" >"$tmp/said" 2>/dev/null
python3 - "$tmp/said" >"$tmp/log" <<'END'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as f:
    print(json.dumps({"name": "hull:unit / filter", "result": "OK", "stdout": f.read(), "stderr": ""}))
print(json.dumps({"name": "hull:e2e / other", "result": "FAIL"}))
END
got=$(python3 "$1" "$tmp/log" label)
want='OK label hull:unit_/_filter
SKIP label hull:unit_/_filter:test_rights_of_others
SKIP label hull:unit_/_filter:test_rights_of_the_user
FAIL label hull:e2e_/_other'
[ "$got" = "$want" ] || {
	printf 'not as it should be:\n%s\n' "$got"
	exit 1
}
