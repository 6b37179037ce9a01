/* SPDX-License-Identifier: Apache-2.0
 *
 * Who types on a console, see typist.h: a call to the monitor that is answered at once, and then,
 * for ever, one that is answered when something has changed.
 */
#define _GNU_SOURCE
#include "vm/typist.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/text.h"
#include "monitor.pb-c.h"
#include "monitor/rpc.h"
#include "vm/catalogue.h"
#include "vm/states.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "hull.monitor.v1.Monitor"

struct hull_typist {
	struct hull_typist_name name;
	const struct hull_typist_ops *ops;
	void *ctx;
	struct hull_rpc *rpc;
	struct hull_source *again;
	uint64_t until_ns; /* for the monitor to have seen the connection */
	bool take, known, writes;
};

/* ---- finding ---- */

int hull_typist_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
		     uint64_t deadline_ns, struct hull_record *ret_vm, char **ret_path,
		     struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	char *path, shown[13];
	const char *unused;

	if (hull_catalogue_find(store, loop, ref, deadline_ns, &r, err) < 0)
		return -1;
	snprintf(shown, sizeof(shown), "%.12s", r.id);
	if (hull_states_rule(HULL_VERB_CONSOLE, r.state, r.name ? r.name : shown, &unused, err) ==
	    HULL_RULING_REFUSED)
		return -1;
	path = r.run_dir ? hull_path_join(r.run_dir, "console.sock") : NULL;
	if (!path)
		return hull_fail_nomem(err);
	*ret_vm = r;
	r = (struct hull_record){0};
	*ret_path = path;
	return 0;
}

bool hull_typist_socket_comes(const struct hull_record *vm, const char *path)
{
	return vm->state == HULL_VM_STARTING && access(path, F_OK) < 0;
}

int hull_typist_name(struct hull_typist_name *ret, struct hull_error **err)
{
	unsigned char random[16];
	char hex[2 * sizeof(random) + 1];

	if (hull_random(random, sizeof(random)) < 0)
		return hull_fail(err, HULL_E_OS, "make a name for the connection");
	hull_hex(random, sizeof(random), hex);
	snprintf(ret->text, sizeof(ret->text), "hull-console-%s", hex);
	return 0;
}

/* ---- asking ---- */

static void ask(struct hull_typist *t, bool wait);

static void on_answer(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Monitor__V1__ConsoleResponse *r = (const void *)reply;
	struct hull_typist *t = ctx;

	if (error && !t->known && !strcmp(hull_error_cause(error), "no-such-client") &&
	    hull_ms_left(t->until_ns)) {
		hull_source_arm(t->again, hull_deadline_ms(HULL_TYPIST_AGAIN_MS));
		return;
	}
	if (error) {
		t->ops->failed(t->ctx, error);
		return;
	}
	t->known = true;
	t->writes = r->writes;
	t->ops->writes(t->ctx, t->writes);
	ask(t, true);
}

static void ask(struct hull_typist *t, bool wait)
{
	Hull__Monitor__V1__ConsoleRequest rq = HULL__MONITOR__V1__CONSOLE_REQUEST__INIT;

	rq.name = t->name.text;
	rq.take = t->take && !wait;
	rq.wait = wait;
	rq.writes = t->writes;
	hull_rpc_call(t->rpc, SERVICE, "Console", &rq.base,
		      &hull__monitor__v1__console_response__descriptor,
		      wait ? 0 : hull_deadline_ms(HULL_TYPIST_ANSWER_MS), on_answer, t);
}

static void on_again(void *ctx)
{
	ask(ctx, false);
}

static int connect_monitor(struct hull_typist *t, struct hull_loop *loop, const char *run_dir,
			   struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(run_dir, "control.sock");
	int fd = path ? hull_unix_connect_now(path) : -ENOMEM;

	if (fd < 0)
		return hull_fail_errno(err, -fd, "connect to the VM's monitor");
	return hull_rpc_new(loop, fd, NULL, NULL, &t->rpc, err);
}

int hull_typist_new(struct hull_loop *loop, const char *run_dir,
		    const struct hull_typist_name *name, bool take,
		    const struct hull_typist_ops *ops, void *ctx, struct hull_typist **ret,
		    struct hull_error **err)
{
	struct hull_typist *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return hull_fail_nomem(err);
	t->name = *name;
	t->take = take;
	t->ops = ops;
	t->ctx = ctx;
	t->until_ns = hull_deadline_ms(HULL_TYPIST_SOCKET_MS);
	r = hull_loop_add_timer(loop, on_again, t, &t->again);
	if (r < 0)
		hull_fail_errno(err, -r, "set up the event loop");
	if (r < 0 || connect_monitor(t, loop, run_dir, err) < 0) {
		hull_typist_free(t);
		return -1;
	}
	hull_source_arm(t->again, 1);
	*ret = t;
	return 0;
}

void hull_typist_free(struct hull_typist *t)
{
	if (!t)
		return;
	hull_rpc_free(t->rpc);
	hull_source_remove(&t->again);
	free(t);
}
