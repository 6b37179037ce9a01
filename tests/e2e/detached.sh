# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# VMs that outlive their starter; to be sourced after vm.sh.

boot_ms=200000

# What a failure leaves running, and the records of the others.
sweep()
{
	for dir in "$HULL_HOME"/run/vm/*/; do
		timeout 60 "$hullctl" "${dir}control.sock" stop >/dev/null 2>&1
	done
	rm -rf "$HULL_HOME"/run/vm/*
}
on_exit sweep

# field NAME : of ./out, lines NAME=value
field()
{
	sed -n "s/^$1=//p" out
}

# patient WORDS... : expect 0 of hullctl, for as long as a boot may take
patient()
{
	expect 0 timeout 250 "$hullctl" "$@"
}

# detached MEMBERS : the hypervisor is $hypervisor, the monitor $keeper
detached()
{
	patient start --detached "\"boot_timeout_ms\":$boot_ms,$1"
	vm_at "$(cat out)"
	ctl 0 "$C" status
	hypervisor=$(field hypervisor_pid)
	keeper=$(field monitor_pid)
}

state_is()
{
	ctl 0 "$C" status
	[ "$(field state)" = "$1" ]
}

# How many descriptors the monitor has open.
descriptors()
{
	find "/proc/$keeper/fd" -mindepth 1 | wc -l
}

# recorded REASON : it has ended for good; what is recorded is in ./out
recorded()
{
	wait_for 100 test -e "$R/exit.json"
	tr -d '{}"' <"$R/exit.json" | tr ',' '\n' | sed 's/:/=/' >out
	[ "$(field reason)" = "$1" ] || fail "ended with $(cat out)"
	wait_for 10 flock -n "$R/lock" true
}
