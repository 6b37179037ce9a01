#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is passed with -e and --env-file reaches the command and shows nowhere else: not in arguments,
# not in the environment of the VM's processes, not in files, not in logs.
. "$(dirname "$0")/functions.sh"

secret()
{
	od -An -N12 -tx1 /dev/urandom | tr -d ' \n'
}

mkfifo hold
umask 077
for i in 1 2 3 4 5; do
	secret >"secret$i"
	echo >>"secret$i"
	sha256sum <"secret$i" | cut -d' ' -f1 >>sums
done
cat secret? >secrets
printf 'FILE=%s\n' "$(cat secret5)" >vars

# seen_in FILES : those that have one of the secrets; never as an argument of grep's
seen_in()
{
	grep -laF -f secrets -D skip -- "$@" 2>/dev/null
}

[ "$(seen_in vars sums)" = vars ] || fail "the search finds nothing"

CALLERS=$(cat secret1) HULL_DEBUG=1 "$HULL" run -i --console -e CALLERS -e "WORD=$(cat secret2)" \
	"--env=LONG=$(cat secret3)" "-eSHORT=$(cat secret4)" --env-file vars -- sh -c '
		for name in CALLERS WORD LONG SHORT FILE; do
			eval "echo \"\$$name\"" | sha256sum | cut -d" " -f1
		done >/tmp/sums
		echo ready
		read -r line
		cat /tmp/sums' <>hold >out 2>err &
pid=$!
on_exit 'kill $pid 2>/dev/null'

# From the moment when something of the VM is there, all through its boot.
wait_for 60 sh -c 'test -e "$HULL_HOME"/run/vm/*/lock'
samples=0
until grep -q ready out; do
	kill -0 "$pid" 2>/dev/null || fail "it ended early: $(cat err)"
	for file in $(seen_in /proc/[0-9]*/cmdline); do
		fail "a secret stands in $file: $(tr '\0' ' ' <"$file")"
	done
	samples=$((samples + 1))
	sleep 0.02
done
[ "$samples" -gt 5 ] || fail "only $samples samples"
[ -z "$(seen_in /proc/[0-9]*/cmdline)" ] || fail "arguments show a secret"

# children PID : and theirs
children()
{
	for child in $(cat "/proc/$1/task/$1/children"); do
		echo "$child"
		children "$child"
	done
}

[ "$(seen_in "/proc/$pid/environ")" ] || fail "the caller's own environment lacks its secret"
vm=$(children "$pid")
kinds=$(for p in $vm; do cat "/proc/$p/comm"; done | sort -u | tr '\n' ' ')
case $kinds in
*hull-monitor*qemu-system*virtiofsd*) ;;
*) fail "these belong to the VM: $kinds" ;;
esac
for p in $vm; do
	# passt closes its own to everybody but root.
	cat "/proc/$p/environ" >environ 2>/dev/null || {
		[ "$(id -u)" -ne 0 ] && grep -q '^passt' "/proc/$p/comm" && continue
		fail "can't read /proc/$p/environ"
	}
	[ -s environ ] || fail "/proc/$p/environ is empty"
	[ -z "$(seen_in environ)" ] || fail "a secret stands in the environment of $(cat "/proc/$p/comm")"
done

grep -rlaF -f secrets -D skip "$HULL_HOME" >found 2>/dev/null
is found ''
for file in "$HULL_HOME"/run/vm/*/console.log; do
	[ -s "$file" ] || fail "there is no console log"
	[ -z "$(find "$file" -perm /077)" ] || fail "others can read the console log"
done

echo go >hold
wait "$pid" || fail "it failed: $(cat err)"
pid=
sed 1d out >got
cmp got sums || fail "the command saw other values: $(cat out)"
[ -z "$(seen_in err)" ] || fail "what hull logs shows a secret"

# Failures don't tell either, whoever starts the VM.
[ "$(id -u)" -eq 0 ] || exit 0
CALLERS=$(cat secret1)
export CALLERS
expect 127 "$HULL" run -e CALLERS --env-file vars -- no-such-command
[ -z "$(seen_in out err)" ] || fail "an error shows a secret"
