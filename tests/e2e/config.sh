#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "hull config": vfkit's command line and JSON into each other, without starting anything.
. "$(dirname "$0")/functions.sh"

head='{"vcpus":1,"memoryBytes":536870912,"bootloader":{"kind":"efiBootloader","efiVariableStorePath":"/nv","createVariableStore":false}'
printf 'raw' >disk.raw
printf 'QFI\373' >disk.qcow2
: >empty
printf 'x' >user-data

# Arguments to JSON.
expect 0 "$HULL" config from-args -- -b efi,variable-store=/nv
is out "$head}"
is err ''
expect 0 "$HULL" config from-args -- -b efi,variable-store=/nv -d virtio-blk,path=disk.raw,readonly
is out "$head"',"devices":[{"kind":"virtioblk","devName":"virtio-blk","readOnly":true,"imagePath":"disk.raw"}]}'
for image in disk.qcow2 empty none .; do
	expect 2 "$HULL" config from-args -- -b efi,variable-store=/nv -d "virtio-blk,path=$image"
	is out ''
	has err "image '$image'"
	expect 0 "$HULL" config from-args --skip-files -- -b efi,variable-store=/nv -d "virtio-blk,path=$image"
done
expect 2 "$HULL" config from-args -- -b efi,variable-store=/nv --cloud-init meta-data
has err "open 'meta-data': No such file"
expect 2 "$HULL" config from-args -- -b efi,variable-store=/nv --cloud-init disk.raw
has err 'user-data or meta-data'
expect 0 "$HULL" config from-args -- -b efi,variable-store=/nv --cloud-init user-data --pidfile x
is out "$head}"
has err 'note: --cloud-init is not part'
has err 'note: --pidfile is not part'
expect 0 "$HULL" config from-args -q -- -b efi,variable-store=/nv --pidfile x
is err ''
[ ! -e x ] || fail 'something was written'

# Refusals are one line that tells what to do.
expect 2 "$HULL" config from-args --
expect 2 "$HULL" config from-args -- --help
expect 2 "$HULL" config from-args -- -b efi --devise virtio-rng
is err "hull: vfkit has no flag '--devise'; did you mean '--device'?"
expect 2 "$HULL" config from-args -- -b efi -d virtio-gpu,width=x
is err "hull: --device 'virtio-gpu,width=x': virtio-gpu: 'width': must be a number from 1 to 9223372036854775807, not 'x'"

# JSON to arguments: lines or an array, from a file or standard input.
"$HULL" config from-args -- -b 'efi,variable-store=/n v' -d virtio-rng --timesync vsockPort=7 >vm.json ||
	fail 'no JSON'
expect 0 "$HULL" config to-args vm.json
is out "$(printf '%s\n' --cpus 1 --memory 512 --bootloader 'efi,variable-store=/n v' --device virtio-rng)"
has err 'note: timesync is not rendered'
expect 0 "$HULL" config to-args -q -o json - <vm.json
is out '["--cpus","1","--memory","512","--bootloader","efi,variable-store=/n v","--device","virtio-rng"]'
is err ''
expect 1 "$HULL" config to-args none.json
has err "read 'none.json'"
expect 2 "$HULL" config to-args vm.json vm.json
printf '{"bootloader":{"kind":"efiBootloader","efiVariableStorePath":"a\\nb"}}' >lines.json
expect 2 "$HULL" config to-args lines.json
has err "'-o json'"
expect 0 "$HULL" config to-args -o json lines.json
is out '["--bootloader","efi,variable-store=a\nb"]'
printf '{"bootloader":{"kind":"efi"}}' >bad.json
expect 2 "$HULL" config to-args bad.json
is err "hull: bootloader: kind: unknown 'efi'"

# A description anew.
printf ' {"devices": [{"KIND":"virtiorng","x":1}], "nested":true, "vcpus":3 }\n' >loose.json
expect 0 "$HULL" config convert --from vfkit --to vfkit loose.json
is out '{"vcpus":3,"memoryBytes":0,"bootloader":null,"devices":[{"kind":"virtiorng"}]}'
has err 'note: nested is ignored'
printf '{"vcpus":1,"memoryBytes":536870912,"bootloader":{"kind":"efiBootloader","efiVariableStorePath":"nv","createVariableStore":true},"timesync":{"vsockPort":7}}' >efi.json
expect 0 "$HULL" config convert --from vfkit --to hull efi.json
is out '{"version":1,"machine":"q35","firmware":{"kind":"efi","store":"nv","create":true},"agent":"none","timesync":{"port":7},"rng":false}'
is err ''
mv out hull.json
expect 0 "$HULL" config convert --from hull --to hull hull.json
is out "$(cat hull.json)"
expect 0 "$HULL" config convert --from hull --to vfkit hull.json
is out '{"vcpus":1,"memoryBytes":536870912,"bootloader":{"kind":"efiBootloader","efiVariableStorePath":"nv","createVariableStore":true},"timesync":{"vsockPort":7}}'
is err ''
printf '{"version":1,"name":"x","kernel":"/k"}' >named.json
expect 0 "$HULL" config convert -q --from hull --to vfkit <named.json
has out '"vmlinuzPath":"/k"'
is err ''
expect 2 "$HULL" config convert --from vfkit --to hull loose.json
has err 'memory: must be'
expect 2 "$HULL" config convert --from vfkit loose.json
has err "'--to' is needed"
expect 2 "$HULL" config convert --from vfkti --to vfkit loose.json
has err "did you mean 'vfkit'?"

# Help and completion know every verb, flag, device and key.
expect 2 "$HULL" config
expect 2 "$HULL" config form-args
has err "did you mean 'from-args'?"
expect 0 "$HULL" config --help
has out 'from-args'
expect 0 "$HULL" help config from-args
has out 'ignore-if-missing'
expect 0 "$HULL" --list-verbs config
is out "$(printf '%s\n' check convert fields from-args plan show to-args)"
expect 0 "$HULL" --list-options config to-args
is out "$(printf '%s\n' --output -o --quiet -q)"
cat >complete.bash <<'END'
hull() { "$HULL" "$@"; }
compopt() { :; }
. /dev/stdin <<<"$("$HULL" completion bash)"
complete_line() {
	COMP_LINE=$1 COMP_POINT=${#1}
	COMP_WORDS=($1)
	[[ $1 != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_hull
	echo "${COMPREPLY[*]}"
}
complete_line 'hull config t'
complete_line 'hull config from-args --sk'
complete_line 'hull config from-args -- --ini'
complete_line 'hull config from-args -- --device virtio-b'
complete_line 'hull config from-args -- -d virtio-net,nat,m'
complete_line 'hull vfkit --ini'
complete_line 'hull vfkit -b efi,v'
complete_line 'hull run --tim'
complete_line 'hull config show share_'
complete_line 'hull config show --or'
complete_line 'hull ls -o '
complete_line 'hull events --filter '
complete_line 'hull run --share-driver '
complete_line 'hull run -q --net n'
complete_line 'hull help st'
END
if command -v bash >/dev/null; then
	expect 0 bash complete.bash
	is out "to-args
--skip-files
--initrd
virtio-blk virtio-balloon
virtio-net,nat,mac=
--initrd
efi,variable-store=
--timeout --timesync --timing
share_cache share_driver
--origin
table json jsonl name
event= vm=
auto virtiofs 9p
none
start stats stop"
fi
