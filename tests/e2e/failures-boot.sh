#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Faults in what is booted, and in the hypervisor that boots it: see faults.sh for the table.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$script")/faults.sh"
requires jq python3 cpio ps

guest=${HULL_GUEST_DIR:-$(dirname "$HULL")/guest}
chmod 755 .
mkdir dir
: >empty
echo 'not a kernel' >text
gzip -c text >packed
head -c 3000000 "$guest/vmlinux" >cut-elf
(mkdir root && cd root && mkdir etc && find . | cpio -o -H newc) >no-agent 2>/dev/null
# Kernels of other kinds, as far as their headers go.
python3 - "$guest/vmlinux" <<'PY'
import struct
import sys

vmlinux = open(sys.argv[1], "rb").read()


def write(name, data, *patches):
    data = bytearray(data)
    for at, fmt, value in patches:
        struct.pack_into(fmt, data, at, value)
    open(name, "wb").write(data)


write("arm64-image", bytes(4096), (0, "<2s", b"MZ"), (56, "<4s", b"ARM\x64"))
write("arm64-elf", vmlinux[:8192], (18, "<H", 183))
write("elf-32", vmlinux[:8192], (4, "<B", 1), (18, "<H", 3), (28, "<I", 0), (44, "<H", 0))
bzimage = bytearray(2048)
bzimage[0x1F1] = 1
bzimage[0x202:0x206] = b"HdrS"
write("bz-32", bzimage, (0x1F4, "<I", 64), (0x206, "<H", 0x20F), (0x236, "<H", 0))
write("bz-cut", bzimage, (0x1F4, "<I", 500000), (0x206, "<H", 0x20F), (0x236, "<H", 1))
write("no-pvh", vmlinux.replace(struct.pack("<III", 4, 8, 18) + b"Xen\0", struct.pack("<III", 4, 8, 99) + b"Xen\0"))
PY
chmod a+r ./*

fake exits <<'SH'
#!/bin/sh
exit 3
SH
fake says <<'SH'
#!/bin/sh
echo 'qemu: a device is on fire' >&2
exit 1
SH
fake kvm-busy <<'SH'
#!/bin/sh
echo 'ioctl(KVM_CREATE_VM) failed: 16 Device or resource busy' >&2
echo 'qemu-system-x86_64: failed to initialize kvm: Device or resource busy' >&2
exit 1
SH
fake library <<'SH'
#!/bin/sh
echo 'qemu-system-x86_64: error while loading shared libraries: libfdt.so.1: cannot open shared object file' >&2
exit 127
SH
fake no-interpreter <<'SH'
#!/no/such/interpreter
SH
fake device <<'SH'
#!/bin/sh
exec /usr/bin/qemu-system-x86_64 "$@" -device nonesuch
SH
fake mute <<'SH'
#!/bin/sh
exec sleep 1000
SH
fake terminated <<'SH'
#!/bin/sh
kill -TERM $$
SH
fake old <<'SH'
#!/usr/bin/python3
import json, os, sys
fd = next(int(a.split("fd=")[1].split(",")[0]) for a in sys.argv if a.startswith("socket,id=qmp"))
def say(x):
    os.write(fd, (json.dumps(x) + "\r\n").encode())
say({"QMP": {"version": {"qemu": {"major": 5, "minor": 2, "micro": 0}, "package": ""}, "capabilities": []}})
while data := os.read(fd, 4096):
    for line in data.splitlines():
        say({"return": {}, "id": json.loads(line).get("id")})
SH

faults <<'TABLE'
kernel-missing   | plain | --kernel /no/such -- true | 125 NOT_FOUND | no-such-file | --kernel: open '/no/such': No such file | leave it out for hull's own | -- true
kernel-directory | plain | --kernel $T/dir -- true | 125 INVALID | not-a-file | --kernel: '*/dir' is not a regular file | hull's own
kernel-empty     | plain | --kernel $T/empty -- true | 125 INVALID | | kernel '*/empty' is empty |
kernel-text      | plain | --kernel $T/text -- true | 125 INVALID | not-a-kernel | text' is neither a bzImage (vmlinuz) nor an ELF | leave it out
kernel-packed    | plain | --kernel $T/packed -- true | 125 INVALID | not-a-kernel | packed' is a gzip file | unpack it
kernel-program   | plain | --kernel /bin/true -- true | 125 INVALID | not-a-kernel | is an ELF file, but a library, module or program | /boot/vmlinuz
kernel-cut       | plain | --kernel $T/cut-elf -- true | 125 CORRUPT | kernel-truncated | is cut off: it has 3000000 bytes and needs | copy or build it again
kernel-cut-bz    | plain | --kernel $T/bz-cut -- true | 125 CORRUPT | kernel-truncated | is cut off: it has 2048 bytes | copy or build it again
kernel-arm64     | plain | --kernel $T/arm64-image -- true | 125 UNSUPPORTED | kernel-architecture | is for arm64, and this VM is a PC | x86-64
kernel-arm64-elf | plain | --kernel $T/arm64-elf -- true | 125 UNSUPPORTED | kernel-architecture | is for arm64 | x86-64
kernel-32        | plain | --kernel $T/elf-32 -- true | 125 UNSUPPORTED | kernel-architecture | is a 32-bit kernel | --agent none
kernel-32-bz     | plain | --kernel $T/bz-32 -- true | 125 UNSUPPORTED | kernel-architecture | is a 32-bit kernel | --agent none
kernel-no-pvh    | plain | --kernel $T/no-pvh -- true | 125 UNSUPPORTED | kernel-config | no PVH entry point | CONFIG_PVH=y
initrd-missing   | plain | --initrd /no/such -- true | 125 NOT_FOUND | no-such-file | --initrd: open '/no/such' | leave it out for hull's own | -- true
initrd-directory | plain | --initrd $T/dir -- true | 125 INVALID | not-a-file | --initrd: '*/dir' is not a regular file | hull's own
initrd-garbage   | plain | --initrd $T/text -- true | 125 INVALID | not-an-initrd | text' is no archive | cpio -o -H newc
initrd-no-agent  | plain | --initrd $T/no-agent -- true | 125 BACKEND | panic | Unable to mount root fs*console's last lines | leave out --initrd | -- true
guest-missing    | with HULL_GUEST_DIR=/no/such | -- true | 125 NOT_FOUND | no-such-file | open guest artefact '/no/such/vmlinux' | unset it | -- true
silent           | plain | --boot-timeout 300ms -- true | 125 TIMEOUT | agent-silent | did not greet within 300 ms | --boot-timeout | --boot-timeout 60s -- true
panic            | plain | --append panic_on_oom=1\ rdinit=/none -- true | 125 BACKEND | panic | kernel panicked*Unable to mount root fs | rdinit= | -- true
cpu-unknown      | plain | --cpu nonesuch -- true | 125 INVALID | unknown-cpu | unable to find CPU model 'nonesuch' | --cpu max | --cpu max -- true
qemu-exits       | qemu exits | -- true | 125 BACKEND | hypervisor-died | did not start: QEMU exited with status 3 | hull doctor
qemu-says        | qemu says | -- true | 125 BACKEND | hypervisor-died | status 1: qemu: a device is on fire | hull doctor
qemu-kvm-busy    | qemu kvm-busy | -- true | 125 UNAVAILABLE | kvm | failed to initialize kvm: Device or resource busy | --accel tcg
qemu-library     | qemu library | -- true | 125 UNAVAILABLE | hypervisor-broken | loading shared libraries: libfdt.so.1 | install it again
qemu-terminated  | qemu terminated | -- true | 125 BACKEND | hypervisor-died | QEMU was killed by signal 15 |
qemu-old         | qemu old | -- true | 125 UNSUPPORTED | hypervisor-too-old | has version 5.2.0, and 7.2 is needed | install QEMU 7.2 or newer
qemu-device      | qemu device | -- true | 125 UNSUPPORTED | hypervisor-lacks | 'nonesuch' is not a valid device model name | built without it
qemu-mute        | qemu mute | --boot-timeout 1s -- true | 125 TIMEOUT | agent-silent | did not greet within 1000 ms | QEMU itself does not answer
qemu-interpreter | qemu no-interpreter | -- true | 125 NOT_FOUND | no-interpreter | its interpreter or loader is missing | install it again
qemu-killed      | killing qemu booting | -- sleep 100 | 125 BACKEND | hypervisor-died | did not start: QEMU was killed by signal 9 | dmesg
monitor-killed   | killing hull-monitor booting | -- sleep 100 | 125 BACKEND | monitor-died | was killed by signal 9*before the VM was ready | dmesg
TABLE
faults_end
