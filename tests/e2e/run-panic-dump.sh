#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The guest's memory when its kernel panics: in a file, complete, the caller's; and no file otherwise.
. "$(dirname "$0")/functions.sh"
requires file python3

kernel=$(dirname "$HULL")/guest/kernel/vmlinuz
# It puts together a text that is nowhere else, and keeps it while the kernel panics.
panic='text = "-".join(["mark", str(111 * 37), "in", "memory"]); open("/proc/sysrq-trigger", "w").write("c")'
mkdir dumps

# dumped FILE : it is a core file, and the only file there
dumped()
{
	has err "panicked: Kernel panic - not syncing"
	has err "; its memory is in '$T/$1'"
	case $(file -b "$1") in
	'ELF 64-bit LSB core file, x86-64'*) ;;
	*) fail "'$1' is: $(file -b "$1")" ;;
	esac
	[ "$(stat -c '%a %u' "$1")" = "600 $(id -u)" ] || fail "'$1' is $(stat -c '%a %u' "$1")"
	[ $(($(stat -c %b "$1") * 512 / 2)) -lt "$(stat -c %s "$1")" ] || fail "'$1' has no holes"
	[ "$(ls -A dumps)" = "$(basename "$1")" ] || fail "there is more: $(ls -A dumps)"
}

# Every segment that the file's header tells of is in it.
complete()
{
	python3 - "$1" <<'END' || fail "'$1' is not complete"
import os, struct, sys
f = open(sys.argv[1], "rb")
head = f.read(64)
offset, size, n = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
memory = 0
for i in range(n):
    f.seek(offset + i * size)
    kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", f.read(size))
    assert at + length <= os.path.getsize(sys.argv[1])
    memory += length if kind == 1 else 0
assert memory >= 256 << 20, memory
END
}

# Its kernel has left a note with what a debugger has to know of it, where it has been moved to for one.
noted()
{
	python3 - "$1" <<'END' || fail "'$1' has no note of its kernel's"
import struct, sys
f = open(sys.argv[1], "rb")
head = f.read(64)
offset, size, n = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
texts = []
for i in range(n):
    f.seek(offset + i * size)
    kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", f.read(size))
    if kind != 4:
        continue
    f.seek(at)
    notes, pos = f.read(length), 0
    while pos + 12 <= length:
        name_len, len_, _ = struct.unpack_from("<III", notes, pos)
        pos += 12
        name = notes[pos:pos + name_len]
        pos += (name_len + 3) & ~3
        if name == b"VMCOREINFO\0":
            texts.append(notes[pos:pos + len_].decode())
        pos += (len_ + 3) & ~3
assert len(texts) == 1, texts
facts = dict(line.split("=", 1) for line in texts[0].rstrip("\0").splitlines())
assert facts["OSRELEASE"] and int(facts["KERNELOFFSET"], 16) % 0x200000 == 0, facts
assert int(facts["SYMBOL(_stext)"], 16) == 0xffffffff81000000 + int(facts["KERNELOFFSET"], 16), facts
END
}

for machine in microvm q35; do
	echo old >dumps/core
	expect 125 "$HULL" run -m 256M --machine $machine --dump-on-panic dumps/core -- python3 -c "$panic"
	dumped dumps/core
	complete dumps/core
	noted dumps/core
	has dumps/core mark-4107-in-memory
done
rm dumps/core

# While it boots, with an agent or without.
expect 125 "$HULL" run -m 256M --dump-on-panic ./dumps/boot --append rdinit=/none --append init=/none -- true
dumped dumps/boot
rm dumps/boot
expect 125 "$HULL" run -m 256M --kernel "$kernel" --agent none --dump-on-panic dumps/bare
dumped dumps/bare
rm dumps/bare

# An end that is no panic.
expect 0 "$HULL" run --dump-on-panic dumps/core -- true
expect 125 "$HULL" run --dump-on-panic dumps/core -- sh -c 'echo b >/proc/sysrq-trigger; sleep 60'
has err 'the guest rebooted'
expect 125 "$HULL" run --dump-on-panic dumps/core --machine q35 -- sh -c 'echo o >/proc/sysrq-trigger; sleep 60'
has err 'the guest powered off'
[ -z "$(ls -A dumps)" ] || fail "there is: $(ls -A dumps)"

# No room for it.
if [ "$(id -u)" -eq 0 ]; then
	mount -t tmpfs -o size=8M none dumps || fail "can't mount a tmpfs"
	on_exit 'umount "$T/dumps"'
	expect 125 "$HULL" run -m 256M --dump-on-panic dumps/core -- python3 -c "$panic"
	has err "panicked: Kernel panic - not syncing: sysrq triggered crash; there is no dump: write '$T/dumps/core': No space left on device"
	[ -z "$(ls -A dumps)" ] || fail "there is: $(ls -A dumps)"
	[ "$(df --output=used -k dumps | tail -n 1)" -lt 100 ] || fail "the file is still there without a name"
fi

# What can't be written to is told at once.
expect 125 "$HULL" run --dump-on-panic dumps -- true
has err "'dumps' is not a regular file"
expect 125 "$HULL" run --dump-on-panic none/core -- true
has err "--dump-on-panic: open 'none/': No such file or directory"
expect 125 "$HULL" run --dump-on-panic "" -- true
expect 125 "$HULL" run --dump-on-panic dumps/ -- true
has err "'dumps/' is not a regular file"
