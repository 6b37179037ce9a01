/* SPDX-License-Identifier: Apache-2.0
 *
 * Files into and out of VMs.  See hull/sessions.h for every function.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/options.h"

#include "base/os.h"
#include "vm/copy.h"

#include <hull/sessions.h>
#include <signal.h>
#include <time.h>

#define GRACE_MS 100

struct copying {
	struct hull_lib_call call;
	struct hull_vms_copy_options o;
	struct hull_used vm;
};

static void copying_fini(struct copying *c)
{
	hull_used_fini(&c->vm);
	hull_lib_call_end(&c->call);
}

static void on_note(void *ctx, const char *text)
{
	struct copying *c = ctx;

	if (c->o.note)
		c->o.note(c->o.ctx, text);
}

static void on_progress(void *ctx, uint64_t files, uint64_t bytes)
{
	struct copying *c = ctx;

	if (c->o.progress)
		c->o.progress(c->o.ctx, files, bytes);
}

static unsigned int given_up(void *ctx)
{
	struct copying *c = ctx;

	return c->call.canceled;
}

/* A reader that is gone is an error and no signal, which the caller might die of. */
static int run_unsignalled(struct copying *c, const struct hull_copy *copy, struct hull_error **err)
{
	static const struct timespec at_once = {0};
	sigset_t pipe, before, pending;
	bool was_pending;
	int r;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	r = hull_copy_run(c->call.store, c->call.loop, &c->vm, copy, err);
	if (!was_pending)
		while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int copy(struct hull_vms *vms, const char *ref, struct hull_copy *copy,
		const struct hull_vms_copy_options *options, struct hull_error **err)
{
	cleanup_with(copying_fini) struct copying c = {.call.vms = vms};
	uint64_t soon;

	if (hull_lib_options_copy(options, &c.o, sizeof(c.o), err) < 0)
		return -1;
	if (hull_lib_call_begin_within(&c.call, vms, c.o.timeout_ms, 0, c.o.cancel, err) < 0)
		return -1;
	soon = hull_deadline_ms(HULL_LIB_LOOK_MS);
	if (c.call.deadline_ns)
		soon = MIN(soon, c.call.deadline_ns);
	if (hull_lib_call_result(&c.call,
				 hull_use_find(c.call.store, c.call.loop, ref, soon, &c.vm, err),
				 err) < 0)
		return -1;
	copy->owners = c.o.owners;
	copy->follow = c.o.follow;
	copy->deadline_ns = c.call.deadline_ns;
	copy->grace_ms = GRACE_MS;
	copy->note = on_note;
	copy->progress = on_progress;
	copy->given_up = given_up;
	copy->ctx = &c;
	return hull_lib_call_result(&c.call, run_unsignalled(&c, copy, err), err);
}

static int check(const char *source, const char *target, struct hull_error **err)
{
	if (source && *source && target && *target)
		return 0;
	return hull_fail(err, HULL_E_INVALID, "a path is missing");
}

static int check_fd(int fd, struct hull_error **err)
{
	return fd >= 0 ? 0 : hull_fail(err, HULL_E_INVALID, "%d is no descriptor", fd);
}

int hull_vms_copy_in(struct hull_vms *vms, const char *ref, const char *source, const char *target,
		     const struct hull_vms_copy_options *options, struct hull_error **err)
{
	struct hull_copy c = {.into = true, .inside = target, .outside = source, .fd = -1};

	return check(source, target, err) < 0 ? -1 : copy(vms, ref, &c, options, err);
}

int hull_vms_copy_out(struct hull_vms *vms, const char *ref, const char *source, const char *target,
		      const struct hull_vms_copy_options *options, struct hull_error **err)
{
	struct hull_copy c = {.inside = source, .outside = target, .fd = -1};

	return check(source, target, err) < 0 ? -1 : copy(vms, ref, &c, options, err);
}

int hull_vms_unpack(struct hull_vms *vms, const char *ref, int fd, const char *target,
		    const struct hull_vms_copy_options *options, struct hull_error **err)
{
	struct hull_copy c = {.into = true, .inside = target, .fd = fd};

	return check(target, target, err) < 0 || check_fd(fd, err) < 0
		       ? -1
		       : copy(vms, ref, &c, options, err);
}

int hull_vms_pack(struct hull_vms *vms, const char *ref, const char *source, int fd,
		  const struct hull_vms_copy_options *options, struct hull_error **err)
{
	struct hull_copy c = {.inside = source, .fd = fd};

	return check(source, source, err) < 0 || check_fd(fd, err) < 0
		       ? -1
		       : copy(vms, ref, &c, options, err);
}
