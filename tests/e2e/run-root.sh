#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The host's system directories as the root: readable programs, hidden secrets, throwaway writes.
. "$(dirname "$0")/functions.sh"

secret=/etc/hull-e2e-secret.$$
printf 'top secret\n' >"$secret" && chmod 600 "$secret" || skip "cannot write to /etc"
on_exit "rm -f $secret"
probe=/etc/hull-e2e-written.$$
sum=$(sha256sum </usr/bin/env | cut -d' ' -f1)

cat >script <<END
sha256sum </usr/bin/env
stat -c '%u %g' /usr/bin/env
sha256sum /etc/shadow
cat $secret && echo SECRET-READ
echo changed >$probe && cat $probe
echo more >>/etc/passwd && tail -n 1 /etc/passwd
rm /etc/fstab /etc/debian_version; ls /etc/debian_version && echo STILL-THERE
mkdir /new /etc/new && mv /etc/new /etc/newer && ls -d /new /etc/newer
mount | grep ' / '
ls /root /home
END
expect 0 "$HULL" run -- sh -c "$(cat script)"
has out "$sum"
has out '0 0'
lacks out "$(sha256sum </etc/shadow | cut -d' ' -f1)"
lacks out SECRET-READ
has out changed
has out more
lacks out STILL-THERE
has out /etc/newer
has out overlay
[ ! -e "$probe" ] || fail "the guest wrote to the host's /etc"
[ -e /etc/debian_version ] || fail "the guest removed the host's file"
