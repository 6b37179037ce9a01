/* SPDX-License-Identifier: Apache-2.0
 *
 * Who types at the console, told and changed through the control socket.  Clients name their
 * connection to console.sock; a call that waits is kept until what it knows is not so any more.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor.pb-c.h"

#include <string.h>

#define WAITS_MAX 64

struct hull_typing_wait {
	struct hull_typing_wait *next;
	struct hull_ttrpc_call *call;
	bool writes; /* as its caller knows it */
	char name[HULL_UNIX_NAME_MAX + 1];
};

/* Answers unless what is known is so still. */
static bool answer(struct hull_monitor *m, struct hull_ttrpc_call *call, const char *name,
		   const bool *known)
{
	Hull__Monitor__V1__ConsoleResponse r = HULL__MONITOR__V1__CONSOLE_RESPONSE__INIT;
	int writes = m->console ? hull_console_writes(m->console, name) : -ENOENT;

	if (writes < 0) {
		hull_monitor_refuse(call, HULL_E_NOT_FOUND, "no-such-client",
				    "no client of the console that can type has this name");
		return true;
	}
	if (known && *known == (writes > 0))
		return false;
	r.writes = writes > 0;
	hull_monitor_reply(call, &r.base);
	return true;
}

static void keep(struct hull_monitor *m, struct hull_ttrpc_call *call,
		 const Hull__Monitor__V1__ConsoleRequest *rq)
{
	struct hull_typing_wait *w = m->n_typing_waits < WAITS_MAX ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		hull_monitor_refuse(call, HULL_E_EXHAUSTED, "", "too many wait for the console");
		return;
	}
	w->call = call;
	w->writes = rq->writes;
	memcpy(w->name, rq->name, strlen(rq->name) + 1);
	w->next = m->typing_waits;
	m->typing_waits = w;
	m->n_typing_waits++;
}

void hull_monitor_console(struct hull_monitor *m, struct hull_ttrpc_call *call,
			  const ProtobufCMessage *request)
{
	const Hull__Monitor__V1__ConsoleRequest *rq = (const void *)request;
	bool known = rq->writes;

	if (strlen(rq->name) > HULL_UNIX_NAME_MAX) {
		hull_monitor_refuse(call, HULL_E_INVALID, "", "the name is too long");
		return;
	}
	if (rq->take && m->console)
		(void)hull_console_take(m->console, rq->name); /* the answer tells */
	if (!answer(m, call, rq->name, rq->wait ? &known : NULL))
		keep(m, call, rq);
}

static void drop(struct hull_monitor *m, struct hull_typing_wait **p)
{
	struct hull_typing_wait *w = *p;

	*p = w->next;
	m->n_typing_waits--;
	free(w);
}

void hull_monitor_writer_changed(void *ctx)
{
	struct hull_monitor *m = ctx;
	struct hull_typing_wait **p = &m->typing_waits;

	while (*p) {
		if (answer(m, (*p)->call, (*p)->name, &(*p)->writes))
			drop(m, p);
		else
			p = &(*p)->next;
	}
}

void hull_monitor_forget_typing(struct hull_monitor *m, const struct hull_ttrpc_call *call)
{
	struct hull_typing_wait **p = &m->typing_waits;

	while (*p) {
		if ((*p)->call == call)
			drop(m, p);
		else
			p = &(*p)->next;
	}
}
