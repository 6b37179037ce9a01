#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Clients of vsock.sock that misbehave harm neither the VM nor other clients; see link-hostile.py.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires python3

vm_start
session endless yes
expect 0 python3 "$(dirname "$script")/link-hostile.py" "$hullctl" "$V" "$(monitor)"
cat out
# The reader that never read is gone: the program goes on.
ctl 0 "$V" list
has out 'endless running'
ctl 0 "$V" delete endless
ctl 0 "$V" info
rss=$(sed -n 's/^rss_bytes=//p' out)
[ "$rss" -le 4194304 ] || fail "the agent uses $rss bytes of memory"
guest 'echo still well'
is out 'still well'
ctl 0 "$C" status
has out state=running
ctl 0 "$V" poweroff
vm_ended shutdown
