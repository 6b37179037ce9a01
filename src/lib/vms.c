/* SPDX-License-Identifier: Apache-2.0
 *
 * The handle on the store, calls through it, and what they look up there and write down.  See
 * hull/vms.h for every function.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/handle.h"
#include "lib/options.h"

#include "base/os.h"
#include "vm/catalogue.h"
#include "vm/hullconf.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- giving up ---- */

struct hull_cancel {
	int fd; /* never read: once said it stays so */
};

int hull_cancel_new(struct hull_cancel **ret_cancel, struct hull_error **err)
{
	struct hull_cancel *c = malloc(sizeof(*c));

	if (!c)
		return hull_fail_nomem(err);
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->fd < 0) {
		free(c);
		return hull_fail_errno(err, errno, "make a way to cancel");
	}
	*ret_cancel = c;
	return 0;
}

void hull_cancel(struct hull_cancel *cancel)
{
	int kept = errno;

	(void)!write(cancel->fd, &(uint64_t){1}, sizeof(uint64_t)); /* full: said often enough */
	errno = kept;
}

void hull_cancel_free(struct hull_cancel *cancel)
{
	if (!cancel)
		return;
	close(cancel->fd);
	free(cancel);
}

/* ---- the handle ---- */

int hull_vms_new(struct hull_vms **ret_vms, struct hull_error **err)
{
	struct hull_vms *v = calloc(1, sizeof(*v));

	if (!v)
		return hull_fail_nomem(err);
	pthread_mutex_init(&v->lock, NULL);
	if (hull_settings_load(&v->settings, NULL, err) < 0 ||
	    hull_catalogue_open(hull_deadline_ms(HULL_LIB_LOOK_MS), &v->idle[0], err) < 0) {
		hull_vms_free(v);
		return -1;
	}
	v->n_idle = 1;
	*ret_vms = v;
	return 0;
}

void hull_vms_free(struct hull_vms *vms)
{
	if (!vms)
		return;
	while (vms->n_idle)
		hull_store_close(vms->idle[--vms->n_idle]);
	hull_settings_fini(&vms->settings);
	pthread_mutex_destroy(&vms->lock);
	free(vms);
}

/* ---- one call ---- */

static struct hull_store *take_idle(struct hull_vms *vms)
{
	struct hull_store *store = NULL;

	pthread_mutex_lock(&vms->lock);
	if (vms->n_idle)
		store = vms->idle[--vms->n_idle];
	pthread_mutex_unlock(&vms->lock);
	return store;
}

static void on_cancel(void *ctx, uint32_t events)
{
	struct hull_lib_call *call = ctx;

	call->canceled = true;
	hull_source_remove(&call->cancel); /* the loop may run again, to undo what was begun */
	hull_loop_quit(call->loop, -ECANCELED);
}

int hull_lib_cancel_fd(const struct hull_cancel *cancel)
{
	return cancel ? cancel->fd : -1;
}

int hull_lib_fail_canceled(struct hull_error **err)
{
	return hull_fail(err, HULL_E_CANCELED, "the call was cancelled");
}

static void on_late(void *ctx)
{
	struct hull_lib_call *call = ctx;

	hull_loop_quit(call->loop, -ETIMEDOUT);
}

/* Reading it would take it back. */
bool hull_lib_call_canceled(struct hull_lib_call *call)
{
	struct pollfd p = {.fd = hull_lib_cancel_fd(call->giving_up), .events = POLLIN};

	call->canceled = call->canceled || poll(&p, 1, 0) > 0;
	return call->canceled;
}

int hull_lib_call_begin_within(struct hull_lib_call *call, struct hull_vms *vms,
			       uint64_t timeout_ms, uint64_t default_ms,
			       const struct hull_cancel *cancel, struct hull_error **err)
{
	uint64_t ms = timeout_ms ? timeout_ms : default_ms;
	int r = 0;

	*call = (struct hull_lib_call){.vms = vms, .giving_up = cancel};
	call->deadline_ns = ms ? hull_deadline_ms(ms) : 0;
	if (hull_lib_call_canceled(call))
		return hull_lib_call_result(call, 0, err);
	call->store = take_idle(vms);
	if (call->store)
		hull_store_set_deadline(call->store, call->deadline_ns);
	else if (hull_catalogue_open(call->deadline_ns, &call->store, err) < 0)
		return -1;
	if (hull_loop_new(&call->loop, err) < 0)
		return -1;
	if (cancel)
		r = hull_loop_add_fd(call->loop, cancel->fd, EPOLLIN, on_cancel, call,
				     &call->cancel);
	if (r == 0)
		r = hull_loop_add_timer(call->loop, on_late, call, &call->late);
	return r < 0 ? hull_fail_errno(err, -r, "set up the event loop") : 0;
}

int hull_lib_call_begin(struct hull_lib_call *call, struct hull_vms *vms,
			const struct hull_verb_options *options, uint64_t default_ms,
			struct hull_error **err)
{
	struct hull_verb_options o;

	*call = (struct hull_lib_call){.vms = vms};
	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	return hull_lib_call_begin_within(call, vms, o.timeout_ms, default_ms, o.cancel, err);
}

int hull_lib_call_run(struct hull_lib_call *call, const char *what, struct hull_error **err)
{
	int r;

	hull_source_arm(call->late, call->deadline_ns);
	r = hull_loop_run(call->loop);
	hull_source_arm(call->late, 0);
	if (r == -ETIMEDOUT)
		return hull_fail_cause(err, HULL_E_TIMEOUT, "deadline",
				       "%s: not done in the time that was given", what);
	return r < 0 ? hull_fail_errno(err, -r, "%s", what) : 0;
}

int hull_lib_call_result(struct hull_lib_call *call, int r, struct hull_error **err)
{
	if (!call->canceled)
		return r;
	if (err)
		hull_error_free(steal_ptr(err));
	return hull_lib_fail_canceled(err);
}

void hull_lib_call_end(struct hull_lib_call *call)
{
	struct hull_vms *vms = call->vms;

	hull_source_remove(&call->cancel);
	hull_source_remove(&call->late);
	hull_loop_free(call->loop);
	pthread_mutex_lock(&vms->lock);
	if (call->store && vms->n_idle < HULL_LIB_IDLE_MAX)
		vms->idle[vms->n_idle++] = steal_ptr(&call->store);
	pthread_mutex_unlock(&vms->lock);
	hull_store_close(call->store);
}

/* ---- making ---- */

static int make_config(struct hull_vms *vms, struct hull_vm_config *config, struct hull_config *ret,
		       struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);

	ret->root.kind = HULL_ROOT_HOST;
	ret->root.cache = HULL_SHARE_CACHE_ALWAYS;
	hull_settings_begin(&vms->settings, ret);
	if (hull_lib_own_make(c, ret, NULL, err) < 0)
		return -1;
	if (ret->agent == HULL_AGENT_NONE || ret->arch != HULL_ARCH_HOST)
		ret->root.kind = HULL_ROOT_NONE;
	return hull_settings_complete(&vms->settings, ret) < 0 ? hull_fail_nomem(err) : 0;
}

int hull_vms_create(struct hull_vms *vms, struct hull_vm_config *config,
		    const struct hull_create_options *options, struct hull_vm_info **ret_info,
		    struct hull_error **err)
{
	cleanup_labels struct hull_labels labels = {0};
	cleanup_record struct hull_record r = {0};
	cleanup_lib_call struct hull_lib_call call;
	cleanup_config struct hull_config made;
	struct hull_create_options o;
	char id[HULL_STORE_ID_LEN + 1];

	hull_config_init(&made);
	if (hull_lib_call_begin(&call, vms, NULL, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_lib_options_copy(options, &o, sizeof(o), err) < 0 ||
	    hull_lib_labels(o.labels, o.n_labels, false, &labels, err) < 0 ||
	    make_config(vms, config, &made, err) < 0 ||
	    hull_catalogue_create(call.store, &made, vms->settings.guest_dir,
				  o.name && *o.name ? o.name : NULL, &labels, id, err) < 0)
		return -1;
	if (!ret_info)
		return 0;
	if (hull_store_find(call.store, id, &r, err) < 0)
		return -1;
	*ret_info = hull_lib_info(&r);
	return *ret_info ? 0 : hull_fail_nomem(err);
}

/* ---- looking ---- */

int hull_vms_inspect(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		     struct hull_vm_info **ret_info, struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	cleanup_lib_call struct hull_lib_call call;

	if (hull_lib_call_begin(&call, vms, options, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_lib_call_result(
		    &call,
		    hull_catalogue_find(call.store, call.loop, ref, call.deadline_ns, &r, err),
		    err) < 0)
		return -1;
	*ret_info = hull_lib_info(&r);
	return *ret_info ? 0 : hull_fail_nomem(err);
}

int hull_vms_list(struct hull_vms *vms, const struct hull_verb_options *options,
		  struct hull_vm_info ***ret_infos, size_t *ret_n, struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	cleanup_error struct hull_error *trouble = NULL;
	cleanup_lib_call struct hull_lib_call call;

	if (hull_lib_call_begin(&call, vms, options, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_lib_call_result(&call,
				 hull_catalogue_list(call.store, call.loop, call.deadline_ns, &list,
						     &trouble, err),
				 err) < 0 ||
	    hull_lib_infos(&list, ret_infos, err) < 0)
		return -1;
	*ret_n = list.n;
	return 0;
}

/* ---- what is written down ---- */

/* Both are one transaction, and change nothing that runs: no lock is needed. */
int hull_vms_rename(struct hull_vms *vms, const char *ref, const char *name,
		    struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	cleanup_lib_call struct hull_lib_call call;

	if (hull_lib_call_begin(&call, vms, NULL, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_store_find(call.store, ref, &r, err) < 0)
		return -1;
	return hull_store_rename(call.store, r.id, name, err);
}

int hull_vms_update(struct hull_vms *vms, const char *ref, const struct hull_vm_label *labels,
		    size_t n_labels, struct hull_error **err)
{
	cleanup_labels struct hull_labels set = {0};
	cleanup_record struct hull_record r = {0};
	cleanup_lib_call struct hull_lib_call call;

	if (hull_lib_call_begin(&call, vms, NULL, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_lib_labels(labels, n_labels, true, &set, err) < 0 ||
	    hull_store_find(call.store, ref, &r, err) < 0)
		return -1;
	return hull_store_set_labels(call.store, r.id, &set, err);
}
