/* SPDX-License-Identifier: Apache-2.0
 *
 * What VMs say on their consoles, and what is typed there.  See hull/observe.h for every function.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/options.h"

#include "base/os.h"
#include "vm/catalogue.h"
#include "vm/follow.h"
#include "vm/typist.h"

#include <hull/observe.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- logs ---- */

struct reading {
	struct hull_lib_call call;
	struct hull_vms_logs_options o;
	hull_vms_log_fn fn;
	void *ctx;
	bool enough; /* the caller has said so */
	struct hull_logs *logs;
	struct hull_follow *follow;
	struct hull_error *err; /* of following */
};

static void reading_fini(struct reading *r)
{
	hull_follow_free(r->follow);
	hull_logs_free(r->logs);
	hull_lib_call_end(&r->call);
	hull_error_free(r->err);
}

static void on_piece(void *ctx, const struct hull_logs_piece *p)
{
	struct reading *r = ctx;
	const struct hull_log_piece piece = {
		.size = sizeof(piece),
		.data = p->data,
		.len = p->len,
		.begins = p->begins,
		.time_ns = p->time_ns,
		.lost_bytes = p->lost,
	};

	if (!r->enough && !hull_lib_call_canceled(&r->call))
		r->enough = r->fn(r->ctx, &piece) != 0;
}

static void on_idle(void *ctx)
{
	struct reading *r = ctx;

	if (r->enough)
		hull_loop_quit(r->call.loop, 0);
}

static void on_over(void *ctx, const struct hull_error *error)
{
	struct reading *r = ctx;

	if (error)
		hull_fail_copy(&r->err, error);
	hull_loop_quit(r->call.loop, 0);
}

static int follow(struct reading *r, const char *id, struct hull_error **err)
{
	static const struct hull_follow_ops ops = {
		.piece = on_piece, .idle = on_idle, .over = on_over};

	if (hull_follow_new(r->call.loop, r->call.store, id, r->logs, r->o.beyond, &ops, r,
			    &r->follow, err) < 0 ||
	    hull_lib_call_run(&r->call, "follow the log", err) < 0)
		return -1;
	return r->err ? hull_error_move(err, &r->err) : 0;
}

static int read_log(struct reading *r, const char *ref, struct hull_error **err)
{
	cleanup_record struct hull_record vm = {0};

	if (hull_catalogue_find(r->call.store, r->call.loop, ref,
				r->call.deadline_ns ? r->call.deadline_ns
						    : hull_deadline_ms(HULL_LIB_LOOK_MS),
				&vm, err) < 0 ||
	    hull_logs_open(vm.id, &r->logs, err) < 0)
		return -1;
	if (r->o.since_ns)
		hull_logs_since(r->logs, r->o.since_ns);
	if (r->o.tail &&
	    hull_logs_tail(r->logs, r->o.tail == HULL_LOGS_TAIL_NONE ? 0 : r->o.tail, err) < 0)
		return -1;
	return r->o.follow ? follow(r, vm.id, err) : hull_logs_read(r->logs, on_piece, r, err);
}

int hull_vms_logs(struct hull_vms *vms, const char *ref,
		  const struct hull_vms_logs_options *options, hull_vms_log_fn fn, void *ctx,
		  struct hull_error **err)
{
	cleanup_with(reading_fini) struct reading r = {.call.vms = vms, .fn = fn, .ctx = ctx};

	if (hull_lib_options_copy(options, &r.o, sizeof(r.o), err) < 0)
		return -1;
	if (hull_lib_call_begin_within(&r.call, vms, r.o.timeout_ms,
				       r.o.follow ? 0 : HULL_LIB_LOOK_MS, r.o.cancel, err) < 0)
		return -1;
	return hull_lib_call_result(&r.call, read_log(&r, ref, err), err);
}

/* ---- consoles ---- */

struct opening {
	struct hull_lib_call call;
	struct hull_vms_console_options o;
	struct hull_record vm;
	char *path;
	int fd; /* owned */
	struct hull_source *again;
	struct hull_typist *typist;
	bool writes;
	struct hull_error *err;
};

static void opening_fini(struct opening *c)
{
	hull_typist_free(c->typist);
	hull_source_remove(&c->again);
	hull_closep(&c->fd);
	hull_lib_call_end(&c->call);
	hull_record_fini(&c->vm);
	free(c->path);
	hull_error_free(c->err);
}

static void on_again(void *ctx)
{
	struct opening *c = ctx;

	if (hull_typist_socket_comes(&c->vm, c->path))
		hull_source_arm(c->again, hull_deadline_ms(HULL_TYPIST_AGAIN_MS));
	else
		hull_loop_quit(c->call.loop, 0);
}

static int await_socket(struct opening *c, struct hull_error **err)
{
	int r = hull_loop_add_timer(c->call.loop, on_again, c, &c->again);

	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	hull_source_arm(c->again, 1);
	return hull_lib_call_run(&c->call, "wait for the VM's console", err);
}

static void on_writes(void *ctx, bool writes)
{
	struct opening *c = ctx;

	c->writes = writes;
	hull_loop_quit(c->call.loop, 0);
}

static void on_failed(void *ctx, const struct hull_error *error)
{
	struct opening *c = ctx;

	hull_fail_copy(&c->err, error);
	hull_loop_quit(c->call.loop, 0);
}

/* Without waiting for a monitor that is stopped; for a caller who does wait. */
static int connect_to(struct opening *c, const char *name, struct hull_error **err)
{
	int fd = name ? hull_unix_connect_as(name, c->path) : hull_unix_connect_now(c->path);

	if (fd < 0)
		return hull_fail_errno(err, -fd, "connect to the console at '%s'", c->path);
	c->fd = fd;
	fd = hull_set_nonblock(fd, false);
	return fd < 0 ? hull_fail_errno(err, -fd, "open the console") : 0;
}

static int connect_writer(struct opening *c, struct hull_error **err)
{
	static const struct hull_typist_ops ops = {.writes = on_writes, .failed = on_failed};
	struct hull_typist_name name;

	if (hull_typist_name(&name, err) < 0)
		return -1;
	if (connect_to(c, name.text, err) < 0 ||
	    hull_typist_new(c->call.loop, c->vm.run_dir, &name, c->o.take, &ops, c, &c->typist,
			    err) < 0 ||
	    hull_lib_call_run(&c->call, "ask who types on the console", err) < 0)
		return -1;
	if (c->err)
		return hull_error_move(err, &c->err);
	if (c->writes)
		return 0;
	hull_fail(err, HULL_E_BUSY, "somebody else types on the console of VM '%s'",
		  c->vm.name ? c->vm.name : c->vm.id);
	hull_hint(err, "take it over, or only read");
	return -1;
}

/* The other side is told that nothing will be typed. */
static int connect_reader(struct opening *c, struct hull_error **err)
{
	if (connect_to(c, NULL, err) < 0)
		return -1;
	return shutdown(c->fd, SHUT_WR) < 0 ? hull_fail_errno(err, errno, "open the console") : 0;
}

static int open_console(struct opening *c, const char *ref, struct hull_error **err)
{
	if (hull_typist_find(c->call.store, c->call.loop, ref, c->call.deadline_ns, &c->vm,
			     &c->path, err) < 0 ||
	    await_socket(c, err) < 0)
		return -1;
	return c->o.write ? connect_writer(c, err) : connect_reader(c, err);
}

int hull_vms_console(struct hull_vms *vms, const char *ref,
		     const struct hull_vms_console_options *options, int *ret_fd,
		     struct hull_error **err)
{
	cleanup_with(opening_fini) struct opening c = {.call.vms = vms, .fd = -1};

	if (hull_lib_options_copy(options, &c.o, sizeof(c.o), err) < 0)
		return -1;
	if (hull_lib_call_begin_within(&c.call, vms, c.o.timeout_ms, HULL_LIB_LOOK_MS, c.o.cancel,
				       err) < 0 ||
	    hull_lib_call_result(&c.call, open_console(&c, ref, err), err) < 0)
		return -1;
	*ret_fd = steal_fd(&c.fd);
	return 0;
}
