#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What people do in a shared directory: git clone, make, pip install. The same comes out as on the
# host, byte by byte.
. "$(dirname "$0")/functions.sh"
requires git make cc
export GIT_CONFIG_GLOBAL=/dev/null

# Names, kinds, modes, sizes and contents, but for what git notes down of the time and the user.
picture()
{
	(cd "$1" && find . ! -path '*/.git/index' ! -path '*/.git/logs/*' ! -type d -printf '%p %y %m %s %l\n' | sort &&
		find . ! -path '*/.git/index' ! -path '*/.git/logs/*' -type f -exec cksum {} + | sort)
}

# compare NAME COMMAND : in the guest and on the host, at the same path
compare()
{
	mkdir work
	sh -c "$2" >/dev/null 2>host.err || fail "$1 on the host: $(tail -n 5 host.err)"
	picture work >host.tree
	rm -rf work
	mkdir work
	expect 0 "$HULL" run --here -e GIT_CONFIG_GLOBAL -- sh -c "$2"
	picture work >guest.tree
	diff host.tree guest.tree >&2 || fail "$1 gave another tree in the guest"
	[ "$(wc -l <guest.tree)" -ge "$3" ] || fail "$1 gave $(wc -l <guest.tree) lines only"
	if [ -d work/clone/.git ]; then
		git -C work/clone fsck --full >fsck 2>&1 || fail "git fsck: $(cat fsck)"
		[ -z "$(git -C work/clone status --porcelain)" ] || fail "the clone is not clean"
	fi
	rm -rf work
}

# A project with sources in several directories, a link, an executable, and some history.
mkdir project
cd project || exit 1
git init -q -b main .
git config user.email nobody@example.org
git config user.name Nobody
git config gc.auto 0
for d in alpha beta gamma; do
	mkdir $d
	for i in 1 2 3 4; do
		printf '#include "../all.h"\nint %s_%s(void)\n{\n\treturn %s + all(%s);\n}\n' $d $i $i $i >$d/$d$i.c
	done
done
{
	echo 'static inline int all(int n) { return n * 3; }'
	for d in alpha beta gamma; do for i in 1 2 3 4; do echo "int ${d}_$i(void);"; done; done
} >all.h
{
	printf '#include <stdio.h>\n#include "all.h"\nint main(void)\n{\n\tint sum = 0;\n'
	for d in alpha beta gamma; do for i in 1 2 3 4; do printf '\tsum += %s_%s();\n' $d $i; done; done
	printf '\tprintf("%%d\\n", sum);\n\treturn 0;\n}\n'
} >main.c
cat >Makefile <<'END'
sources := main.c $(sort $(wildcard */*.c))
objects := $(sources:.c=.o)
all: program check
program: libparts.a main.o
	$(CC) -o $@ main.o libparts.a
libparts.a: $(filter-out main.o,$(objects))
	rm -f $@
	ar rcD $@ $^
%.o: %.c all.h
	$(CC) -O1 -c -o $@ $<
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

compare 'git clone' 'git clone -q project.git work/clone' 60
compare make 'cp -a project work/p && rm -rf work/p/.git && make -s -C work/p' 65

if [ -x /usr/bin/pip3 ] && [ -x /usr/bin/python3 ]; then
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
	compare 'pip install' '/usr/bin/pip3 install -q --no-index --no-compile --no-cache-dir --root-user-action=ignore --target work/site parts-1.0-py3-none-any.whl' 80
fi
rm -rf project project.git
