#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Network block devices of a real server, over TCP and a Unix socket: a server that comes back in
# time is waited for, one that doesn't is an I/O error, and not for ever.
. "$(dirname "$0")/functions.sh"
requires nbdkit

mkdir exports
for disk in data fixed; do
	truncate -s 4M exports/$disk
	printf 'host-%s\n' $disk | dd of=exports/$disk conv=notrunc status=none
done
for disk in tcp brief; do
	truncate -s 8M $disk.raw
	printf 'host-%s\n' $disk | dd of=$disk.raw conv=notrunc status=none
done

# serve NAME WORDS... : a server in the background, up when this returns
serve()
{
	server=$1
	shift
	rm -f "$server.pid" "$server.sock"
	nbdkit -f -P "$server.pid" "$@" 2>>"$server.log" &
	eval "${server}_pid=$!"
	tries=600
	until [ -s "$server.pid" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] && kill -0 $! 2>/dev/null || return 1
		sleep 0.1
	done
}

# stop NAME : kills it, so that it has no time to say goodbye
stop()
{
	eval "pid=\$${1}_pid"
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}
tcp_pid=
unix_pid=
brief_pid=
vm=
on_exit 'stop tcp; stop unix; stop brief; [ -z "$vm" ] || kill "$vm" 2>/dev/null'

serve_tcp()
{
	serve tcp -i 127.0.0.1 -p "$port" file tcp.raw
}
serve_unix()
{
	serve unix -U "$T/unix.sock" file dir="$T/exports"
}
serve_brief()
{
	serve brief -U "$T/brief.sock" file brief.raw
}

# Nobody is there yet.
expect 125 "$HULL" run --net none --device nbd,uri=nbd://127.0.0.1:1/ -- true
has err 'Connection refused'
has err 'is the NBD server running'
expect 125 "$HULL" run --net none --device "nbd,uri=nbd+unix:///?socket=$T/unix.sock" -- true
has err "unix.sock': No such file or directory"
expect 125 "$HULL" run --device nbd,uri=nbds://127.0.0.1/ -- true
has err 'encrypted connections'

tries=20
port=$((20000 + $$ % 20000))
until serve_tcp; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || fail "no server over TCP: $(cat tcp.log)"
	port=$((port + 1))
done
serve_unix || fail "no server at a Unix socket: $(cat unix.log)"
serve_brief || fail "no server at a Unix socket: $(cat brief.log)"

expect 125 "$HULL" run --net none --device "nbd,uri=nbd+unix:///nosuch?socket=$T/unix.sock" -- true
has err nosuch

cat >guest.sh <<'END'
disk()
{
	for at in /sys/block/vd*; do
		serial=
		read -r serial <$at/serial
		[ "$serial" != "$1" ] || found=${at##*/}
	done
}
# fetch NAME BLOCK : a block that no cache has
fetch()
{
	disk $1
	dd if=/dev/$found of=/dev/null bs=4096 skip=$2 count=1 iflag=direct status=none 2>/dev/null &&
		echo "$1 $2 fetched" || echo "$1 $2 failed"
}
for name in tcp data brief fixed; do
	disk $name
	read -r size </sys/block/$found/size
	read -r ro </sys/block/$found/ro
	read -r text </dev/$found
	echo "$name $((size / 2048)) $text ro=$ro"
done
for name in tcp data; do
	disk $name
	printf 'guest-%s\n' $name | dd of=/dev/$found bs=4096 seek=1 conv=sync oflag=direct status=none
done
echo written
while read -r command; do
	eval "$command"
done
END
mkfifo words
"$HULL" run --net none \
	--device "nbd,uri=nbd://127.0.0.1:$port,deviceId=tcp,timeout=60000" \
	--device "nbd,uri=nbd+unix:///data?socket=$T/unix.sock,deviceId=data,timeout=60000,sync=none" \
	--device "nbd,uri=nbd+unix:///?socket=$T/brief.sock,deviceId=brief,timeout=1000" \
	--device "nbd,uri=nbd+unix:///fixed?socket=$T/unix.sock,deviceId=fixed,readonly" \
	-i -- sh -c "$(cat guest.sh)" <words >said 2>complaints &
vm=$!
exec 9>words
said()
{
	grep -qxF "$1" said && return
	kill -0 "$vm" 2>/dev/null || fail "the VM is gone: $(cat said complaints)"
	return 1
}
wait_for 120 said written
is said 'tcp 8 host-tcp ro=0
data 4 host-data ro=0
brief 8 host-brief ro=0
fixed 4 host-fixed ro=1
written'
for disk in tcp data; do
	dd if="$([ $disk = tcp ] && echo tcp.raw || echo exports/data)" bs=4096 skip=1 count=1 status=none |
		head -n 1 >wrote
	is wrote "guest-$disk"
done

# Both servers die and come back; what was asked meanwhile is answered then.
stop tcp
stop unix
echo 'echo asking; fetch tcp 3; fetch data 3; fetch fixed 3' >&9
wait_for 30 said asking
sleep 1
lacks said '3 fetched'
serve_tcp || fail "the server over TCP did not come back: $(cat tcp.log)"
serve_unix || fail "the server at a Unix socket did not come back: $(cat unix.log)"
wait_for 120 said 'fixed 3 fetched'
said 'tcp 3 fetched' && said 'data 3 fetched' || fail "$(cat said)"

# One stays away for longer than it is waited for; later it is back.
stop brief
echo 'fetch brief 5; fetch tcp 5' >&9
wait_for 120 said 'brief 5 failed'
wait_for 30 said 'tcp 5 fetched'
serve_brief || fail "the server did not come back: $(cat brief.log)"
echo 'n=0; until fetch brief 6 | grep -q fetched; do sleep 0.2; done; echo back; exit 7' >&9
wait_for 120 said back
exec 9>&-
code=0
wait "$vm" || code=$?
vm=
[ "$code" -eq 7 ] || fail "the VM ended with $code: $(cat complaints)"
