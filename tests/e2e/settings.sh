#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Settings of hull.conf: what they change in a guest, what wins over them, and what is told of them.
. "$(dirname "$0")/functions.sh"
requires jq
on_exit "rm -rf '$HULL_HOME/etc'"

# origin KEY : as it is shown, blanks at the end left out
origin()
{
	"$HULL" config show --origin "$1" | sed 's/  */ /g'
}

# what_is WANT COMMAND... : its output, on a line each
what_is()
{
	want_text=$1
	shift
	expect 0 "$@"
	is out "$want_text"
}

kib()
{
	sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' out
}

# between LEAST MOST : MiB of the guest's memory, in ./out
between()
{
	[ "$(kib)" -gt $(($1 * 1024)) ] && [ "$(kib)" -lt $(($2 * 1024)) ] || fail "MemTotal is $(kib) kB"
}

look='nproc; grep MemTotal /proc/meminfo; ls /sys/class/net'

# ---- without files ----

what_is 512M "$HULL" config show memory
what_is '512M  default' "$HULL" config show --origin memory
what_is '512M  default' env HULL_MEMORY= "$HULL" config show --origin memory
expect 0 "$HULL" config check
has out 'nothing is wrong'

# ---- files: one, those of conf.d by name; then variables ----

mkdir -p "$HULL_HOME/etc/conf.d"
cat >"$HULL_HOME/etc/hull.conf" <<'END'
# a slow host
boot_timeout = 5m   # for the guest to be ready
cpus = 4
memory = 300M
net = none
END
printf 'cpus = 3\n' >"$HULL_HOME/etc/conf.d/10-first.conf"
printf 'cpus = 2\n' >"$HULL_HOME/etc/conf.d/20-second.conf"
printf 'cpus = 9\n' >"$HULL_HOME/etc/conf.d/30-other"
printf 'cpus = 9\n' >"$HULL_HOME/etc/conf.d/.40.conf"
[ "$(origin cpus)" = "2 $HULL_HOME/etc/conf.d/20-second.conf:1" ] || fail "cpus: $(origin cpus)"
[ "$(origin memory)" = "300M $HULL_HOME/etc/hull.conf:4" ] || fail "memory: $(origin memory)"
HULL_CPUS=7
export HULL_CPUS
[ "$(origin cpus)" = '7 environment: HULL_CPUS' ] || fail "cpus: $(origin cpus)"
unset HULL_CPUS
expect 0 "$HULL" config show
[ "$(wc -l <out)" -eq "$("$HULL" --list-settings | wc -l)" ] || fail "not every setting: $(cat out)"
grep -qxE 'boot_timeout +5m' out || fail "no boot_timeout: $(cat out)"
expect 0 "$HULL" config show -o json --origin
jq -e --arg home "$HULL_HOME" '(map(.key) | index("memory") != null) and
	(.[] | select(.key == "memory") == {key: "memory", value: "300M", origin: ($home + "/etc/hull.conf:4")}) and
	all(.[]; keys == ["key", "origin", "value"])' out >/dev/null || fail "not the JSON that is documented: $(cat out)"
expect 0 "$HULL" config show -o json memory
[ "$(jq -c . out)" = '[{"key":"memory","value":"300M"}]' ] || fail "$(cat out)"
expect 0 "$HULL" config show --origin home
has out "environment: HULL_HOME"

# The user's file, which HULL_HOME has not.
mkdir -p xdg/hull user/.config/hull
printf 'pids_limit = 77\n' >xdg/hull/hull.conf
printf 'pids_limit = 78\n' >user/.config/hull/hull.conf
what_is "77  $T/xdg/hull/hull.conf:1" env -u HULL_HOME XDG_CONFIG_HOME="$T/xdg" HOME="$T/user" \
	"$HULL" config show --origin pids_limit
what_is "78  $T/user/.config/hull/hull.conf:1" env -u HULL_HOME XDG_CONFIG_HOME=xdg HOME="$T/user" \
	"$HULL" config show --origin pids_limit
what_is '0  default' env XDG_CONFIG_HOME="$T/xdg" "$HULL" config show --origin pids_limit

# ---- a guest ----

# The file's.
expect 0 "$HULL" run -- sh -c "$look"
[ "$(sed -n 1p out)" = 2 ] || fail "not 2 CPUs: $(cat out)"
between 200 300
[ "$(sed -n '3,$p' out)" = lo ] || fail "a network, in spite of the setting: $(cat out)"

# A variable over the file, an option over a variable.
expect 0 env HULL_CPUS=1 HULL_MEMORY=600M HULL_NET=builtin "$HULL" run -m 400M -- sh -c "$look"
[ "$(sed -n 1p out)" = 1 ] || fail "not 1 CPU: $(cat out)"
between 300 400
[ "$(sed -n '3,$p' out | wc -l)" -eq 2 ] || fail "no network: $(cat out)"

# A description over the file, an option over a description; what neither says is as the file says.
printf '{"version":1,"cpus":1,"memory":"500M"}' >vm.json
expect 0 env HULL_PIDS_LIMIT=20 "$HULL" run --config vm.json -m 450M -- \
	sh -c "$look; (for i in \$(seq 40); do sleep 1 & done) 2>&1 | grep fork"
[ "$(sed -n 1p out)" = 1 ] || fail "not 1 CPU: $(cat out)"
between 350 450
[ "$(sed -n 3p out)" = lo ] || fail "a network, in spite of the setting: $(cat out)"
has out 'Cannot fork'

# What would start a machine has them as well; what turns descriptions into others has not.
expect 0 "$HULL" config plan -o lines vm.json
has out 500M
printf '{"version":1}' >empty.json
expect 0 "$HULL" config plan -o lines empty.json
has out 300M
expect 0 "$HULL" config convert --from hull --to hull empty.json
is out '{"version":1}'

# Paths: a program that is none, a directory without a guest.
expect 125 env HULL_QEMU=/no/such "$HULL" run -- true
has err /no/such
expect 125 env HULL_QEMU=relative "$HULL" run -- true
has err "HULL_QEMU: 'relative' is not an absolute path"
expect 125 env HULL_KERNEL=/no/such "$HULL" run -- true
has err /no/such
# A kernel that is said is another one's affair.
guest=${HULL_GUEST_DIR:-$(dirname "$HULL")/guest}
expect 0 env HULL_KERNEL=/no/such HULL_INITRD=/no/such "$HULL" run --kernel "$guest/vmlinux" -- true
expect 0 env HULL_KERNEL="$guest/vmlinux" "$HULL" run -- true
printf 'guest_dir = /no/such\n' >"$HULL_HOME/etc/conf.d/50.conf"
expect 125 "$HULL" run -- true
has err "open guest artefact '/no/such/vmlinux'"
has err 'hull config show --origin'
printf 'guest_dir =\n' >"$HULL_HOME/etc/conf.d/60.conf"
what_is "  $HULL_HOME/etc/conf.d/60.conf:1" "$HULL" config show --origin guest_dir
rm "$HULL_HOME"/etc/conf.d/[56]0.conf

# On demand in colour where no terminal is.
printf 'color = always\n' >"$HULL_HOME/etc/conf.d/50.conf"
expect 2 "$HULL" nonsense
grep -q "$(printf '\033')" err || fail 'no colour'
expect 2 env NO_COLOR= "$HULL" nonsense
! grep -q "$(printf '\033')" err || fail 'colour in spite of NO_COLOR'
rm "$HULL_HOME/etc/conf.d/50.conf"
# ---- what is wrong ----

cat >"$HULL_HOME/etc/conf.d/50.conf" <<'END'
memroy = 1G
memory = 1
accel = kmv
qemu = qemu-system-x86_64
home = /tmp
END
for verb in show check; do
	expect 2 "$HULL" config "$verb"
	is out ''
	is err "$HULL_HOME/etc/conf.d/50.conf:1: unknown setting 'memroy'; did you mean 'memory'?
$HULL_HOME/etc/conf.d/50.conf:2: memory: must be between 64M and 4T
$HULL_HOME/etc/conf.d/50.conf:3: accel: unknown value 'kmv'; did you mean 'kvm'?
$HULL_HOME/etc/conf.d/50.conf:4: qemu: 'qemu-system-x86_64' is not an absolute path
$HULL_HOME/etc/conf.d/50.conf:5: home: by HULL_HOME only, since where files are depends on it"
done
expect 2 "$HULL" config check -q
is err ''
expect 125 "$HULL" run -- true
has err "hull: $HULL_HOME/etc/conf.d/50.conf:1: unknown setting 'memroy'"
[ "$(grep -c 50.conf err)" -eq 1 ] || fail "more than the first: $(cat err)"
expect 1 "$HULL" vfkit -b efi,variable-store=nv,create
has err "50.conf:1: unknown setting 'memroy'"
expect 1 "$HULL" doctor
has out "50.conf:1: unknown setting 'memroy'"
expect 0 "$HULL" --version
expect 0 "$HULL" run --help
rm "$HULL_HOME/etc/conf.d/50.conf"
expect 2 env HULL_BOOT_TIMEOUT=soon "$HULL" config show
is err "HULL_BOOT_TIMEOUT: must be a time such as 30s or 5m, not 'soon'"
expect 2 "$HULL" config show memroy
has err "did you mean 'memory'?"
expect 2 "$HULL" config show memory cpus
has err 'usage: hull config show'

# Files that are none, or too much.
mkdir "$HULL_HOME/etc/conf.d/50.conf"
expect 2 "$HULL" config show cpus
has err 'Is a directory'
rmdir "$HULL_HOME/etc/conf.d/50.conf"
mkfifo "$HULL_HOME/etc/conf.d/50.conf"
expect 2 timeout 10 "$HULL" config show cpus
has err 'not a regular file'
rm "$HULL_HOME/etc/conf.d/50.conf"
head -c 65537 /dev/zero | tr '\0' '#' >"$HULL_HOME/etc/conf.d/50.conf"
expect 2 "$HULL" config show cpus
has err 'larger than 64 KiB'
rm "$HULL_HOME/etc/conf.d/50.conf"

# ---- whom root believes ----

[ "$(id -u)" -eq 0 ] || exit 0

# The monitor reads no settings: how much it tells, it is told.
has_debug_monitor()
{
	for pid in $(our_processes); do
		[ "$(cat "/proc/$pid/comm")" = hull-monitor ] && grep -qzx HULL_DEBUG=1 "/proc/$pid/environ" && return 0
	done
	return 1
}
env HULL_LOG_LEVEL=debug "$HULL" run -- true &
started=$!
wait_for 30 has_debug_monitor
wait "$started" || fail "with debug messages it exits with $?"

for mode in 0622 0606; do
	chown root:daemon "$HULL_HOME/etc/hull.conf"
	chmod "$mode" "$HULL_HOME/etc/hull.conf"
	expect 125 "$HULL" run -- true
	has err "settings '$HULL_HOME/etc/hull.conf' are not read: others than root may write to it"
	has err "chmod go-w '$HULL_HOME/etc/hull.conf'"
done
chown root:root "$HULL_HOME/etc/hull.conf"
chmod 0644 "$HULL_HOME/etc/hull.conf"
for file in etc etc/conf.d etc/conf.d/10-first.conf; do
	chown daemon "$HULL_HOME/$file"
	expect 2 "$HULL" config check
	has err "settings '$HULL_HOME/$file' are not read: user $(id -u daemon) owns it"
	chown root "$HULL_HOME/$file"
done
expect 0 "$HULL" config check
# Of another user, by way of whom we are root.
chown -R daemon xdg
what_is '0  default' env -u HULL_HOME XDG_CONFIG_HOME="$T/xdg" "$HULL" config show --origin pids_limit
has err "'$T/xdg/hull/hull.conf' is passed over"
