#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults of the command itself.  See faults.sh for the table.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/faults.sh"
requires jq

printf '#!/no/such/interpreter\n' >no-interpreter
printf '\177ELF and so on' >no-elf
chmod 755 . no-interpreter no-elf

faults <<'TABLE'
not-found        | plain | -- nonesuch | 127 NOT_FOUND | command-not-found | command 'nonesuch' not found | on the host | -- true
not-found-path   | plain | -- /none/such | 127 NOT_FOUND | command-not-found | command '/none/such' not found | on the host
not-executable   | plain | -- /etc/passwd | 126 DENIED | not-executable | '/etc/passwd' can't be executed: Permission denied | chmod +x
directory        | plain | -- /etc | 126 DENIED | not-executable | '/etc' can't be executed | chmod +x
no-interpreter   | plain | -v $T:/mnt -- /mnt/no-interpreter | 127 NOT_FOUND | command-not-found | its interpreter or loader is missing | what it needs
no-elf           | plain | -v $T:/mnt -- /mnt/no-elf | 126 DENIED | not-executable | Exec format error | 'file' tells
killed           | plain | -- sh -c 'kill -SEGV $$' | 139 - | | |
workdir-missing  | plain | -w /no/such -- true | 125 NOT_FOUND | working-directory | working directory '/no/such': No such file | -w | -w /tmp -- true
workdir-file     | plain | -w /etc/passwd -- true | 125 INVALID | working-directory | working directory '/etc/passwd': Not a directory | -w
no-user          | plain | -u nobodyhere -- true | 125 NOT_FOUND | no-such-user | no user 'nobodyhere' in the guest's /etc/passwd | a number | -u 4711 -- true
no-group         | plain | -u root:nonesuch -- true | 125 NOT_FOUND | no-such-group | no group 'nonesuch' in the guest's /etc/group | a number | -u root:4711 -- true
timeout          | plain | --timeout 4s -- sleep 60 | 125 TIMEOUT | command-timeout | did not end within 4.000 s | --timeout | --timeout 1m -- sleep 5
TABLE
faults_end
