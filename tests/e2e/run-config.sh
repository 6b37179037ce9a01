#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Descriptions in files: all that is wrong with one is told at once, what it comes to is what is started, and
# options change what it says.
. "$(dirname "$0")/functions.sh"
requires jq

mkdir vm
cat >vm/bad.json <<'E2'
{"version": 1, "memry": "1G", "cpus": "two", "id": "00000000000000000000000000000000",
 "devices": [{"kind": "virtio-gpu", "widht": 5}, {"kind": "virtioblk"}, {"kind": "virtio-blk", "path": 3}, 7],
 "shares": [{"source": "."}], "networks": [{"mac": "x"}, {"provider": "pasat"}]}
E2
expect 2 "$HULL" config check vm/bad.json
is out ''
is err "memry: unknown key; did you mean 'memory'?
cpus: must be a whole number
id: unknown key
devices[0].widht: unknown key; did you mean 'width'?
devices[1].kind: unknown 'virtioblk'; did you mean 'virtio-blk'?
devices[2].path: must be a string
devices[3]: must be an object
shares[0].target: missing
networks[1].provider: unknown value 'pasat'; did you mean 'passt'?"
expect 2 "$HULL" config check -q vm/bad.json
is err ''
# Run stops at the first.
expect 125 "$HULL" run --config vm/bad.json -- true
has err "'vm/bad.json': memry: unknown key; did you mean 'memory'?"

# What contradicts other fields, once each by itself is right.
cat >vm/odd.json <<'E2'
{"version": 1, "name": "a b", "memory": 100000001, "gdb": {"kind": "tcp"}, "root": {"readonly": true},
 "disks": [{"scratch": 1048577}, {}], "networks": [{"mac": "x"}]}
E2
expect 2 "$HULL" config check vm/odd.json
[ "$(wc -l <err)" -eq 7 ] || fail "not all: $(cat err)"
has err 'disks[1].path: missing'
has err 'networks[0].mac'
has err 'gdb.port'

expect 1 "$HULL" config check none.json
expect 2 "$HULL" config check /dev/null
printf '{"version":1,"name":"' >vm/cut.json
expect 2 "$HULL" config check vm/cut.json
expect 2 "$HULL" config check - <vm/cut.json
has err "'standard input'"
printf '{"version":9}' >vm/new.json
expect 2 "$HULL" config check vm/new.json
has err 'version: 9 is not known'

# Relative paths are those of the file's directory.
truncate -s 1M vm/disk.img
echo told >vm/word
cat >vm/good.json <<'E2'
{"version": 1, "name": "described", "cpus": 2, "memory": "256M", "append": ["hull.test=1"],
 "shares": [{"source": "word", "target": "/word", "readonly": true}],
 "devices": [{"kind": "virtio-blk", "path": "disk.img", "id": "one"}, {"kind": "virtio-rng"}]}
E2
expect 0 "$HULL" config check vm/good.json
is out 'vm/good.json: nothing is wrong with it'
expect 0 "$HULL" config plan -o json vm/good.json
jq -e 'index("-m") as $m | .[$m + 1] == "256M" and (.[index("-smp") + 1] == "2") and
	any(.[]; test("serial=one"))' out >/dev/null || fail "the plan lacks something: $(cat out)"
expect 0 "$HULL" config plan vm/good.json
[ "$(wc -l <out)" -eq 1 ] || fail "the plan is not one line: $(cat out)"
has out "'console=ttyS0 "
expect 2 "$HULL" config plan vm/odd.json
expect 2 "$HULL" config plan --backend qmeu vm/good.json
has err "did you mean 'qemu'?"

expect 0 "$HULL" run --config vm/good.json -- sh -c 'nproc; cat /word; grep -o hull.test=1 /proc/cmdline
	free -m | awk "/Mem/ {print (\$2 < 256)}"; ls -d /sys/class/net/eth0'
is out "2
told
hull.test=1
1
/sys/class/net/eth0"
expect 0 "$HULL" run -c 1 --config vm/good.json --net none -m 300M -- sh -c 'nproc; ls /sys/class/net'
is out "1
lo"
printf '{"version":1,"networks":[{"provider":"builtin"}]}' >vm/net.json
expect 125 "$HULL" run --config vm/net.json -p 8080:80 -- true
has err 'the description has networks of its own'

# A throwaway disk is empty, unless it is the root's by its serial number: wherever that one stands.
cat >vm/scratch.json <<'E2'
{"version": 1, "disks": [{"scratch": "32M"}, {"scratch": "64M", "serial": "hull-scratch"}, {"scratch": "16M", "serial": "last"}]}
E2
expect 0 "$HULL" run --config vm/scratch.json --net none -- sh -c '
	for disk in /sys/block/vd*; do
		echo "$(cat "$disk/size") $(cat "$disk/serial") $(tr -d "\0" <"/dev/${disk##*/}" | head -c 1 | wc -c)"
	done | grep -v hull-modules
	df --output=size -BM /usr | tail -n 1 | tr -dc 0-9 >/size; [ "$(cat /size)" -gt 40 ] && [ "$(cat /size)" -lt 65 ] && echo on-disk'
is out '65536  0
131072 hull-scratch 1
32768 last 0
on-disk'
# The option is about the root's.
expect 0 "$HULL" run --config vm/scratch.json --scratch 128M --net none -- sh -c 'cat /sys/block/vd*/size | tr "\n" " "'
has out '65536 262144 32768 '
printf '{"version":1,"disks":[{"scratch":"32M"}]}' >vm/empty.json
expect 0 "$HULL" run --config vm/empty.json --read-only --net none -- sh -c 'tr -d "\0" </dev/vda | wc -c'
is out 0

# The keys that are explained are those that are read.
expect 0 "$HULL" config fields
lacks out deviceId
for key in cpus root.kind 'networks[].ports[].host' 'devices[].width' 'devices[].timeout_ns'; do
	has out "$key  "
done
! grep -q '^run_dir' out || fail 'run_dir is for nobody to choose'
