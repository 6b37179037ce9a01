#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What VMs use, as "hull stats" and "hull top" tell it, changes with what their guests do; and a monitor
# that does not answer holds up nobody else's row.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
requires jq python3
on_exit '"$HULL" rm -a -f >/dev/null 2>&1'

# figure KEY [VM] : of one round, in ./out
figure()
{
	expect 0 timeout 60 "$HULL" stats -o json --interval 200ms -n 1 "${2:-web}"
	jq -e ".[0].$1" out
}

# at_least KEY FIGURE : it gets there; guests take their time on a busy host
at_least()
{
	tries=30
	until [ "$(figure "$1")" -ge "$2" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "$1 is not $2 or more: $(cat out)"
	done
}

expect 2 "$HULL" stats --interval 1ms
has err "100 ms at least"
expect 2 "$HULL" stats -n 0
expect 2 "$HULL" stats -o name
expect 1 "$HULL" stats nonesuch
expect 0 "$HULL" stats --interval 100ms -n 1 -o json
is out "[]"
expect 0 "$HULL" top --interval 100ms -n 1
[ "$(wc -l <out)" -eq 1 ] || fail "$(cat out)"

truncate -s 16M disk
cat >vm.json <<END
{"version":1,"memory":"256M","root":{"kind":"host","cache":"always"},
 "networks":[{"kind":"user","provider":"builtin"}],"devices":[{"kind":"virtio-blk","path":"$T/disk"}]}
END
expect 0 "$HULL" create --name web --config vm.json
expect 1 "$HULL" stats web
has err "VM 'web' is not running"
expect 0 "$HULL" start web
vm_at "$("$HULL" inspect web | jq -r '.[0].run_dir')"
expect 0 "$HULL" create --name db
expect 0 "$HULL" start db

# ---- both, once ----
expect 0 timeout 60 "$HULL" stats
[ "$(head -n 1 out | cut -d ' ' -f 1)" = NAME ] || fail "$(cat out)"
has out web
has out db
[ "$(wc -l <out)" -eq 3 ] || fail "$(cat out)"
pids=$(figure pids)
[ "$pids" -ge 2 ] || fail "$(cat out)"
[ "$(jq '.[0].guest_total_bytes' out)" -gt 150000000 ] && [ "$(jq '.[0].guest_total_bytes' out)" -le 268435456 ] || fail "$(cat out)"
[ "$(jq '.[0].private_bytes + .[0].shared_bytes' out)" -gt 30000000 ] || fail "$(cat out)"

# ---- rounds ----
expect 0 timeout 60 "$HULL" stats --interval 100ms -n 3 -o jsonl web
[ "$(jq -s 'length' out)" -eq 3 ] || fail "$(cat out)"
[ "$(jq -s '.[0].cpu_time_ns <= .[2].cpu_time_ns' out)" = true ] || fail "$(cat out)"
timeout 60 "$HULL" stats --interval 100ms 2>/dev/null | head -n 2 >out
[ "$(wc -l <out)" -eq 2 ] || fail "$(cat out)"

# ---- what the guest does ----
read_before=$(figure disk_read_bytes)
written_before=$(figure disk_written_bytes)
sent_before=$(figure net_sent_bytes)
guest 'for d in /sys/block/vd*; do [ "$(cat $d/size)" -ne 32768 ] || disk=/dev/${d##*/}; done
dd if=$disk of=/dev/null bs=1M count=8 iflag=direct && dd if=/dev/zero of=$disk bs=1M count=2 oflag=direct'
at_least disk_read_bytes $((read_before + 8388608))
at_least disk_written_bytes $((written_before + 2097152))
[ "$(figure disk_read_bytes db)" -eq 0 ] || fail "another VM's disk: $(cat out)"
# The kernel keeps no more than a few for an address that it has not found yet.
guest 'python3 -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(bytes(1), (\"10.0.2.2\", 9))
while not [l for l in open(\"/proc/net/arp\") if l.split()[::2][:2] == [\"10.0.2.2\", \"0x2\"]]: time.sleep(0.05)
for i in range(200): s.sendto(bytes(1000), (\"10.0.2.2\", 9))"'
at_least net_sent_bytes $((sent_before + 200000))
used_before=$(figure guest_used_bytes)
session memory python3 -c 'import time; x = bytearray(b"x") * 60000000; time.sleep(1000)'
at_least guest_used_bytes $((used_before + 50000000))
"$hullctl" "$V" delete memory || fail "delete session"
session busy sh -c 'while :; do :; done'
at_least cpu_milli 150
before=$(jq '.[0].cpu_time_ns' out)
at_least cpu_time_ns $((before + 200000000))
"$hullctl" "$V" delete busy || fail "delete session"

# ---- on a terminal ----
HULL=$HULL timeout 120 python3 "$(dirname "$script")/vm-stats.py" >out 2>err || fail "$(cat out err)"

# ---- one that is paused, and one whose monitor is frozen ----
expect 0 "$HULL" pause web
figure pids >/dev/null
[ "$(jq '.[0] | has("guest_used_bytes")' out)" = false ] || fail "$(cat out)"
[ "$(jq '.[0] | has("disk_read_bytes")' out)" = true ] || fail "$(cat out)"
expect 0 "$HULL" resume web
frozen=$("$HULL" inspect web | jq '.[0].monitor_pid')
kill -STOP "$frozen"
begun=$(date +%s)
expect 0 timeout 60 "$HULL" stats --interval 100ms -n 1 -o json
took=$(($(date +%s) - begun))
kill -CONT "$frozen"
[ "$took" -le 8 ] || fail "it took $took s" # two rounds of two seconds
[ "$(jq -c '[.[] | [.name, .error.code, has("disk_read_bytes"), (.cpu_time_ns > 0)]] | sort' out)" = \
	'[["db",null,true,true],["web","TIMEOUT",false,true]]' ] || fail "$(cat out)"
expect 0 "$HULL" stop -t 2s web
expect 1 timeout 60 "$HULL" stats --interval 100ms -n 1 -o json web db
[ "$(jq -r '.[].name' out)" = db ] || fail "$(cat out)"
