/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking for stopped processes, see frozen.h.
 */
#define _GNU_SOURCE
#include "vm/frozen.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCENT_MAX 3 /* a helper may have a child of its own */
#define CHILDREN_MAX 4096
#define COMM_MAX 32

static bool is_stopped(pid_t pid)
{
	struct hull_proc_stat st;

	return hull_proc_stat(pid, &st) == 0 && (st.state == 'T' || st.state == 't');
}

/* One that is stopped among what @pid has started: its pid, or 0. */
static pid_t find_stopped(pid_t pid, int depth)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	char path[64], *save = NULL;
	pid_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if (!depth || hull_file_read(path, CHILDREN_MAX, &text) < 0 || !text.len)
		return 0;
	for (char *w = strtok_r(text.data, " \n", &save); w && !found;
	     w = strtok_r(NULL, " \n", &save)) {
		pid_t child = (pid_t)strtol(w, NULL, 10);

		found = is_stopped(child) ? child : find_stopped(child, depth - 1);
	}
	return found;
}

static void add(struct hull_error **err, const char *cause, pid_t pid, const char *who)
{
	cleanup_error struct hull_error *told = NULL;

	hull_fail_cause(&told, HULL_E_TIMEOUT, cause, "%s: %s, process %d, is stopped",
			hull_error_message(*err), who, (int)pid);
	hull_hint(&told, "let it go on with 'kill -CONT %d', or end the VM with 'hull kill'",
		  (int)pid);
	hull_error_freep(err);
	*err = steal_ptr(&told);
}

static void tell_child(pid_t pid, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf comm = HULL_STRBUF_INIT;
	char path[32], who[COMM_MAX + 8] = "its part";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (hull_file_read(path, COMM_MAX, &comm) == 0 && comm.len > 1)
		snprintf(who, sizeof(who), "its %.*s", (int)comm.len - 1, comm.data);
	add(err, "process-stopped", pid, who);
}

void hull_frozen_tell(const struct hull_record *record, struct hull_error **err)
{
	const struct hull_process_id *monitor = &record->monitor;
	char boot[37] = "";
	pid_t child;

	if (!err || !*err || hull_error_code(*err) != HULL_E_TIMEOUT)
		return;
	(void)hull_boot_id(boot);
	if (!hull_process_lives(monitor, boot))
		return;
	child = find_stopped(monitor->pid, DESCENT_MAX);
	if (is_stopped(monitor->pid))
		add(err, "monitor-stopped", monitor->pid, "its monitor");
	else if (child)
		tell_child(child, err);
}

void hull_frozen_tell_agent(const struct hull_record *record, struct hull_error **err)
{
	cleanup_error struct hull_error *told = NULL;

	if (!*err || hull_error_code(*err) != HULL_E_TIMEOUT)
		return;
	hull_fail_cause(&told, HULL_E_TIMEOUT, "agent-silent",
			"its agent did not answer in the time that was given");
	hull_error_freep(err);
	*err = steal_ptr(&told);
	hull_frozen_tell(record, err);
}
