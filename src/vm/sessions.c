/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking an agent for its sessions, see sessions.h.
 */
#define _GNU_SOURCE
#include "vm/sessions.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor/link.h"

#include <string.h>

int hull_session_check_name(const char *name, struct hull_error **err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	if (len && len <= HULL_SESSION_NAME_MAX && !strchr("._-", *name) &&
	    strspn(name, letters) == len)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' can't be a session's name", name);
	hull_hint(err,
		  "up to %d letters, digits, '.', '_' and '-', of which the first is a letter "
		  "or a digit",
		  HULL_SESSION_NAME_MAX);
	return -1;
}

struct hull_sessions_call {
	hull_sessions_fn fn; /* of hull_sessions_ask() */
	void *ctx;
	struct hull_rpc *rpc;
};

static int connect_agent(struct hull_loop *loop, const char *vsock, struct hull_sessions_call **ret,
			 struct hull_error **err)
{
	struct hull_sessions_call *c = calloc(1, sizeof(*c));

	if (!c)
		return hull_fail_nomem(err);
	if (hull_rpc_dial_guest(loop, vsock, HULL_PORT_AGENT, NULL, NULL, &c->rpc, err) < 0) {
		hull_sessions_call_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

int hull_sessions_call(struct hull_loop *loop, const char *vsock, const char *method,
		       const ProtobufCMessage *request,
		       const ProtobufCMessageDescriptor *reply_type, uint64_t deadline_ns,
		       hull_rpc_fn fn, void *ctx, struct hull_sessions_call **ret,
		       struct hull_error **err)
{
	struct hull_sessions_call *c;

	if (connect_agent(loop, vsock, &c, err) < 0)
		return -1;
	hull_rpc_call(c->rpc, "hull.agent.v1.Agent", method, request, reply_type, deadline_ns, fn,
		      ctx);
	*ret = c;
	return 0;
}

static void on_listed(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_sessions_call *c = ctx;

	c->fn(c->ctx, (const void *)reply, error);
}

int hull_sessions_ask(struct hull_loop *loop, const char *vsock, uint64_t deadline_ns,
		      hull_sessions_fn fn, void *ctx, struct hull_sessions_call **ret,
		      struct hull_error **err)
{
	Hull__Agent__V1__ListRequest rq = HULL__AGENT__V1__LIST_REQUEST__INIT;
	struct hull_sessions_call *c;

	if (connect_agent(loop, vsock, &c, err) < 0)
		return -1;
	c->fn = fn;
	c->ctx = ctx;
	hull_rpc_call(c->rpc, "hull.agent.v1.Agent", "List", &rq.base,
		      &hull__agent__v1__list_response__descriptor, deadline_ns, on_listed, c);
	*ret = c;
	return 0;
}

void hull_sessions_call_free(struct hull_sessions_call *c)
{
	if (!c)
		return;
	hull_rpc_free(c->rpc);
	free(c);
}

/* ---- one ---- */

struct search {
	struct hull_loop *loop;
	const char *name;
	bool terminal;
	struct hull_error *err;
};

static void on_list(void *ctx, const Hull__Agent__V1__ListResponse *list,
		    const struct hull_error *error)
{
	const Hull__Agent__V1__SessionState *found = NULL;
	struct search *s = ctx;

	for (size_t i = 0; list && i < list->n_sessions; i++)
		if (!*list->sessions[i]->container_id &&
		    !strcmp(list->sessions[i]->exec_id, s->name))
			found = list->sessions[i];
	if (error) {
		hull_fail_copy(&s->err, error);
	} else if (!found) {
		hull_fail_cause(&s->err, HULL_E_NOT_FOUND, "no-such-session",
				"there is no session '%s'", s->name);
		hull_hint(&s->err, "'hull ps' lists them; one whose status was told is gone");
	} else if (!strcmp(found->state, "created")) {
		hull_fail_cause(&s->err, HULL_E_STATE, "not-started",
				"session '%s' was never started", s->name);
	} else {
		s->terminal = found->terminal;
	}
	hull_loop_quit(s->loop, 0);
}

int hull_sessions_find(struct hull_loop *loop, const char *vsock, const char *name,
		       uint64_t deadline_ns, bool *ret_terminal, struct hull_error **err)
{
	struct search s = {.loop = loop, .name = name};
	struct hull_sessions_call *c;
	int r;

	if (hull_sessions_ask(loop, vsock, deadline_ns, on_list, &s, &c, err) < 0)
		return -1;
	r = hull_loop_run(loop);
	hull_sessions_call_free(c);
	if (r < 0 && !s.err)
		return hull_fail_errno(err, -r, "event loop");
	if (s.err)
		return hull_error_move(err, &s.err);
	*ret_terminal = s.terminal;
	return 0;
}
