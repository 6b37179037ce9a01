/* SPDX-License-Identifier: Apache-2.0
 *
 * Users of a running VM, see use.h.
 */
#define _GNU_SOURCE
#include "vm/use.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "vm/catalogue.h"
#include "vm/sessions.h"
#include "vm/states.h"
#include "vm/task.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MS 1000
#define END_MS 10000 /* a VM whose agent can't be reached any more ends soon, or does not end */

void hull_used_fini(struct hull_used *used)
{
	hull_record_fini(&used->record);
	hull_config_fini(&used->config);
	free(used->vsock);
	*used = (struct hull_used){0};
}

static int check(const struct hull_used *u, struct hull_error **err)
{
	const char *so;

	if (hull_states_rule(HULL_VERB_USE, u->record.state, u->name, &so, err) != HULL_RULING_DO)
		return -1;
	if (!strcmp(u->record.agent, hull_agent_names[HULL_AGENT_HULL]))
		return 0;
	hull_fail_cause(err, HULL_E_UNSUPPORTED, "no-agent",
			"VM '%s' has no agent of hull's (agent \"%s\")", u->name, u->record.agent);
	hull_hint(err, "what runs in it is reached over its console or its network");
	return -1;
}

int hull_use_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
		  uint64_t deadline_ns, struct hull_used *ret, struct hull_error **err)
{
	cleanup_with(hull_used_fini) struct hull_used u = {0};

	if (hull_catalogue_find(store, loop, ref, deadline_ns, &u.record, err) < 0)
		return -1;
	snprintf(u.short_id, sizeof(u.short_id), "%.12s", u.record.id);
	u.name = u.record.name ? u.record.name : u.short_id;
	if (check(&u, err) < 0)
		return -1;
	if (hull_config_from_json(u.record.config, strlen(u.record.config), &u.config, err) < 0)
		return hull_prefix(err, "the description of VM '%s'", u.name);
	u.vsock = hull_path_join(u.record.run_dir, "vsock.sock");
	if (!u.vsock)
		return hull_fail_nomem(err);
	*ret = u;
	if (!ret->record.name)
		ret->name = ret->short_id;
	u = (struct hull_used){0};
	return 0;
}

/* ---- the end ---- */

struct end {
	struct hull_loop *loop;
	struct hull_record record; /* state running: it has not ended */
	bool removed;
};

static void on_ended(void *ctx, struct hull_task *task, const struct hull_task_outcome *outcome)
{
	struct end *e = ctx;

	e->removed = outcome->error && hull_error_code(outcome->error) == HULL_E_NOT_FOUND;
	if (!outcome->error && outcome->record) {
		e->record = *outcome->record;
		*outcome->record = (struct hull_record){0};
	}
	hull_loop_quit(e->loop, 0);
}

static void fail_ended(const struct hull_used *u, const struct hull_record *r,
		       struct hull_error **err)
{
	int code = hull_code_from_name(r->code);

	hull_fail_cause(err, code ? code : HULL_E_UNAVAILABLE, r->reason, "VM '%s' ended: %s",
			u->name, *r->message ? r->message : r->reason);
	if (*r->hint)
		hull_hint(err, "%s", r->hint);
}

struct answer {
	struct hull_loop *loop;
	bool good;
};

static void on_answer(void *ctx, const Hull__Agent__V1__ListResponse *list,
		      const struct hull_error *error)
{
	struct answer *a = ctx;

	a->good = !error;
	hull_loop_quit(a->loop, 0);
}

/* Then it has lost nothing but the connection. */
static bool answers(struct hull_loop *loop, const struct hull_used *used, uint64_t deadline_ns)
{
	struct answer a = {.loop = loop};
	struct hull_sessions_call *call;

	if (hull_sessions_ask(loop, used->vsock, deadline_ns, on_answer, &a, &call, NULL) < 0)
		return false;
	if (hull_loop_run(loop) < 0)
		a.good = true; /* somebody has quit it: nothing more is asked */
	hull_sessions_call_free(call);
	return a.good;
}

static uint64_t until(uint64_t ms, uint64_t deadline_ns)
{
	uint64_t t = hull_deadline_ms(ms);

	return deadline_ns ? MIN(t, deadline_ns) : t;
}

int hull_use_explain(struct hull_store *store, struct hull_loop *loop, const struct hull_used *used,
		     uint64_t deadline_ns, const struct hull_error *error, struct hull_error **err)
{
	const struct hull_task_options o = {.kind = HULL_TASK_WAIT,
					    .deadline_ns = until(END_MS, deadline_ns)};
	struct end end = {.loop = loop};
	struct hull_task *task;

	if (answers(loop, used, until(ANSWER_MS, deadline_ns)))
		return hull_fail_copy(err, error);
	if (hull_task_new(loop, store, used->record.id, &o, on_ended, &end, &task, NULL) == 0) {
		(void)hull_loop_run(loop);
		hull_task_free(task);
	}
	if (end.removed)
		hull_fail_cause(err, HULL_E_UNAVAILABLE, "removed", "VM '%s' was removed",
				used->name);
	else if (*end.record.id && !end.record.run_dir)
		fail_ended(used, &end.record, err);
	else
		hull_fail_copy(err, error);
	hull_record_fini(&end.record);
	return -1;
}
