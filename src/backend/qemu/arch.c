/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of arch.h, and why its words are what they are.
 */
#define _GNU_SOURCE
#include "backend/qemu/arch.h"

#include "base/cleanup.h"

#include <assert.h>

#define TEXT(x) #x
#define QUOTE(x) TEXT(x)
#define VERSION QUOTE(HULL_QEMU_LEAST_MAJOR) "." QUOTE(HULL_QEMU_LEAST_MINOR)

#define MIB (UINT64_C(1) << 20)

/* Debian's; of others, and of QEMU's own installation.  None with Secure Boot, which needs a
 * machine with system management mode. */
static const struct hull_qemu_firmware x86_firmware[] = {
	{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
	{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
	{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
	{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
	{"/usr/share/edk2-ovmf/x64/OVMF_CODE.fd", "/usr/share/edk2-ovmf/x64/OVMF_VARS.fd"},
	{"/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"},
	{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},
	{"/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd"},
	{"/usr/local/share/qemu/edk2-x86_64-code.fd", "/usr/local/share/qemu/edk2-i386-vars.fd"},
	{NULL, NULL},
};

static const struct hull_qemu_firmware arm_firmware[] = {
	{"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
	{"/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
	 "/usr/share/edk2/aarch64/vars-template-pflash.raw"},
	{"/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"},
	{"/usr/share/qemu/aavmf-aarch64-code.bin", "/usr/share/qemu/aavmf-aarch64-vars.bin"},
	{"/usr/share/qemu/edk2-aarch64-code.fd", "/usr/share/qemu/edk2-arm-vars.fd"},
	{"/usr/local/share/qemu/edk2-aarch64-code.fd", "/usr/local/share/qemu/edk2-arm-vars.fd"},
	{NULL, NULL},
};

/* What a machine could do but no guest of ours uses costs start-up time and attack surface.
 *
 * x86_64
 *
 * microvm: without a PIT Linux cannot calibrate the TSC there, having no other timer to compare
 * with, so that under emulation the PIT may go only when the frequency is told.  Without an RTC
 * it waits two seconds for the clock that is not there.
 *
 * The CPU: emulated features cost time when they are used, not when they are offered; what Debian's
 * programs and their libraries look for is here, and nothing that makes them choose slow paths,
 * such as the wide vectors of "max".
 *
 * The words: "reboot=t": a triple fault is the one way to reset that both machines have and that
 * asks nothing of the emulated firmware; "panic=-1" makes a panic one.  "noreplace-smp" saves 0.07
 * s of patching that gains nothing under emulation.  COMMAND_LINE_SIZE counts a NUL.
 *
 * Its features are switched by signs, which win over those in the model and over "name=on".
 *
 * CPUs above the 255th need an x2APIC, which QEMU's emulation does not have.
 *
 * aarch64
 *
 * The interrupt controller of version 3, since 2 is for 8 CPUs.  Without ACPI the machine is told
 * by the device tree alone.
 *
 * The CPU: "max" takes 1.4 times as long to boot as older models, which are alike; this one has
 * atomic instructions, which programs look for.
 *
 * The words: a panic resets by PSCI.  "kpti=off": with separate page tables QEMU flushes its TLB at
 * every system call, which takes ten times as long then.  What is given up is that user space can't
 * find out the kernel's addresses by timing; to read there takes a processor that speculates. */
static const struct hull_qemu_arch archs[] = {
	[HULL_ARCH_X86_64] =
		{
			.binaries = {"qemu-system-x86_64", "/usr/bin/qemu-system-x86_64",
				     "/usr/libexec/qemu-kvm"},
			.package = "qemu-system-x86",
			.machines =
				{
					[HULL_MACHINE_Q35] =
						"pc-q35-" VERSION
						",usb=off,smbus=off,sata=off,vmport=off",
					[HULL_MACHINE_MICROVM] =
						"microvm,pit=off,pic=off,rtc=on,isa-serial=on",
				},
			.tcg_cpu = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16,+rdrand",
			.cpu_signs = true,
			.tcg_max_cpus = 255,
			.kernel_line_max = 2047,
			.words = "console=ttyS0 reboot=t panic=-1",
			.quick_words = " noreplace-smp",
			.firmware = x86_firmware,
			.firmware_package = "ovmf",
			.kernel_at = 16 * MIB,
			.boot_len = 32 * MIB, /* Debian's takes 55, smaller ones less */
		},
	[HULL_ARCH_AARCH64] =
		{
			.binaries = {"qemu-system-aarch64", "/usr/bin/qemu-system-aarch64"},
			.package = "qemu-system-arm",
			.machines =
				{
					[HULL_MACHINE_VIRT] =
						"virt-" VERSION ",gic-version=3,acpi=off",
				},
			.tcg_cpu = "cortex-a76",
			.tcg_max_cpus = HULL_CONFIG_MAX_CPUS,
			.kernel_line_max = 2047,
			.words = "console=ttyAMA0 panic=-1",
			.quick_words = " kpti=off",
			.firmware = arm_firmware,
			.firmware_package = "qemu-efi-aarch64",
			.kernel_at = 2 * MIB,
			.initrd_at = 128 * MIB,
			.boot_len = 16 * MIB,
		},
};

static_assert(ARRAY_SIZE(archs) == HULL_ARCH_AARCH64 + 1, "one for each");

const struct hull_qemu_arch *hull_qemu_arch(enum hull_arch arch)
{
	return &archs[arch];
}
