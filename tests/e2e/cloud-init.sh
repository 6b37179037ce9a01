#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The disk for cloud-init, as the guest's kernel and blkid see it.
. "$(dirname "$0")/functions.sh"
requires blkid

mkdir data
printf '#cloud-config\nhostname: web\n' >data/user-data
printf 'instance-id: i-1\n' >meta-data
seq 1 20000 >network-config # of many blocks
echo other >vendor-data

found='for disk in /dev/vd?; do
	[ "$(blkid -o value -s LABEL $disk)" = cidata ] || continue
	blkid -o value -s TYPE $disk
	cat /sys/block/${disk#/dev/}/ro
	mount -t iso9660 -o ro $disk /mnt && cd /mnt && ls -1 && md5sum user-data meta-data network-config
done'
expect 0 "$HULL" run --cloud-init data/user-data,meta-data,network-config,vendor-data -- sh -c "$found"
is out "iso9660
1
meta-data
network-config
user-data
$(md5sum <data/user-data | cut -d' ' -f1)  user-data
$(md5sum <meta-data | cut -d' ' -f1)  meta-data
$(md5sum <network-config | cut -d' ' -f1)  network-config"

# By a description; what is not given is empty.
echo '{"version":1,"root":{"kind":"host","cache":"always"},"cloud_init":{"meta_data":"meta-data"}}' >vm.json
expect 0 "$HULL" run --config vm.json -- sh -c "$found"
is out "iso9660
1
meta-data
network-config
user-data
d41d8cd98f00b204e9800998ecf8427e  user-data
$(md5sum <meta-data | cut -d' ' -f1)  meta-data
d41d8cd98f00b204e9800998ecf8427e  network-config"

# ---- what can't be ----
expect 125 "$HULL" run --cloud-init network-config -- true
has err 'a file named user-data or meta-data is needed'
expect 125 "$HULL" run --cloud-init missing/user-data -- true
has err "open 'missing/user-data'"
truncate -s 1048577 data/user-data
expect 125 "$HULL" run --cloud-init data/user-data -- true
has err "'$T/data/user-data' is larger than 1024 KiB"
