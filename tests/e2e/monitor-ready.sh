#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Readiness of agent and network: when each came, whichever was first; who waits for them, and how that
# ends where they don't come.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/vm.sh"
. "$(dirname "$script")/net.sh"

# field NAME : of ./out, lines NAME=value
field()
{
	sed -n "s/^$1=//p" out
}

# waits NAME CALL... : "hullctl control.sock CALL..." in the background, until the monitor has it; $waiter
waits()
{
	waiting=$1
	shift
	timeout 60 "$hullctl" "$C" "$@" --waiting "$waiting.waits" >"$waiting" 2>"$waiting.err" &
	waiter=$!
	wait_for 20 test -e "$waiting.waits"
	rm "$waiting.waits"
}

# waited CODE PID
waited()
{
	code=0
	wait "$2" || code=$?
	[ "$code" -eq "$1" ] || fail "a waiter ended with $code"
}

# Where a VM that has begun is; the hypervisor's pid is in ./out then.
begun()
{
	for R in "$HULL_HOME"/run/vm/*/; do
		C=${R}control.sock
		"$hullctl" "$C" status >out 2>/dev/null && [ "$(field hypervisor_pid)" != 0 ] && return 0
	done
	return 1
}

# boot MEMBERS : a VM that gets no further than its hypervisor, $hypervisor, until that is continued
boot()
{
	[ -p hold ] || mkfifo hold
	"$hullctl" start "$@" <>hold >vm.out 2>vm.err &
	vm=$!
	wait_for 20 begun
	hypervisor=$(field hypervisor_pid)
	kill -STOP "$hypervisor"
	[ "$(field agent_ready_at_ns)" = 0 ] && [ "$(field state)" = starting ] || fail "too late: $(cat out)"
}
on_exit 'kill -CONT $hypervisor 2>/dev/null'
hypervisor=

# agent_and_network : $agent and $network, when they became ready, all sources agreeing
agent_and_network()
{
	ctl 0 "$C" ready agent 60000
	agent=$(field at_ns)
	ctl 0 "$C" ready network 60000
	network=$(field at_ns)
	ctl 0 "$C" status
	[ "$(field agent_ready_at_ns)" = "$agent" ] && [ "$(field network_ready_at_ns)" = "$network" ] ||
		fail "agent $agent, network $network, but: $(cat out)"
	for at in "$agent" "$network"; do
		[ "$at" -ge "$(field started_at_ns)" ] && [ "$at" -le "$(date +%s%N)" ] || fail "ready at $at: $(cat out)"
	done
}

builtin='"networks":[{"kind":"user","provider":"builtin"}]'

# ---- the network comes in the course of what the agent has to do before it is ready ----

vm_start "$builtin"
agent_and_network
[ "$(field network)" = builtin ] || fail "status: $(cat out)"
[ "$network" -lt "$agent" ] || fail "network at $network, agent at $agent"
ctl 0 "$C" pause
ctl 0 "$C" ready agent
ctl 1 "$C" ready 7
has err INVALID
vm_stop

# ---- passt, which nobody waits for: only once it takes what is sent ----

if [ "$(providers | head -n 1)" = passt ]; then
	passt=$(command -v passt)
	chmod a+rx .
	printf '#!/bin/sh\necho $$ >"%s"\nuntil [ -e "%s" ]; do sleep 0.1; done\nexec "%s" "$@"\n' \
		"$T/pid/passt" "$T/pid/go" "$passt" >slow
	chmod a+rx slow
	mkdir -m 777 pid
	slow="\"networks\":[{\"kind\":\"user\",\"provider\":\"passt\"}],\"programs\":{\"passt\":\"$T/slow\"}"

	vm_start "$slow"
	ctl 0 "$C" ready agent
	ctl 0 "$C" status
	[ "$(field network)" = passt ] && [ "$(field network_ready_at_ns)" = 0 ] && [ "$(field agent_ready_at_ns)" != 0 ] ||
		fail "status: $(cat out)"
	ctl 1 "$C" ready network 200
	has err 'TIMEOUT [not-ready]'
	waits first ready network
	first=$waiter
	waits second ready network 60000
	kill -0 "$first" && kill -0 "$waiter" || fail "the network is ready without passt: $(cat first second)"
	touch pid/go
	waited 0 "$first"
	waited 0 "$waiter"
	agent_and_network
	is first "at_ns=$network"
	is second "at_ns=$network"
	[ "$network" -gt "$agent" ] || fail "network at $network, agent at $agent"
	vm_stop

	rm pid/*
	vm_start "$slow"
	waits lost ready network
	kill -KILL "$(cat pid/passt)"
	waited 1 "$waiter"
	has lost.err 'UNAVAILABLE [helper-died]'
	has lost.err 'before its network was ready'
	vm_ended helper-died

	vm_start "$(printf %s "$slow" | sed "s|$T/slow|$passt|")"
	agent_and_network
	[ "$(field network)" = passt ] || fail "status: $(cat out)"
	vm_stop
fi

# ---- without a network, without an agent: there is nothing to wait for ----

boot
ctl 0 "$C" status
[ "$(field network)" = none ] || fail "status: $(cat out)"
ctl 1 "$C" ready network 60000
has err 'STATE [no-network]'
kill -CONT "$hypervisor"
ctl 0 "$C" ready agent
ctl 1 "$C" ready network 60000
has err 'STATE [no-network]'
ctl 0 "$C" status
[ "$(field network_ready_at_ns)" = 0 ] && [ "$(field agent_ready_at_ns)" != 0 ] || fail "status: $(cat out)"
vm_stop
vm_start "$builtin,\"agent\":\"none\""
for what in agent network; do
	ctl 1 "$C" ready $what 60000
	has err 'STATE [no-agent]'
done
vm_stop

# ---- not yet; too many; gone ----

[ "$(id -u)" -eq 0 ] || exit 0 # the monitor counts and ends the same for everybody

boot "$builtin"
for what in agent network; do
	begun=$(date +%s%N)
	ctl 1 "$C" ready $what 700
	has err 'TIMEOUT [not-ready]'
	has err "the VM's $what is not ready yet"
	took=$((($(date +%s%N) - begun) / 1000000))
	[ "$took" -ge 700 ] && [ "$took" -le 5000 ] || fail "a wait of 700 ms took $took"
done
waits many ready network --times 100
many=$waiter
ctl 1 "$C" ready agent 200
has err EXHAUSTED
# Who goes makes room.
kill -TERM "$many"
wait "$many" 2>/dev/null
wait_for 10 sh -c '! "$0" "$1" ready agent 1 2>&1 | grep EXHAUSTED' "$hullctl" "$C"
waits late ready agent 300 --times 100
late=$waiter
waited 0 "$late"
is late 'ready=0
EXHAUSTED=36
TIMEOUT=64'
waits agents ready agent --times 40
agents=$waiter
waits networks ready network --times 60
networks=$waiter
kill -CONT "$hypervisor"
waited 0 "$agents"
waited 0 "$networks"
is agents ready=40
is networks 'ready=24
EXHAUSTED=36'
agent_and_network
vm_stop

# Whatever ends the VM ends the waits.
for how in hypervisor stop monitor; do
	boot "$builtin"
	monitor=$(monitor)
	waits agents ready agent
	agents=$waiter
	waits networks ready network 60000
	networks=$waiter
	case $how in
	hypervisor) kill -KILL "$hypervisor" ;;
	stop) ctl 0 "$C" stop ;;
	monitor) kill -KILL "$monitor" ;;
	esac
	waited 1 "$agents"
	waited 1 "$networks"
	has agents.err UNAVAILABLE
	has networks.err UNAVAILABLE
	case $how in
	hypervisor) has agents.err '[hypervisor-died]: the VM ended before its agent was ready' ;;
	stop) has networks.err '[stopped]: the VM ended before its network was ready' ;;
	esac
	wait "$vm" && fail "a VM that was ended by its $how was started: $(cat vm.out)"
	vm=
done
