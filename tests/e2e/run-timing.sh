#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --timing: every moment of a run belongs to a named phase, in all three forms.
. "$(dirname "$0")/functions.sh"
requires python3

# check FILE PHASES [PARTS]: the JSON's phases are these, without gaps, and its parts lie inside them.
check()
{
	python3 - "$@" <<'P' || fail "$1: $(cat "$1")"
import json, sys

told = json.load(open(sys.argv[1]))
total, phases = told["total_ns"], told["phases"]
names = [p["name"] for p in phases]
assert names == sys.argv[2].split(","), f"phases are {names}"
assert 0 <= told["unattributed_ns"] <= total * 0.02, "time is missing"
at = 0
for p in phases:
    assert p["where"] in ("hull", "monitor", "hypervisor", "guest"), p
    assert p["start_ns"] >= at, f"{p['name']} begins before the one before it ends"
    at = p["start_ns"] + p["duration_ns"]
    for part in p["parts"]:
        assert p["start_ns"] <= part["start_ns"] <= part["start_ns"] + part["duration_ns"] <= at, \
            f"{part['name']} is not inside {p['name']}"
assert at <= total
parts = [part["name"] for p in phases for part in p["parts"]]
for name in filter(None, sys.argv[3].split(",") if len(sys.argv) > 3 else ()):
    assert name in parts, f"no part '{name}' in {parts}"
# Under emulation nothing takes longer than the kernel; and the command slept.
took = {p["name"]: p["duration_ns"] for p in phases}
if "command" in took:
    assert took["kernel"] == max(took[n] for n in names if n != "command"), took
    assert took["command"] >= 300e6, took
P
}

start=parse,reap,spawn\ monitor,prepare,hypervisor
expect 0 "$HULL" run --timing=json:t.json -- sh -c 'sleep 0.3; echo said'
is out said
is err ''
check t.json "$start,kernel,agent,setup,exec,command,teardown" "init,link modules,ports,modules,mounts,network"

# On standard error, behind what the command says there; its status stays.
expect 3 "$HULL" run --net none --timing -- sh -c 'echo out; echo err >&2; exit 3'
is out out
[ "$(sed -n 1p err)" = err ] || fail "the command's own words are not first: $(cat err)"
for phase in parse kernel agent setup exec command teardown; do
	grep -Eq "^ +[0-9.]+ +[0-9.]+  $phase +(hull|monitor|guest) +=+$" err || fail "no phase $phase: $(cat err)"
done
grep -q 'in all; 0.0 unattributed$' err || fail "no total: $(cat err)"

# A picture is well-formed.
expect 0 "$HULL" run --net none --timing=svg:t.svg -- true
python3 -c 'import sys, xml.dom.minidom as m
d = m.parse(sys.argv[1])
texts = [t.firstChild.data for t in d.getElementsByTagName("text")]
assert "kernel" in texts and "teardown" in texts, texts' t.svg || fail "$(cat t.svg)"

# Without an agent the console takes the command's place, until the guest ends as this one does.
expect 125 "$HULL" run --agent none --root none --net none --timing=json:t.json --append 'rdinit=/nosuch root=/dev/nosuch'
check t.json "$start,guest"

# What does not come about is timed as far as it came.
expect 125 "$HULL" run --net none --boot-timeout 1ms --timing=json:t.json -- true
grep -q '"name":"spawn monitor"' t.json || fail "$(cat t.json)"

# What is wrong with it is told before anything starts.
expect 125 "$HULL" run --timing=jsn -- true
has err "unknown format 'jsn'; did you mean 'json'?"
expect 125 "$HULL" run --timing=json:/nosuch/file -- true
has err "write '/nosuch/file': No such file or directory"
