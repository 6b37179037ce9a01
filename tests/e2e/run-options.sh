#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Environment, directory, user, CPUs, memory, time limit.
. "$(dirname "$0")/functions.sh"

expect 0 env PASSED=on "$HULL" run -c 2 -m 1G -e A=1 -e PASSED -e UNSET -w /tmp --timeout 120s -- \
	sh -c 'echo $A $PASSED ${UNSET-none}; pwd; nproc; id -un; grep MemTotal /proc/meminfo'
sed -n 1p out >line && is line '1 on none'
sed -n 2p out >line && is line /tmp
sed -n 3p out >line && is line 2
sed -n 4p out >line && is line root
kb=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' out)
[ "$kb" -gt 900000 ] && [ "$kb" -lt 1048576 ] || fail "MemTotal is $kb kB"

cat >vars <<'END'
# a comment

  SPACES=  two words 
EQUALS=a=b="c"
PASSED
UNSET
OVER=file
GONE=file
OVER=again
END
expect 0 env PASSED=on "$HULL" run -u nobody -e OVER=word -e GONE --env-file vars -- \
	sh -c 'echo "[$SPACES][$EQUALS][$PASSED][${UNSET-none}][$OVER][${GONE-none}]"; env | grep -c ^OVER=; id -u'
sed -n 1p out >line && is line '[  two words ][a=b="c"][on][none][word][none]'
sed -n 2p out >line && is line 1
sed -n 3p out >line && is line "$(id -u nobody)"

start=$(date +%s)
expect 125 "$HULL" run --timeout 3s -- sleep 1000
has err '3.000 s'
[ $(($(date +%s) - start)) -lt 30 ] || fail "the time limit took too long"

# Users and directories of the guest are the same for everybody.
[ "$(id -u)" -eq 0 ] || exit 0
expect 0 "$HULL" run -u 12:34 -- id
has out uid=12
has out gid=34
expect 125 "$HULL" run -u no-such-user -- true
has err no-such-user
expect 125 "$HULL" run -w /no/such/dir -- true
has err /no/such/dir
