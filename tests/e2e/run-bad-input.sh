#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Wrong command lines: refused before anything starts, naming what is wrong and the nearest right.
. "$(dirname "$0")/functions.sh"

expect 2 "$HULL" rum
has err "did you mean 'run'?"
expect 2 "$HULL"
expect 0 "$HULL" --help
has out 'hull run -- uname -a'
expect 0 "$HULL" run --help
has out --memory
expect 2 "$HULL" version --bogus
has err "unknown option '--bogus'"
expect 2 "$HULL" version extra
has err "unexpected argument 'extra'"
expect 2 "$HULL" version --version
has err "unknown option '--version'"
for words in '--version extra' '-V --bogus' 'help run extra' '--help run --bogus' 'completion --bogus' \
	'completion bash extra' 'completion' 'completion fsh' '--bogus' 'help rum' 'doctor extra' 'doctor --bogus'; do
	# shellcheck disable=SC2086 # words
	expect 2 "$HULL" $words
	is out ''
	has err hull
done
expect 0 "$HULL" version --help
has out 'hull version'
expect 125 "$HULL" run --memroy 1G -- true
has err "did you mean '--memory'?"
expect 125 "$HULL" run -Z -- true
has err "unknown option '-Z'"
expect 125 "$HULL" run --accel kwm -- true
has err "did you mean 'kvm'?"
expect 125 "$HULL" run --machine q36 -- true
has err "did you mean 'q35'?"
expect 125 "$HULL" run -m lots -- true
has err "'lots' is not a size"
expect 125 "$HULL" run -m 1 -- true
has err memory
expect 125 "$HULL" run -c 0 -- true
has err "'0' is not a number"
expect 125 "$HULL" run -c
has err 'needs a value'
# The end of the options is no value.
expect 125 "$HULL" run -w -- true
has err "'--workdir' needs a value"
expect 125 "$HULL" run --workdir=-- --memroy
has err "did you mean '--memory'?"
expect 125 "$HULL" run --restful-uri http://localhost:8080 -- true
has err "--restful-uri: 'http://localhost:8080': the scheme is unknown"
has err 'hint: write it like unix:///PATH or tcp://localhost:PORT'
expect 125 "$HULL" run --ignition nope -- true
has err "--ignition: open 'nope': No such file or directory"
has err 'hint: give the path of a file that you may read'
lacks err "hull's own"
for kind in virtio-blk nvme usb-mass-storage; do
	expect 125 "$HULL" run --device $kind,path=nope.img -- true
	has err "--device: $kind: open 'nope.img': No such file or directory"
done
expect 125 "$HULL" run --device virtio-fs,sharedDir=nope,mountTag=x -- true
has err "--device: virtio-fs: open 'nope': No such file or directory"
for value in 9000 vsockPort= vsockPort=0 vsockPort=4294967296 port=9000; do
	expect 125 "$HULL" run --timesync $value -- true
	has err '--timesync: '
done
expect 125 "$HULL" run --timeout soon -- true
has err "'soon' is not a time"
expect 125 "$HULL" run -e =secret -- true
has err 'no variable name'
lacks err secret
printf 'A=1\nexport B=secret\n' >vars
expect 125 "$HULL" run --env-file vars -- true
has err "--env-file: 'vars': line 2: a variable name has no white space"
has err NAME=VALUE
lacks err secret
expect 125 "$HULL" run --env-file /no/such/file -- true
has err "read '/no/such/file'"
expect 125 "$HULL" run --env-file /dev/zero -- true
has err "'/dev/zero' is larger than 1024 KiB"
expect 125 "$HULL" run
has err 'no command given'
expect 125 "$HULL" run uname -a
has err 'hull run -- uname'
expect 125 "$HULL" run --kernel /no/such/kernel -- true
has err '/no/such/kernel'
expect 125 "$HULL" run --agent none -- true
has err "with --agent none hull can't run 'true'"
has err 'hint: leave out the command: the kernel is just booted'
expect 125 "$HULL" run --firmware efi -- true
has err "with --firmware efi hull can't run 'true'"
has err 'hint: leave out the command: what the disks hold is booted'
expect 125 "$HULL" run --firmware efi --agent none -- true
has err "with --agent none hull can't run 'true'"
printf '{"version":1,"agent":"none"}' >agentless.json
expect 125 "$HULL" run --config agentless.json -- true
has err "with the description's agent 'none' hull can't run 'true'"
expect 125 sh -c '"$HULL" run -it -- true </dev/null'
has err 'not a terminal'
expect 125 "$HULL" run --log-format=json --memroy 1 -- true
jq -e '.error.code == "INVALID" and (.error.hint | length > 0)' err >/dev/null ||
	fail "no JSON error: $(cat err)"

# Nothing that is quoted steers the terminal, in hints neither.
csi=$(printf '\302\23331m')
expect 125 "$HULL" run "$(printf 'a\033[31m')$csi" -- true
has err 'a\x1b[31m\xc2\x9b31m'
has err 'hull run -- a\x1b[31m'
! LC_ALL=C grep -q "$(printf '[\033\233]')" err || fail "control characters reach the terminal"

# What the monitor can't have is told as it said it.
"$HULL" run --net none --accel kvm -- true >out 2>err || has err "accelerator 'kvm': "
