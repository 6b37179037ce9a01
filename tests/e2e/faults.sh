# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Failures that must explain themselves; to be sourced after functions.sh.  A table has a row for each
# injected fault, eight fields with '|' between them:
#
#   NAME | HOW | WORDS | EXIT CODE | CAUSE | MESSAGE | HINT | REMEDY
#
# HOW is a function below with its arguments; it gets the command to run as further ones.  WORDS
# follow "hull run".  EXIT is what hull exits with, CODE and CAUSE are those of the error's JSON; with
# "-" for CODE there is no error, and MESSAGE is looked for in the whole output.  MESSAGE and HINT are
# patterns of which '*' is the only wild card.  REMEDY, where there is one, is what the hint says to
# do, as words of "hull run": it must succeed.  In HOW, WORDS and REMEDY variables are expanded.
# HULL_FAULT=PATTERN runs the rows whose names it matches.
bad=0
rows=0
bound=60 # seconds, for each command

wrong()
{
	printf '%s: %s: %s\n' "$name" "$fault" "$1" >&2
	bad=$((bad + 1))
}

trim()
{
	trimmed=${1#"${1%%[! 	]*}"}
	trimmed=${trimmed%"${trimmed##*[! 	]}"}
}

# field JQ-PATH PATTERN
check_field()
{
	value=$(printf '%s\n' "$answer" | jq -r ".error.$1")
	# shellcheck disable=SC2254
	case $value in
	*$2*) ;;
	*) wrong "its $1 is '$value', which lacks '$2'" ;;
	esac
}

check_answer()
{
	[ "$code" -eq "${want%% *}" ] || {
		wrong "exited with $code, not ${want%% *}: $(head -c 1200 err)"
		return
	}
	if [ "${want#* }" = - ]; then
		# shellcheck disable=SC2254
		case $(cat out err) in
		*$message*) ;;
		*) wrong "says '$(cat out err)', which lacks '$message'" ;;
		esac
		return
	fi
	answer=$(grep '^{"error":' err | tail -n 1)
	[ "$(printf '%s\n' "$answer" | jq -r '.error.code + " " + .error.cause')" = "${want#* } $cause" ] || {
		wrong "not ${want#* } $cause, but: $(head -c 1200 err)"
		return
	}
	check_field message "$message"
	check_field hint "$hint"
}

# What the hint says must help.
check_remedy()
{
	[ -n "$remedy" ] || return 0
	code=0
	eval "timeout -k 5 $bound \"\$HULL\" run $remedy" </dev/null >out 2>err || code=$?
	[ "$code" -eq 0 ] || wrong "the remedy exited with $code: $(head -c 1200 err)"
}

run_row()
{
	# shellcheck disable=SC2254
	case $fault in
	${HULL_FAULT:-*}) ;;
	*) return 0 ;;
	esac
	rows=$((rows + 1))
	code=0
	eval "$how \"\$HULL\" run --log-format=json $words" </dev/null >out 2>err || code=$?
	check_answer
	check_remedy
}

# faults <TABLE
faults()
{
	while IFS='|' read -r fault how words want cause message hint remedy; do
		trim "$fault" && fault=$trimmed
		[ -n "$fault" ] && [ "${fault#\#}" = "$fault" ] || continue
		trim "$how" && how=$trimmed
		trim "$want" && want=$trimmed
		trim "$cause" && cause=$trimmed
		trim "$message" && message=$trimmed
		trim "$hint" && hint=$trimmed
		trim "$remedy" && remedy=$trimmed
		run_row
	done
}

# The end of a script: how many rows there were, and whether all were as they should be.
faults_end()
{
	printf '%s: %d faults, %d wrong answers\n' "$name" "$rows" "$bad"
	[ "$bad" -eq 0 ] || fail "$bad wrong answers"
	[ "$rows" -gt 0 ] || fail "no fault's name is like '${HULL_FAULT:-*}'"
}

# ---- how ----

plain()
{
	timeout -k 5 "$bound" "$@"
}

# with NAME=VALUE
with()
{
	timeout -k 5 "$bound" env "$@"
}

# after COMMANDS : in the shell that becomes hull, limits for instance
after()
{
	timeout -k 5 "$bound" sh -c "$1; shift; exec \"\$@\"" sh "$@"
}

# mounts COMMANDS : the same in a mount namespace of its own
mounts()
{
	timeout -k 5 "$bound" unshare -m sh -c "$1; shift; exec \"\$@\"" sh "$@"
}

# qemu NAME : with ./fake/NAME/qemu-system-x86_64 in QEMU's place
qemu()
{
	dir=$T/fake/$1
	shift
	timeout -k 5 "$bound" env PATH="$dir:$PATH" "$@"
}

child_of()
{
	ps -o pid=,comm= --ppid "$1" | awk -v name="$2" 'index($2, name) == 1 { print $1; exit }'
}

found()
{
	monitor=$(child_of "$victim_of" hull-monitor)
	victim=$monitor
	[ "$1" = hull-monitor ] || victim=$(child_of "${monitor:-0}" "$1")
	[ -n "$victim" ]
}

# killing PROGRAM booting|running : one of the VM's processes; "running" is when the command has said
# "up"
killing()
{
	program=$1
	when=$2
	shift 2
	"$@" >out 2>err &
	victim_of=$!
	victim=
	tries=$((bound * 20))
	until { [ "$when" = booting ] || grep -q up out; } && found "$program"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] && kill -0 "$victim_of" 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL "${victim:-$victim_of}"
	code=0
	wait "$victim_of" || code=$?
	return "$code"
}

# fake NAME <SCRIPT
fake()
{
	mkdir -p "fake/$1"
	cat >"fake/$1/qemu-system-x86_64"
	chmod 755 fake "fake/$1" "fake/$1/qemu-system-x86_64"
}
