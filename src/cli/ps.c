/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull ps", see ps.h.  All VMs are asked at once, so that one that does not answer holds up the
 * others no longer than until the deadline, and takes nothing from what they say.
 */
#define _GNU_SOURCE
#include "cli/ps.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/vms.h"
#include "vm/catalogue.h"
#include "vm/frozen.h"
#include "vm/sessions.h"
#include "vm/use.h"

#include <string.h>

#define DEADLINE_MS 10000
#define SHOWN_MAX 80 /* bytes of a command in the table */

const struct hull_opt hull_ps_opts[] = {
	HULL_VMS_OPT_DEADLINE,
	HULL_VMS_OPT_OUTPUT("table or json"),
	{'q', "quiet", NULL, "only the names of sessions", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_ps_details[] = "Sessions are what 'hull exec' makes.  One that has ended stays "
			       "until its status was told:\n"
			       "to 'hull exec', or to 'hull attach'.\n";

/* One VM that is asked. */
struct asked {
	struct ps *ps;
	struct hull_used vm;
	struct hull_sessions_call *call;
};

struct ps {
	uint64_t deadline_ms, deadline_ns;
	enum hull_vms_format format;
	bool quiet;
	struct hull_store *store;
	struct hull_loop *loop;
	HULL_VEC(struct asked *) asked;
	size_t waiting;
	int failures;
	int code;
	bool many; /* which VM is it? */
	struct hull_table table;
	struct hull_json *json;
	bool no_memory;
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct ps *p = ctx;

	switch (opt->id) {
	case 'q':
		p->quiet = true;
		return 0;
	case HULL_OPT_DEADLINE:
		return hull_set_duration(&p->deadline_ms, value, err);
	default:
		if (hull_vms_format_parse(value, &p->format, err) < 0)
			return -1;
		if (p->format == HULL_VMS_TABLE || p->format == HULL_VMS_JSON)
			return 0;
		return hull_fail(err, HULL_E_INVALID, "use table or json");
	}
}

/* ---- telling ---- */

/* A guest's words in one line, whatever is in them. */
static void add_command(struct hull_strbuf *out, const Hull__Agent__V1__SessionState *s)
{
	for (size_t i = 0; i < s->n_args && out->len < SHOWN_MAX; i++)
		(void)hull_strbuf_addf(out, "%s%.*s", i ? " " : "", SHOWN_MAX, s->args[i]);
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] == '\n' || out->data[i] == '\t')
			out->data[i] = ' ';
	if (out->len > SHOWN_MAX) {
		out->len = SHOWN_MAX;
		(void)hull_strbuf_adds(out, "...");
	}
}

static void add_row(struct ps *p, const struct hull_used *vm,
		    const Hull__Agent__V1__SessionState *s)
{
	cleanup_strbuf struct hull_strbuf command = HULL_STRBUF_INIT;
	bool runs = !strcmp(s->state, "running"), stopped = !strcmp(s->state, "stopped");
	enum hull_out_style style = runs ? HULL_OUT_GOOD : HULL_OUT_PLAIN;

	add_command(&command, s);
	if (p->many)
		hull_table_add(&p->table, HULL_OUT_PLAIN, "%s", vm->name);
	hull_table_add(&p->table, HULL_OUT_PLAIN, "%s", s->exec_id);
	hull_table_add(&p->table, style, "%s", s->state);
	if (s->pid)
		hull_table_add(&p->table, HULL_OUT_PLAIN, "%u", s->pid);
	else
		hull_table_add(&p->table, HULL_OUT_PLAIN, "-");
	if (stopped)
		hull_table_add(&p->table, s->exit_status ? HULL_OUT_WARNING : HULL_OUT_PLAIN, "%u",
			       s->exit_status);
	else
		hull_table_add(&p->table, HULL_OUT_PLAIN, "-");
	hull_table_add(&p->table, HULL_OUT_PLAIN, "%s", hull_strbuf_str(&command));
}

static struct hull_json *to_json(const struct hull_used *vm, const Hull__Agent__V1__SessionState *s)
{
	cleanup_json struct hull_json *j = hull_json_object();
	struct hull_json *command = hull_json_array();
	int e = j && command ? 0 : -ENOMEM;

	for (size_t i = 0; command && i < s->n_args; i++)
		e |= hull_json_append(command, hull_json_string(s->args[i]));
	e |= hull_json_set(j, "vm", hull_json_string(vm->name));
	e |= hull_json_set(j, "vm_id", hull_json_string(vm->record.id));
	e |= hull_json_set(j, "session", hull_json_string(s->exec_id));
	e |= hull_json_set(j, "state", hull_json_string(s->state));
	if (s->pid)
		e |= hull_json_set(j, "pid", hull_json_u64(s->pid));
	if (!strcmp(s->state, "stopped"))
		e |= hull_json_set(j, "exit_status", hull_json_u64(s->exit_status));
	e |= hull_json_set(j, "terminal", hull_json_bool(s->terminal));
	e |= hull_json_set(j, "command", command);
	return e ? NULL : steal_ptr(&j);
}

static void add_session(struct ps *p, const struct hull_used *vm,
			const Hull__Agent__V1__SessionState *s)
{
	if (p->quiet)
		hull_out_styled(HULL_OUT_PLAIN, "%s\n", s->exec_id);
	else if (p->format == HULL_VMS_JSON)
		p->no_memory |= hull_json_append(p->json, to_json(vm, s)) < 0;
	else
		add_row(p, vm, s);
}

/* ---- asking ---- */

static void fail_one(struct ps *p, const struct hull_error *err)
{
	p->failures++;
	p->code = hull_exit_code(err);
	hull_out_error(err);
}

static void on_list(void *ctx, const Hull__Agent__V1__ListResponse *list,
		    const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct asked *a = ctx;
	struct ps *p = a->ps;

	if (error) {
		hull_fail_copy(&err, error);
		hull_frozen_tell_agent(&a->vm.record, &err);
		hull_prefix(&err, "VM '%s'", a->vm.name);
		fail_one(p, err);
	}
	/* The agent's newest comes first. */
	for (size_t i = list ? list->n_sessions : 0; i > 0; i--)
		add_session(p, &a->vm, list->sessions[i - 1]);
	if (--p->waiting == 0)
		hull_loop_quit(p->loop, 0);
}

static void ask(struct ps *p, const char *ref)
{
	cleanup_error struct hull_error *err = NULL;
	struct asked *a = calloc(1, sizeof(*a)), **slot = a ? hull_vec_push(&p->asked) : NULL;

	if (!slot) {
		free(a);
		p->no_memory = true;
		return;
	}
	*slot = a;
	a->ps = p;
	if (hull_use_find(p->store, p->loop, ref, p->deadline_ns, &a->vm, &err) < 0 ||
	    hull_sessions_ask(p->loop, a->vm.vsock, p->deadline_ns, on_list, a, &a->call, &err) < 0)
		fail_one(p, err);
	else
		p->waiting++;
}

static int ask_all(struct ps *p, struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	cleanup_error struct hull_error *trouble = NULL;

	if (hull_catalogue_list(p->store, p->loop, p->deadline_ns, &list, &trouble, err) < 0)
		return -1;
	if (trouble)
		fail_one(p, trouble);
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].state == HULL_VM_RUNNING &&
		    !strcmp(list.v[i].agent, hull_agent_names[HULL_AGENT_HULL]))
			ask(p, list.v[i].id);
	return 0;
}

static int ps(struct ps *p, char **refs, size_t n, struct hull_error **err)
{
	static const char *const headings[] = {"VM",  "SESSION", "STATE",
					       "PID", "STATUS",	 "COMMAND"};
	int r = 0;

	p->many = n != 1;
	hull_table_init(&p->table, headings + !p->many, ARRAY_SIZE(headings) - !p->many);
	p->json = hull_json_array();
	p->deadline_ns = hull_deadline_ms(p->deadline_ms);
	if (hull_catalogue_open(p->deadline_ns, &p->store, err) < 0 ||
	    hull_loop_new(&p->loop, err) < 0 || (!n && ask_all(p, err) < 0))
		return -1;
	for (size_t i = 0; i < n; i++)
		ask(p, refs[i]);
	if (p->waiting)
		r = hull_loop_run(p->loop);
	if (r < 0)
		return hull_fail_errno(err, -r, "event loop");
	if (p->no_memory)
		return hull_fail_nomem(err);
	if (p->failures > 0 && n != 1)
		p->code = HULL_EXIT_FAILED;
	if (p->quiet || (n == 1 && p->failures))
		return 0;
	return p->format == HULL_VMS_JSON ? hull_vms_print_json(p->json, true, err)
					  : hull_table_print(&p->table, err);
}

int hull_cmd_ps(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct ps p = {.deadline_ms = DEADLINE_MS};
	int rest, r = hull_opts_parse_mixed(verb, argc, argv, on_option, &p, &rest, &err);

	if (r < 0)
		p.code = HULL_EXIT_USAGE;
	else if (r == 0 && ps(&p, argv + rest, (size_t)(argc - rest), &err) < 0)
		p.code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	for (size_t i = 0; i < p.asked.n; i++) {
		hull_sessions_call_free(p.asked.v[i]->call);
		hull_used_fini(&p.asked.v[i]->vm);
		free(p.asked.v[i]);
	}
	free(p.asked.v);
	hull_table_fini(&p.table);
	hull_json_free(p.json);
	hull_loop_free(p.loop);
	hull_store_close(p.store);
	return p.code;
}
