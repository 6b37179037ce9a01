#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults of the host: memory, limits, shares, ports, programs, KVM.  See faults.sh for the table.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/faults.sh"
. "$(dirname "$script")/net.sh"
requires jq python3 ps

chmod 755 .
mkdir dir small unreadable
: >file
mkfifo fifo
long=$T/$(printf '%0100d' 0)
mkdir "$long"
start_peer held hold held tcp
wait_for 10 test -s held
busy=$(cat held)

faults <<'TABLE'
memory-host      | plain | -m 3T -- true | 125 EXHAUSTED | host-memory | is more than the host's | --memory | -m 256M -- true
memory-ulimit    | after 'ulimit -v 300000' | -- true | 125 EXHAUSTED | host-memory | QEMU exited with status 1:*Cannot allocate memory | ulimit -v
memory-file      | after 'ulimit -f 1024' | -- true | 125 EXHAUSTED | file-size-limit | for the guest's memory: File too large | ulimit -f
descriptors      | after 'ulimit -n 64' | -- true | 125 EXHAUSTED | descriptor-limit | Too many open files | ulimit -n
home-long        | with HULL_HOME=$long | -- true | 125 INVALID | path-too-long | is too long a path | HULL_HOME to a directory with a short path
home-relative    | with HULL_HOME=relative | -- true | 125 INVALID | | HULL_HOME is 'relative': not an absolute path | begin it with '/'
home-nowhere     | with HULL_HOME=/proc/nothing | -- true | 125 NOT_FOUND | no-such-file | create run directory '/proc/nothing/run' | HULL_HOME
home-file        | with HULL_HOME=$T/file | -- true | 125 INVALID | | file/run': Not a directory | HULL_HOME
share-missing    | plain | -v $T/none:/x -- true | 125 NOT_FOUND | no-such-file | share '*/none': No such file or directory | mkdir -p '*/none' | -v $T/dir:/x -- true
share-fifo       | plain | -v $T/fifo:/x -- true | 125 INVALID | not-shareable | fifo': it is neither a directory nor a file | share a directory or a file
share-on-file    | plain | -v $T/dir:/etc/passwd -- true | 125 INVALID | share-target | Not a directory | choose another target | -v $T/dir:/mnt -- true
share-on-dir     | plain | -v $T/file:/tmp -- true | 125 INVALID | share-target | Not a directory | choose another target | -v $T/file:/mnt/new -- true
share-own        | plain | -v $T/dir:/proc/x -- true | 125 INVALID | | /proc, /sys, /dev and /run/hull are the guest's own |
device-missing   | plain | --device virtio-fs,sharedDir=$T/none -- true | 125 NOT_FOUND | no-such-file | open '*/none': No such file or directory | mkdir -p '*/none' | --device virtio-fs,sharedDir=$T/dir -- true
device-file      | plain | --device virtio-fs,sharedDir=$T/file -- true | 125 INVALID | not-a-directory | file' is not a directory | give the path of a directory
device-tags      | plain | --device virtio-fs,sharedDir=$T/dir --device virtio-fs,sharedDir=$T/dir/ -- true | 125 INVALID | | .tag: 'dir' is that of*already | another tag (mountTag) | --device virtio-fs,sharedDir=$T/dir --device virtio-fs,sharedDir=$T/dir,mountTag=other -- true
device-9p        | plain | --share-driver 9p --device virtio-fs,sharedDir=$T/dir -- true | 125 INVALID | | which share driver '9p' does not serve | leave out --share-driver
port-busy        | plain | -p $busy:80 -- true | 125 BUSY | port-busy | port 127.0.0.1:*/tcp is in use | choose another host port | -p $(free_ports 1):80 -- true
port-address     | plain | -p 192.0.2.254:80:80 -- true | 125 INVALID | no-such-address | '192.0.2.254' is not an address of this host | without one it is the loopback's
TABLE

# KVM with a processor that lacks what it needs, or else in other ways (kvm-nested runs those).
if [ -e /dev/kvm ] && ! grep -qwE 'vmx|svm' /proc/cpuinfo; then
	faults <<'TABLE'
kvm-processor    | plain | --accel kvm -- true | 125 UNAVAILABLE | kvm | accelerator 'kvm': the processor shows neither vmx nor svm | --accel tcg | --accel tcg -- true
TABLE
elif [ -e /dev/kvm ] && [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir theirs
	chown 65534 theirs
	closed='mount -t tmpfs none small; cp -a /dev/kvm small; chown 0:0 small/kvm; chmod 600 small/kvm; mount --bind small/kvm /dev/kvm'
	nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'
	faults <<'TABLE'
kvm-unusable     | mounts 'mount --bind /dev/null /dev/kvm' | --accel kvm -- true | 125 UNAVAILABLE | kvm | /dev/kvm does not speak version 12 of its interface | --accel tcg
kvm-closed       | mounts "$closed" | --accel kvm -- true | 125 DENIED | kvm | /dev/kvm is closed to unprivileged users | let a group such as 'kvm'
TABLE
	! $nobody test -x "$HULL" || faults <<'TABLE'
kvm-denied       | mounts "$closed; export HULL_HOME=$PWD/theirs; shift; set -- x $nobody \"\$@\"" | --accel kvm -- true | 125 DENIED | kvm | no permission to open /dev/kvm | with you in it
TABLE
fi

if [ "$(id -u)" -ne 0 ]; then
	chmod 0 unreadable
	faults <<'TABLE'
processes        | plain prlimit --nproc=1 | -- true | 125 EXHAUSTED | process-limit | no more processes are allowed | ulimit -u
share-closed     | plain | -v /root/x:/x -- true | 125 DENIED | permission | share '/root/x': Permission denied | that you may read yourself
kernel-closed    | plain | --kernel /etc/shadow -- true | 125 DENIED | permission | read '/etc/shadow': Permission denied | that you may read
TABLE
fi

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	faults <<'TABLE'
qemu-missing     | mounts 'mount --bind /dev/null /usr/bin/qemu-system-x86_64; export PATH=/nowhere' | -- true | 125 NOT_FOUND | no-such-program | 'qemu-system-x86_64' not found | apt install qemu-system-x86
virtiofsd-gone   | mounts 'mount --bind /dev/null /usr/lib/qemu/virtiofsd' | -- true | 125 NOT_FOUND | no-such-program | virtiofsd is not installed | qemu-system-common
virtiofsd-fails  | mounts 'mount --bind /bin/false /usr/lib/qemu/virtiofsd' | -- true | 125 BACKEND | helper-died | share daemon (virtiofsd) exited with status 1 | hull doctor
kvm-missing      | mounts 'mount -t tmpfs none small; cp -a /dev/null /dev/urandom /dev/zero /dev/random small; mount --rbind small /dev' | --accel kvm -- true | 125 UNAVAILABLE | kvm | there is no /dev/kvm | --accel tcg
passt-fails      | mounts 'mount --bind /bin/false /usr/bin/passt' | --net passt -- true | 125 BACKEND | helper-died | passt*exited with status 1 | --net builtin | --net builtin -- true
TABLE
fi

# Less memory for the control group than for the VM.
group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
group=${group%/}/e2e-$$
if [ "$(id -u)" -eq 0 ] && mkdir "$group" 2>/dev/null; then
	on_exit 'rmdir "$group"'
	echo 160M >"$group/memory.limit_in_bytes"
	faults <<'TABLE'
memory-cgroup    | after 'echo $$ >'$group/tasks | -- python3 -c 'b=bytearray(300<<20)' | 125 EXHAUSTED | host-memory | memory is limited to 160 MiB, and the VM alone has 512 MiB | control group '*/e2e-
TABLE
fi

# Fewer processes for it than a VM has.
pids=/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' /proc/self/cgroup)
pids=${pids%/}/e2e-$$
if [ "$(id -u)" -eq 0 ] && mkdir "$pids" 2>/dev/null; then
	on_exit 'rmdir "$pids"'
	echo 3 >"$pids/pids.max"
	faults <<'TABLE'
processes-cgroup | after 'echo $$ >'$pids/tasks | -- true | 125 EXHAUSTED | process-limit | no more processes are allowed | pids.max
TABLE
fi
faults_end
