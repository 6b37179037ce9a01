#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults of the host's disks: full, read-only, or without the programs for them.  See faults.sh for the
# table.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/faults.sh"
requires jq unshare

[ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null || skip "file systems can't be mounted here"
chmod 755 .
mkdir dir small

faults <<'TABLE'
home-read-only   | mounts 'mount -t tmpfs -o ro none small; export HULL_HOME=$PWD/small' | -- true | 125 DENIED | read-only | small/run': Read-only file system | HULL_HOME
home-no-inodes   | mounts 'mount -t tmpfs -o nr_inodes=4 none small; export HULL_HOME=$PWD/small' | -- true | 125 EXHAUSTED | no-space | create run directory*No space left | make room
home-full        | mounts 'mount -t tmpfs -o size=32k none small; cat /dev/zero >small/x 2>/dev/null; export HULL_HOME=$PWD/small' | -- true | 125 EXHAUSTED | no-space | monitor.json': No space left | make room
scratch-full     | mounts 'mount -t tmpfs -o size=64k none /var/tmp; cat /dev/zero >/var/tmp/x 2>/dev/null' | --scratch 1G -- true | 125 EXHAUSTED | no-space | throwaway disk in '/var/tmp': No space left | leave out --scratch | -- true
scratch-read-only | mounts 'mount -t tmpfs -o ro none /var/tmp' | --scratch 1G -- true | 125 DENIED | read-only | throwaway disk in '/var/tmp': Read-only | leave out --scratch
scratch-fills    | mounts 'mount -t tmpfs -o size=24M none /var/tmp' | --scratch 1G -- sh -c 'head -c 64M /dev/zero >/big; sync; sleep 60' | 125 EXHAUSTED | no-space | throwaway disk can't take what the guest writes: No space left | make room
device-fills     | mounts 'mount -t tmpfs -o size=24M none small; truncate -s 1G small/d' | --scratch 64M --device virtio-blk,path=$T/small/d -- sh -c 'for d in /sys/block/vd*; do [ $(cat $d/size) -eq 2097152 ] && head -c 64M /dev/zero >/dev/${d##*/}; done; sync; sleep 60' | 125 EXHAUSTED | no-space | small/d' can't take what the guest writes: No space left | make room
log-full         | mounts 'mount -t tmpfs -o size=64k none small; export HULL_HOME=$PWD/small' | -- sh -c 'head -c 300000 /dev/zero >/dev/console; echo went on' | 0 - | | went on |
shm-unusable     | mounts 'mount -t tmpfs -o ro,size=4k none /dev/shm' | -v $T/dir:/x -- true | 0 - | | |
scratch-no-mkfs  | mounts 'mount --bind /dev/null /sbin/mkfs.ext4' | --scratch 1G -- true | 125 NOT_FOUND | no-such-program | mkfs.ext4, which makes throwaway disks, is missing | e2fsprogs
scratch-mkfs-fails | mounts 'mount --bind /bin/false /sbin/mkfs.ext4' | --scratch 1G -- true | 125 OS | mkfs-failed | mkfs.ext4 exited with status 1 | leave out --scratch
TABLE
faults_end
