#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people do in a shared directory: git clone, make, pip install. The same comes out as on the
# host, byte by byte.
. "$(dirname "$0")/functions.sh"
requires git make cc as
export GIT_CONFIG_GLOBAL=/dev/null

# Names, kinds, modes, sizes and contents, but for what git notes down of the time and the user.
picture()
{
	(cd "$1" && find . ! -path '*/.git/index' ! -path '*/.git/logs/*' ! -type d -printf '%p %y %m %s %l\n' | sort &&
		find . ! -path '*/.git/index' ! -path '*/.git/logs/*' -type f -exec cksum {} + | sort)
}

# both NAME LINES COMMAND : to be done in the guest as it is done on the host here, at the same path, in
# the new directory NAME; it makes so many files at least
both()
{
	mkdir "$1"
	sh -c "$3" >/dev/null 2>host.err || fail "$1 on the host: $(tail -n 5 host.err)"
	picture "$1" >"host.$1"
	rm -rf "$1"
	[ "$(wc -l <"host.$1")" -ge "$2" ] || fail "$1 gave $(wc -l <"host.$1") lines only"
	names="$names $1"
	printf 'mkdir %s && %s || { echo "%s failed" >&2; exit 1; }\n' "$1" "$3" "$1" >>in-guest
}
names=

# in_guest : does it all, and compares
in_guest()
{
	expect 0 "$HULL" run --here -e GIT_CONFIG_GLOBAL -- sh in-guest
	for made in $names; do
		picture "$made" >"guest.$made"
		diff "host.$made" "guest.$made" >&2 || fail "$made gave another tree in the guest"
	done
	git -C git/clone fsck --full >fsck 2>&1 || fail "git fsck: $(cat fsck)"
	[ -z "$(git -C git/clone status --porcelain)" ] || fail "the clone is not clean"
}

# A project with sources in several directories, a link, an executable, and some history.
mkdir project
cd project || exit 1
git init -q -b main .
git config user.email nobody@example.org
git config user.name Nobody
git config gc.auto 0
mkdir alpha beta gamma
for i in 1 2 3 4; do
	printf '#include "../all.h"\nint alpha_%s(void)\n{\n\treturn %s + all(%s);\n}\n' $i $i $i >alpha/alpha$i.c
	for d in beta gamma; do # an emulated CPU assembles in a fraction of the time that it takes to compile
		printf '\t.data\n\t.globl %s_%s\n%s_%s:\t.long %s\n\t.section .note.GNU-stack,"",%%progbits\n' \
			$d $i $d $i $i >$d/$d$i.s
	done
done
{
	echo 'static inline int all(int n) { return n * 3; }'
	for i in 1 2 3 4; do echo "int alpha_$i(void); extern int beta_$i, gamma_$i;"; done
} >all.h
{
	printf '#include <stdio.h>\n#include "all.h"\nint main(void)\n{\n\tint sum = 0;\n'
	for i in 1 2 3 4; do printf '\tsum += alpha_%s() + beta_%s + gamma_%s;\n' $i $i $i; done
	printf '\tprintf("%%d\\n", sum);\n\treturn 0;\n}\n'
} >main.c
cat >Makefile <<'END'
sources := main.c $(sort $(wildcard */*.[cs]))
objects := $(addsuffix .o,$(basename $(sources)))
all: program check
program: libparts.a main.o
	$(CC) -o $@ main.o libparts.a
libparts.a: $(filter-out main.o,$(objects))
	rm -f $@
	ar rcD $@ $^
%.o: %.c all.h
	$(CC) -O1 -c -o $@ $<
%.o: %.s
	as -o $@ $<
check: program
	./program >result
	ln -sf result link
	install -m 750 program installed
.PHONY: all check
END
ln -s main.c link.c
printf '#!/bin/sh\necho hi\n' >tool
chmod 755 tool
git add -A
git commit -qm first
seq 5000 >numbers
git add -A
git commit -qm second
cd ..
git clone -q --bare project project.git

both git 60 'git clone -q project.git git/clone'
both make 65 'cp -a project make/p && rm -rf make/p/.git && make -s -C make/p'
# Slow; what it does to files is what the others do.
if [ "$(id -u)" -eq 0 ] && [ -x /usr/bin/pip3 ] && [ -x /usr/bin/python3 ]; then
	/usr/bin/python3 - <<'END'
import zipfile

with zipfile.ZipFile("parts-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as z:
    for i in range(40):
        z.writestr(f"parts/part{i}.py", f"def part():\n    return {i}\n")
    z.writestr("parts/__init__.py", "")
    z.writestr("parts-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: parts\nVersion: 1.0\n")
    z.writestr("parts-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr("parts-1.0.dist-info/RECORD", "parts-1.0.dist-info/RECORD,,\n")
END
	both pip 80 '/usr/bin/pip3 install -q --no-index --no-deps --no-compile --no-cache-dir --root-user-action=ignore --target pip/site parts-1.0-py3-none-any.whl'
fi
in_guest
rm -rf project project.git
