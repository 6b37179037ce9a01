#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# VMs whose monitor, hypervisor or agent stands still: what is asked of them fails in time and names who it is, nobody
# else's verbs wait for them, and they can be killed and removed.
. "$(dirname "$0")/functions.sh"
requires jq chrt
on_exit '"$HULL" rm -a -f -q >/dev/null 2>&1'

# field VM JQ : of what "inspect" says
field()
{
	"$HULL" inspect "$1" 2>/dev/null | jq -r ".[0] | $2"
}

# later NAME COMMAND... : in the background; what it says is in NAME.out and NAME.err, its end in NAME.code
later()
{
	as=$1
	shift
	{
		code=0
		timeout 120 "$@" >"$as.out" 2>"$as.err" </dev/null || code=$?
		echo "$code" >"$as.code"
	} &
}

# told NAME CODE CAUSE [WORDS] : so that one has ended; CAUSE "-": it is not told as JSON
told()
{
	wait_for 120 test -s "$1.code"
	[ "$(cat "$1.code")" -eq "$2" ] || fail "$victim: '$1' ended with $(cat "$1.code"), not $2: $(cat "$1.out" "$1.err")"
	[ "$3" = - ] || grep -qE "\"cause\": *\"$3\"" "$1.out" "$1.err" || fail "$victim: '$1' is not $3: $(cat "$1.out" "$1.err")"
	[ -z "${4-}" ] || grep -qF -- "$4" "$1.out" "$1.err" || fail "$victim: '$1' lacks '$4': $(cat "$1.out" "$1.err")"
	rm "$1.out" "$1.err" "$1.code"
}

# silent VM : its agent does not answer
silent()
{
	! "$HULL" ps --deadline 1s "$1"
}

# freeze VM : its $victim; $frozen is the process's id
freeze()
{
	frozen=$(field "$1" .monitor_pid)
	case $victim in
	hypervisor) frozen=$(pgrep -P "$frozen" qemu) ;;
	agent) # PID 1 minds no SIGSTOP; but it needs the guest's only CPU
		expect 0 "$HULL" exec -d "$1" sh -c 'echo -1 >/proc/sys/kernel/sched_rt_runtime_us
			exec chrt -f 99 sh -c "while :; do :; done"'
		wait_for 30 silent "$1"
		return
		;;
	esac
	kill -STOP "$frozen" || fail "there is no $victim of VM $1"
}

# others_go_on : everything that can be asked of db
others_go_on()
{
	expect 0 timeout 20 "$HULL" exec db echo here
	is out here
	expect 0 timeout 20 "$HULL" pause db
	expect 0 timeout 20 "$HULL" resume db
	expect 0 timeout 20 "$HULL" ps db
	expect 0 timeout 20 "$HULL" cp db:/etc/hostname copied
	expect 0 timeout 20 "$HULL" stats --interval 100ms -n 1 db
	expect 0 timeout 20 "$HULL" ls -o json
	[ "$(jq -c 'map(.state) | unique' out)" = '["running"]' ] || fail "$victim: $(cat out)"
	expect 0 timeout 20 "$HULL" logs --tail 1 web
	expect 0 timeout 20 "$HULL" gc
	is out '0 collected, 0 left alone, 0 failed'
}

for vm in web www db; do expect 0 "$HULL" create --name "$vm" -m 256M; done
expect 0 "$HULL" start db

for victim in monitor hypervisor agent; do
	expect 0 "$HULL" start web www
	freeze www
	freeze web
	later exec "$HULL" exec --log-format json web true
	later cp "$HULL" cp web:/etc/hostname copied.too
	later attach "$HULL" attach --log-format json web nonesuch
	later ps "$HULL" ps --deadline 3s web
	later many "$HULL" ps --deadline 3s -o json
	later stats "$HULL" stats --interval 100ms -n 1 -o json web
	others_go_on
	case $victim in
	monitor) cause=monitor-stopped words="its monitor, process $frozen, is stopped" ;;
	hypervisor) cause=process-stopped words="process $frozen, is stopped" ;;
	agent) cause=agent-silent words='' ;;
	esac
	told ps 124 - "${words:-agent}"
	told many 1 - "${words:-agent}"
	told attach 125 $cause "$words"
	told exec 125 $cause "$words"
	told cp 124 - "${words:-did not start}"
	[ ! -e copied.too ] || fail "$victim: something was copied"
	case $victim in
	monitor | hypervisor)
		told stats 0 $cause "$words"
		expect 0 timeout 20 "$HULL" stats --interval 100ms -n 1 web
		has err "VM 'web'"
		has err "$words"
		expect 1 timeout 20 "$HULL" pause --deadline 5s web db -o json # one of two
		[ "$(jq -c '[[.succeeded[].name], [.failed[] | [.ref, .code, .cause]]]' out)" = \
			'[["db"],[["web","TIMEOUT","'$cause'"]]]' ] || fail "$victim: $(cat out)"
		has out "$words"
		has out "kill -CONT $frozen"
		expect 0 "$HULL" resume db
		expect 124 timeout 20 "$HULL" stop --deadline 1s web
		has err "$words"
		;;
	agent)
		told stats 0 -
		expect 0 timeout 20 "$HULL" pause web
		expect 0 timeout 20 "$HULL" resume web
		;;
	esac
	if [ $victim = monitor ]; then # whether it runs or is paused nobody knows
		for verb in start resume; do
			expect 124 timeout 20 "$HULL" "$verb" www -o json
			has out monitor-stopped
		done
		expect 124 timeout 20 "$HULL" console www
		has err "VM 'www': its monitor"
		has err 'is stopped'
	fi
	expect 0 timeout 20 "$HULL" kill web
	expect 0 timeout 20 "$HULL" rm -f www
	[ "$(field web .state)" = stopped ] || fail "$victim: $("$HULL" inspect web)"
	expect 0 "$HULL" create --name www -m 256M
done

# ---- as long as it may take, and no longer ----
freeze db
expect 0 timeout 30 "$HULL" stop -t 1s db
[ "$(field db .state)" = stopped ] || fail "$("$HULL" inspect db)"
expect 0 "$HULL" rm db web www
