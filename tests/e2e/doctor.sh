#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What "hull doctor" says of a good host and of broken ones; whatever it calls broken stops a VM.
. "$(dirname "$0")/functions.sh"
requires jq script unshare

# says CHECK STATUS [TEXT] : in ./out
says()
{
	line=$(grep -A1 -E "^(ok|warning|broken) +$1 " out) || fail "no line for $1: $(cat out)"
	case $line in
	"$2 "*) ;;
	*) fail "$1 is not $2: $line" ;;
	esac
	case $line in
	*"${3-}"*) ;;
	*) fail "the line for $1 lacks '$3': $line" ;;
	esac
}

# broken CHECK TEXT COMMAND... : doctor says so, with a fix (in ./said), and a VM does not start
broken()
{
	check=$1
	text=$2
	shift 2
	expect 1 "$@" "$HULL" doctor
	says "$check" broken "$text"
	says "$check" broken 'fix: '
	has out "'hull run' can't work here"
	cp out said
	expect 1 "$@" "$HULL" doctor -q
	is out ''
	expect 1 "$@" "$HULL" doctor -o json
	jq -e --arg check "$check" '.ok == false and
		(.checks[] | select(.check == $check) | .status == "broken" and .hint != "")' out >/dev/null ||
		fail "the JSON does not tell: $(cat out)"
	expect 125 timeout -k 5 60 "$@" "$HULL" run -- true
}

# ---- a good host ----

expect 0 "$HULL" doctor
is err ''
for check in kernel hypervisor settings programs guest shares namespaces cgroup directory scratch memory files; do
	grep -qE "^(ok|warning) +$check " out || fail "no line for $check: $(cat out)"
done
says hypervisor ok 'QEMU '
has out "'hull run' works here"
! grep -q "$(printf '\033')" out || fail "colour in a pipe"
[ -z "$(ls -A "$HULL_HOME")" ] || fail "it left something: $(find "$HULL_HOME")"
expect 0 "$HULL" doctor --quiet
is out ''
expect 0 "$HULL" doctor --output=json
jq -e '.ok == true and .version != "" and (.checks | length) >= 14 and
	([.checks[] | (keys == ["check", "hint", "status", "text"]) and .text != "" and
		(.status == "ok" or .status == "warning") and (.status == "warning" or .hint == "")] | all)' \
	out >/dev/null || fail "not the JSON that is documented: $(cat out)"
expect 0 "$HULL" run -- true

expect 0 env -u NO_COLOR script -qec "$HULL doctor" /dev/null
grep -q "$(printf '\033\\[32mok')" out || fail "no colour on a terminal"
expect 0 env NO_COLOR=1 script -qec "$HULL doctor" /dev/null
! grep -q "$(printf '\033')" out || fail "colour in spite of NO_COLOR"

best=9999
for i in 1 2 3 4 5; do
	began=$(date +%s%N)
	"$HULL" doctor -q
	took=$((($(date +%s%N) - began) / 1000000))
	[ "$took" -ge "$best" ] || best=$took
done
[ "$best" -lt 1000 ] || fail "it takes $best ms"

expect 2 "$HULL" doctor --bogus
has err "unknown option '--bogus'"
expect 2 "$HULL" doctor extra
has err "unexpected argument 'extra'"
expect 2 "$HULL" doctor -o yaml
has err "unknown format 'yaml'"
expect 1 sh -c '"$HULL" doctor >/dev/full'

# ---- broken ones ----

broken settings "HULL_CPUS: must be a whole number, not 'many'" env HULL_CPUS=many

mkdir guest
broken guest "open guest artefact '$T/guest/vmlinux': No such file" env HULL_GUEST_DIR="$T/guest"
cp "$(dirname "$HULL")/guest/initramfs" "$(dirname "$HULL")/guest/modules.img" guest
: >guest/vmlinux
broken guest "'$T/guest/vmlinux' is empty" env HULL_GUEST_DIR="$T/guest"
cp "$(dirname "$HULL")/guest/vmlinux" guest/vmlinux
expect 0 env HULL_GUEST_DIR="$T/guest" "$HULL" doctor
if [ "$(id -u)" -ne 0 ]; then
	chmod 0 guest/vmlinux
	broken guest "read '$T/guest/vmlinux': Permission denied" env HULL_GUEST_DIR="$T/guest"
fi
rm -rf guest/vmlinux
mkdir guest/vmlinux
broken guest "read '$T/guest/vmlinux': Is a directory" env HULL_GUEST_DIR="$T/guest"

broken files 'too few to start a VM' sh -c 'ulimit -n 64; exec "$@"' sh
broken directory 'not an absolute path' env HULL_HOME=relative/path
long=$T/$(printf '%0120d' 0)
mkdir "$long"
broken directory 'too long a path' env HULL_HOME="$long"
broken directory /proc env HULL_HOME=/proc/nothing
: >file
broken directory 'Not a directory' env HULL_HOME="$T/file"

# A QEMU that comes first in PATH.
mkdir bin
# fake_qemu SCRIPT
fake_qemu()
{
	printf '#!/bin/sh\n%s\n' "$1" >bin/qemu-system-x86_64
	chmod 755 bin bin/qemu-system-x86_64 "$T"
}
fake_qemu 'echo "QEMU emulator version 6.2.0 (fake)"'
broken hypervisor 'QEMU 6.2.0' env PATH="$T/bin:$PATH"
fake_qemu 'echo "something else"'
broken hypervisor 'does not say which QEMU it is' env PATH="$T/bin:$PATH"
fake_qemu 'exec sleep 20'
expect 1 timeout 10 env PATH="$T/bin:$PATH" "$HULL" doctor
says hypervisor broken "ask '$T/bin/qemu-system-x86_64' for its version: Connection timed out"
fake_qemu 'printf "QEMU emulator version 7.2.\033[31m"; head -c 1000000 /dev/zero'
expect 1 env PATH="$T/bin:$PATH" "$HULL" doctor
says hypervisor broken 'does not say'

if [ "$(id -u)" -ne 0 ]; then
	broken directory 'belongs to user 0' env HULL_HOME=/
	cp said out
	says namespaces ok 'user and mount namespaces'
	exit 0
fi
mkdir -p theirs/run
chown 12345 theirs/run
broken directory 'belongs to user 12345' env HULL_HOME="$T/theirs"

# ---- what only root can break ----

unshare -m true || exit 0
# without FILES -- COMMAND... : where those are no programs
cat >without <<'END'
while [ "$1" != -- ]; do
	[ ! -e "$1" ] || mount --bind /dev/null "$1"
	shift
done
shift
exec "$@"
END
without()
{
	# shellcheck disable=SC2086 # a list
	broken "$1" "$2" unshare -m sh "$T/without" $3 --
}
qemus=$(IFS=:; for dir in $PATH /usr/bin; do echo "$dir/qemu-system-x86_64"; done)
without hypervisor "'qemu-system-x86_64' not found" "$qemus /usr/libexec/qemu-kvm"
has said 'apt install qemu-system-x86'
without shares 'virtiofsd is not installed' '/usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd'
# shellcheck disable=SC2086 # a list
expect 0 unshare -m sh "$T/without" $(IFS=:; for dir in $PATH /usr/bin; do echo "$dir/passt"; done) \
	/sbin/mkfs.ext4 /usr/sbin/mkfs.ext4 -- "$HULL" doctor
says network warning 'apt install passt'
says scratch warning 'apt install e2fsprogs'

mkdir small
broken directory 'no room' unshare -m sh -c 'mount -t tmpfs -o size=16k,nr_inodes=4 small small
	HULL_HOME=$PWD/small exec "$@"' sh
broken directory 'Read-only file system' unshare -m sh -c 'mount -t tmpfs -o ro small small
	HULL_HOME=$PWD/small exec "$@"' sh

# Ordinary users can't make namespaces in a chroot, and can do without; nobody can without the
# capability.
mkdir jail
user=$((1862270976 + $$))
if setpriv --reuid $user --regid $user --clear-groups test -x "$HULL"; then
	# shellcheck disable=SC2016
	jailed='user=$1; shift; mount --rbind / jail
		exec chroot jail env -u HULL_HOME -u XDG_RUNTIME_DIR setpriv --reuid $user --regid $user --clear-groups "$@"'
	expect 0 unshare -m sh -c "$jailed" sh $user "$HULL" doctor
	says namespaces warning 'make a user and mount namespace'
	expect 0 unshare -m sh -c "$jailed" sh $user "$HULL" run -- true
	has err 'over 9p'
	rm -rf "/tmp/hull-$user"
fi
broken namespaces 'make a mount namespace' setpriv --bounding-set=-sys_admin
has said CAP_SYS_ADMIN
