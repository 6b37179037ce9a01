/* SPDX-License-Identifier: Apache-2.0
 *
 * What QEMU needs of the host: itself, KVM or a good clock for emulation, passt.
 */
#define _GNU_SOURCE
#include "backend/qemu/checks.h"

#include "backend/qemu/firmware.h"
#include "backend/qemu/plan.h"
#include "backend/qemu/probe.h"
#include "backend/qemu/version.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/proc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534 /* QEMU never runs as root, so it must start as somebody without rights */

static void check_hypervisor(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *path = NULL;
	struct hull_qemu_version v;

	if (hull_qemu_find(config->programs.qemu, config->arch, &path, &err) < 0 ||
	    hull_qemu_version_ask(path, &v, &err) < 0) {
		hull_check_error(ret, HULL_CHECK_BROKEN, err);
		return;
	}
	hull_check_set(ret, HULL_CHECK_OK, "QEMU %u.%u.%u, %s%s", v.major, v.minor, v.micro, path,
		       hull_qemu_version_parallel(&v)
			       ? ""
			       : "; emulated vCPUs take turns (not from 8.1 on)");
	if (hull_qemu_version_from(&v, HULL_QEMU_LEAST_MAJOR, HULL_QEMU_LEAST_MINOR))
		return;
	ret->level = HULL_CHECK_BROKEN;
	hull_check_hint(ret, "it is too old: install QEMU %d.%d or newer", HULL_QEMU_LEAST_MAJOR,
			HULL_QEMU_LEAST_MINOR);
}

/* What --accel auto takes here, and why. */
static void choose(const struct hull_config *config, struct hull_kvm_facts *ret_facts,
		   struct hull_accel_choice *ret_choice)
{
	struct hull_accel_user user = {.other = geteuid() == 0, .uid = NOBODY, .gid = NOBODY};

	hull_kvm_gather(ret_facts);
	(void)hull_accel_choose(HULL_ACCEL_AUTO, ret_facts, &user, ret_choice, NULL);
}

static void check_acceleration(const struct hull_config *config, struct hull_check_result *ret)
{
	struct hull_accel_choice choice;
	struct hull_kvm_facts facts;

	choose(config, &facts, &choice);
	hull_check_set(ret, choice.accel == HULL_ACCEL_KVM ? HULL_CHECK_OK : HULL_CHECK_WARNING,
		       "%s", choice.reason);
	if (choice.accel == HULL_ACCEL_KVM)
		return;
	if (!facts.vmx && !facts.svm)
		hull_check_hint(ret, "switch virtualisation on in the firmware; in a VM, have its "
				     "host offer nested virtualisation");
	else if (facts.open_errnum == EACCES || facts.open_errnum == EPERM)
		hull_check_hint(ret, "join the group that may open it (ls -l /dev/kvm), then log "
				     "in again");
	else if (facts.open_errnum)
		hull_check_hint(ret, "load the module: modprobe kvm_intel, or kvm_amd");
	else
		hull_check_hint(ret, "let a group such as 'kvm' read and write /dev/kvm");
}

static void check_clock(const struct hull_config *config, struct hull_check_result *ret)
{
	struct hull_accel_choice choice;
	struct hull_kvm_facts facts;
	struct hull_tsc tsc;
	uint64_t khz;

	hull_tsc_start(&tsc);
	choose(config, &facts, &choice);
	khz = hull_tsc_finish(&tsc);
	if (khz)
		hull_check_set(ret, HULL_CHECK_OK,
			       "time stamp counter, constant at %llu.%03llu MHz",
			       (unsigned long long)(khz / 1000), (unsigned long long)(khz % 1000));
	else if (choice.accel == HULL_ACCEL_KVM)
		hull_check_set(ret, HULL_CHECK_OK, "KVM's own");
	else
		hull_check_set(
			ret, HULL_CHECK_WARNING,
			"the time stamp counter is not constant: emulation needs the machine "
			"q35, which boots more slowly than microvm");
}

static void check_vsock(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_close int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		hull_check_set(ret, HULL_CHECK_OK, "/dev/vhost-vsock can be used (--link vsock)");
	else
		hull_check_set(ret, HULL_CHECK_OK,
			       "/dev/vhost-vsock: %s, and only --link vsock needs it",
			       hull_strerror(errno));
}

static void check_firmware(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *code = NULL, *template = NULL;

	if (hull_qemu_firmware_find(config, &code, &template, &err) == 0)
		hull_check_set(ret, HULL_CHECK_OK, "UEFI, %s (--firmware efi)", code);
	else
		hull_check_set(ret, HULL_CHECK_OK, "%s, and only --firmware efi needs it",
			       hull_error_message(err));
}

static void check_network(const struct hull_config *config, struct hull_check_result *ret)
{
	static const char *const names[] = {"passt", "/usr/bin/passt", NULL};
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *path = NULL;

	if (hull_find_program(config->programs.passt, names, &path, &err) == 0) {
		hull_check_set(ret, HULL_CHECK_OK, "passt, %s", path);
		return;
	}
	hull_check_set(ret, HULL_CHECK_WARNING,
		       "passt is not installed: QEMU's own network, which is slower, has to do");
	hull_check_hint(ret, "on Debian: apt install passt");
}

const struct hull_check hull_qemu_checks[] = {
	{"hypervisor", check_hypervisor},
	{"acceleration", check_acceleration},
	{"clock", check_clock},
	{"vsock", check_vsock},
	{"firmware", check_firmware},
	{"network", check_network},
	{NULL, NULL},
};
