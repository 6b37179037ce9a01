#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every verb and option of the program stands in its man page, and no page names one that is gone.
set -eu
hull=$1 man=$2
status=0

for verb in $("$hull" --list-verbs); do
	grep -q "^\*$verb\*" "$man/hull.1.scd" || {
		echo "hull.1.scd lacks the verb '$verb'"
		status=1
	}
	page=$man/hull-$verb.1.scd
	options=$("$hull" --list-options "$verb")
	[ -n "$options" ] || continue
	for option in $options; do
		grep -q "^\*[^ ].*\*$option\*\|^\*$option\*" "$page" || {
			echo "hull-$verb.1.scd lacks the option '$option'"
			status=1
		}
	done
	for option in $(sed -n 's/^\*.*\(--[a-z-]*\)\*.*/\1/p' "$page"); do
		printf '%s\n' $options | grep -qxF -e "$option" || {
			echo "hull-$verb.1.scd has '$option', which 'hull $verb' does not know"
			status=1
		}
	done
done
exit $status
