/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a VM has ended, as far as it can be told when it has, and what to do about it.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/resources.h"
#include "monitor/scratch.h"

#include <string.h>

#define MIB_SHIFT 20
/* What QEMU and the share daemons take besides the guest's memory, roughly. */
#define OVERHEAD (UINT64_C(64) << MIB_SHIFT)

/* What a kernel says when it panics, before why. */
static const struct {
	const char *words, *hint;
} panics[] = {
	{"Unable to mount root fs",
	 "the kernel found no /init to run in its initramfs, which is where hull's agent is: leave "
	 "out --initrd and words such as rdinit= in --append, or boot it alone with --agent none"},
	{"No working init found",
	 "the initramfs has no program that runs: leave out --initrd and words such as init= in "
	 "--append"},
	{"Requested init", "take the word init= or rdinit= out of --append"},
	{"Attempted to kill init",
	 "what ended is the guest's first process, hull's agent unless --append says otherwise: "
	 "take words such as rdinit= out of it"},
	{"deadlocked on memory", "give the guest more memory with -m"},
	{"Out of memory", "give the guest more memory with -m"},
	{"out of memory", "give the guest more memory with -m"},
	{"sysrq triggered crash", "something in the guest asked for it (/proc/sysrq-trigger)"},
};

const char *hull_monitor_hint(const struct hull_monitor *m, const char *reason, const char *message)
{
	if (!strcmp(reason, "panic")) {
		for (size_t i = 0; i < ARRAY_SIZE(panics); i++)
			if (strstr(message, panics[i].words))
				return panics[i].hint;
		return m->ready_ns ? "what the kernel said before is shown with --console"
				   : "--append ignore_loglevel shows more of what the kernel says";
	}
	if (!strcmp(reason, "reboot") || !strcmp(reason, "shutdown"))
		return m->ready_ns ? "something in the guest asked for it; what the guest says on "
				     "its console is shown with --console"
				   : "--append ignore_loglevel shows more of what the kernel says";
	if (!strcmp(reason, "no-space") && !m->config.scratch_dir)
		return "make room on the host; throwaway disks are in " HULL_SCRATCH_DIR
		       ", and take there what is written to them";
	if (!strcmp(reason, "no-space"))
		return "make room on the host";
	if (!strcmp(reason, "helper-died"))
		return "somebody killed it, or it can't work here: 'hull doctor' looks the host "
		       "over";
	return NULL;
}

bool hull_monitor_short_of_memory(const struct hull_monitor *m, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf group = HULL_STRBUF_INIT;
	uint64_t limit = hull_cgroup_memory_limit(&group),
		 mib = m->config.memory_bytes >> MIB_SHIFT;

	if (!limit || limit >= m->config.memory_bytes + OVERHEAD)
		return false;
	hull_fail_cause(err, HULL_E_EXHAUSTED, "host-memory",
			"QEMU was killed by signal 9: its memory is limited to %llu MiB, and the "
			"VM alone has %llu MiB",
			(unsigned long long)(limit >> MIB_SHIFT), (unsigned long long)mib);
	hull_hint(err, "ask for less with --memory (-m), or raise the limit of control group '%s'",
		  hull_strbuf_str(&group));
	return true;
}

static const char lacks_8250[] =
	" (a kernel that says nothing may lack CONFIG_SERIAL_8250_CONSOLE)";
static const char lacks_pl011[] =
	" (a kernel that says nothing may lack CONFIG_SERIAL_AMBA_PL011_CONSOLE)";

void hull_monitor_fail_silent(const struct hull_monitor *m, const char *console,
			      struct hull_error **err)
{
	hull_fail_cause(err, HULL_E_TIMEOUT, "agent-silent",
			"the guest did not greet within %llu ms%s%s",
			(unsigned long long)m->config.boot_timeout_ms,
			*console ? "; the console's last lines:\n" : "", console);
	if (!m->runs_ns && hull_memory_is_ready_first(&m->config.memory_backing))
		hull_hint(err, "all of its memory is to be there before it starts, which takes "
			       "time: give it longer with --boot-timeout");
	else if (!m->runs_ns)
		hull_hint(err, "QEMU itself does not answer: see whether it works, 'hull doctor' "
			       "asks it for its version");
	else
		hull_hint(err,
			  "give it longer with --boot-timeout; --append ignore_loglevel shows "
			  "what the kernel says%s",
			  *console				? ""
			  : m->config.arch == HULL_ARCH_AARCH64 ? lacks_pl011
								: lacks_8250);
}
