#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults while a command starts and runs, in the guest and around it.  See faults.sh for the table.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/faults.sh"
requires jq ps

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
guest-memory     | plain | -m 128M -- python3 -c 'b=[bytearray(1<<20) for i in range(999)]' | 137 - | | the guest ran out of memory*give it more with -m | | -m 512M -- python3 -c 'b=bytearray(200<<20)'
panic            | plain | -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60' | 125 BACKEND | panic | ended while the command ran: the guest's kernel panicked*sysrq triggered crash | sysrq-trigger
panic-memory     | plain | -m 128M -- sh -c 'echo 2 >/proc/sys/vm/panic_on_oom; python3 -c "b=[bytearray(1<<20) for i in range(999)]"' | 125 BACKEND | panic | kernel panicked*ut of memory | -m
power-off        | plain | -- sh -c 'echo o >/proc/sysrq-trigger; sleep 60' | 125 BACKEND | shutdown | the guest powered off | --console
reboot           | plain | -- sh -c 'echo b >/proc/sysrq-trigger; sleep 60' | 125 BACKEND | reboot | the guest rebooted | --console
timeout          | plain | --timeout 4s -- sleep 60 | 125 TIMEOUT | command-timeout | did not end within 4.000 s | --timeout | --timeout 1m -- sleep 5
qemu-killed      | killing qemu running | -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | hypervisor-died | while the command ran: QEMU was killed by signal 9 | dmesg
virtiofsd-killed | killing virtiofsd running | -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | helper-died | share daemon (virtiofsd) was killed by signal 9 | hull doctor
monitor-killed   | killing hull-monitor running | -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | monitor-died | the VM's monitor was killed by signal 9 | dmesg
TABLE
[ ! -x /usr/bin/passt ] || [ "$(id -u)" -ne 0 ] || faults <<'TABLE'
passt-killed     | killing passt running | --net passt -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | helper-died | passt, which carries the network, was killed by signal 9 | hull doctor
TABLE
faults_end
