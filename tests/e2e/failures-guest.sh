#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults of a guest while a command runs, and of what it runs in.  See faults.sh for the table.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/faults.sh"
requires jq ps

faults <<'TABLE'
guest-memory     | plain | -m 128M -- python3 -c 'b=[bytearray(1<<20) for i in range(999)]' | 137 - | | the guest ran out of memory*give it more with -m | | -m 512M -- python3 -c 'b=bytearray(200<<20)'
panic            | plain | -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60' | 125 BACKEND | panic | ended while the command ran: the guest's kernel panicked*sysrq triggered crash | sysrq-trigger
panic-memory     | plain | -m 128M -- sh -c 'echo 2 >/proc/sys/vm/panic_on_oom; python3 -c "b=[bytearray(1<<20) for i in range(999)]"' | 125 BACKEND | panic | kernel panicked*ut of memory | -m
power-off        | plain | -- sh -c 'echo o >/proc/sysrq-trigger; sleep 60' | 125 BACKEND | shutdown | the guest powered off | --console
reboot           | plain | -- sh -c 'echo b >/proc/sysrq-trigger; sleep 60' | 125 BACKEND | reboot | the guest rebooted | --console
qemu-killed      | killing qemu running | -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | hypervisor-died | while the command ran: QEMU was killed by signal 9 | dmesg
virtiofsd-killed | killing virtiofsd running | -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | helper-died | share daemon (virtiofsd) was killed by signal 9 | hull doctor
monitor-killed   | killing hull-monitor running | -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | monitor-died | the VM's monitor was killed by signal 9 | dmesg
TABLE
[ ! -x /usr/bin/passt ] || [ "$(id -u)" -ne 0 ] || faults <<'TABLE'
passt-killed     | killing passt running | --net passt -- sh -c 'echo up; exec sleep 1000' | 125 BACKEND | helper-died | passt, which carries the network, was killed by signal 9 | hull doctor
TABLE
faults_end
