/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a guest whose kernel has panicked, and which is held for that.
 *
 *   dump.c reads, the hypervisor writes -> both done, or one failed, or the VM is stopped -> killed
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PROGRESS_NS (HULL_NS_PER_S / 4)

/* Only while the starter's terminal takes it: it may have been stopped. */
static void show(struct hull_monitor *m, const char *end)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	uint64_t now = hull_now_ns();

	if (!m->config.progress || !m->config.tied || poll(&p, 1, 0) != 1 ||
	    !(p.revents & POLLOUT) || (!*end && now - m->progress_ns < PROGRESS_NS))
		return;
	m->progress_ns = now;
	(void)dprintf(STDERR_FILENO, "\rhull: dump of the guest's memory: %llu of %llu MiB%s",
		      (unsigned long long)(m->dump_bytes >> 20),
		      (unsigned long long)(m->config.memory_bytes >> 20), end);
}

/* What becomes of it is told with the end. */
static void settle(struct hull_monitor *m, const struct hull_error *error)
{
	int n;

	if (m->dump_result) /* the other one was first */
		return;
	if (error)
		n = asprintf(&m->dump_result, "there is no dump: %s", hull_error_message(error));
	else
		n = asprintf(&m->dump_result, "its memory is in '%s'", m->config.panic_dump);
	if (n < 0)
		m->dump_result = NULL;
	if (m->progress_ns)
		show(m, "\n");
	if (m->inst_running)
		m->inst->ops->kill(m->inst);
}

static void on_progress(void *ctx, uint64_t bytes)
{
	struct hull_monitor *m = ctx;

	m->dump_bytes = bytes;
	show(m, "");
}

static void on_failed(void *ctx, const struct hull_error *error)
{
	settle(ctx, error);
}

static const struct hull_dump_ops dump_ops = {.progress = on_progress, .failed = on_failed};

static void on_dumped(void *ctx, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_monitor *m = ctx;

	if (!error && !m->dump_result && hull_dump_finish(m->dump, &err) < 0)
		error = err;
	settle(m, error);
}

int hull_monitor_open_dump(struct hull_monitor *m, int *ret_fd, struct hull_error **err)
{
	if (!m->config.panic_dump)
		return 0;
	return hull_dump_new(m->loop, m->config.panic_dump, m->config.memory_bytes, &dump_ops, m,
			     &m->dump, ret_fd, err);
}

void hull_monitor_dump_guest(struct hull_monitor *m)
{
	cleanup_error struct hull_error *err = NULL;

	m->panicked = true;
	hull_source_arm(m->deadline, 0); /* of the boot, or of a stop */
	if (hull_dump_begin(m->dump, &err) < 0 ||
	    m->inst->ops->dump(m->inst, on_dumped, m, &err) < 0)
		settle(m, err);
}
