/* SPDX-License-Identifier: Apache-2.0
 *
 * What QEMU's last words, and some others, mean.  Pure.
 */
#define _GNU_SOURCE
#include "backend/qemu/explain.h"

#include "backend/qemu/features.h"
#include "base/cleanup.h"
#include "base/proc.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define OTHER_QEMU                                                                      \
	"this QEMU is built without it: install your distribution's full one (Debian: " \
	"qemu-system-x86)"

static const struct hull_qemu_reason reasons[] = {
	{"Cannot allocate memory", HULL_E_EXHAUSTED, "host-memory",
	 "ask for less with --memory (-m), or raise the limit: 'ulimit -v' tells it"},
	{"cannot set up guest memory", HULL_E_EXHAUSTED, "host-memory",
	 "ask for less with --memory (-m)"},
	{"is not a valid device model name", HULL_E_UNSUPPORTED, "hypervisor-lacks", OTHER_QEMU},
	{"unsupported machine type", HULL_E_UNSUPPORTED, "hypervisor-lacks", OTHER_QEMU},
	{"unable to find CPU model", HULL_E_INVALID, "unknown-cpu",
	 "'qemu-system-x86_64 -cpu help' lists them; --cpu max is there always"},
	{"phys-bits too low", HULL_E_UNSUPPORTED, "cpu-address-space",
	 "this CPU model can't address so much memory: ask for less with --memory-max, or for "
	 "another with --cpu"},
	{"Could not access KVM", HULL_E_UNAVAILABLE, "kvm", "emulate instead: --accel tcg"},
	{"failed to initialize kvm", HULL_E_UNAVAILABLE, "kvm", "emulate instead: --accel tcg"},
	{"Is another process using the image", HULL_E_BUSY, "disk-in-use",
	 "another VM has it: end that, or give this one the disk read-only"},
	{"No space left on device", HULL_E_EXHAUSTED, "no-space", "make room there"},
	{"Failed to read initial magic", HULL_E_UNAVAILABLE, "nbd-unreachable",
	 "nothing answers there as an NBD server does: is it running?"},
	{"Failed to connect to", HULL_E_UNAVAILABLE, "nbd-unreachable",
	 "is the NBD server running, and reachable from this host?"},
	{"Failed to resolve address", HULL_E_UNAVAILABLE, "nbd-unreachable",
	 "is the NBD server's name right?"},
	{"Requested export not available", HULL_E_NOT_FOUND, "nbd-export",
	 "'nbdinfo --list' or 'qemu-nbd --list' tells what the server offers"},
	{"Too many open files", HULL_E_EXHAUSTED, "descriptor-limit",
	 "raise the limit of open files: 'ulimit -n' tells it"},
	{"error while loading shared libraries", HULL_E_UNAVAILABLE, "hypervisor-broken",
	 "QEMU is not installed completely: install it again"},
};

const struct hull_qemu_reason *hull_qemu_find_reason(const char *said)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strstr(said, reasons[i].words))
			return &reasons[i];
	return NULL;
}

/* The file or address behind a block node of the plan's, NULL for a throwaway disk and for what is
 * none. */
static const char *disk_path(const struct hull_config *config, const char *node)
{
	const struct hull_device *dev;
	unsigned int i;

	if (sscanf(node, "disk%u", &i) == 1 && i < config->disks.n &&
	    !config->disks.v[i].scratch_bytes)
		return config->disks.v[i].path;
	if (sscanf(node, "dev%u", &i) != 1 || i >= config->devices.n)
		return NULL;
	dev = &config->devices.v[i];
	if (hull_device_is_disk(dev))
		return dev->disk.path;
	return dev->kind == HULL_DEVICE_NBD ? dev->nbd.uri : NULL;
}

int hull_qemu_fail_disk(const struct hull_config *config, const struct hull_json *data,
			struct hull_error **err)
{
	const char *action = hull_json_str(hull_json_get(data, "action"));
	const char *node = hull_json_str(hull_json_get(data, "node-name"));
	const char *path = node ? disk_path(config, node) : NULL;

	if (!action || strcmp(action, "stop") != 0)
		return 0;
	return hull_fail_cause(err, HULL_E_EXHAUSTED, "no-space",
			       "%s%s%s can't take what the guest writes: %s",
			       path ? "disk '" : "the throwaway disk", path ? path : "",
			       path ? "'" : "", hull_strerror(ENOSPC));
}

/* The last line of @text, which is where QEMU says why it gave up. */
static const char *last_line(const char *text)
{
	const char *nl = strrchr(text, '\n');

	return nl ? nl + 1 : text;
}

int hull_qemu_fail_death(const struct hull_config *config, const char *binary, int wstatus,
			 const char *tail, struct hull_error **err)
{
	const struct hull_qemu_reason *reason = hull_qemu_find_reason(tail);
	char status[64];

	if (hull_qemu_features_explain(config, tail, err) < 0)
		return -1;
	hull_wstatus_text(wstatus, status);
	(void)hull_fail_cause(err, reason ? reason->code : HULL_E_BACKEND,
			      reason ? reason->cause : NULL, "QEMU %s%s%s", status,
			      *tail ? ": " : "", last_line(tail));
	if (reason)
		hull_hint(err, "%s", reason->hint);
	else if (WIFSIGNALED(wstatus) && WTERMSIG(wstatus) == SIGKILL)
		hull_hint(err, "somebody killed it, or the kernel did for want of memory, "
			       "which dmesg would tell");
	else
		hull_hint(err,
			  "see whether '%s' works by itself; 'hull doctor' asks it for "
			  "its version",
			  binary);
	return -1;
}
