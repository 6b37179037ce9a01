/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance's start, its end, and waiting for either.  See hull/instance.h for every function.
 */
#define _GNU_SOURCE
#include "lib/instance.h"

#include "lib/options.h"

#include "base/os.h"

#include <string.h>

#define START_MS 60000
#define END_MS 20000
#define KILL_MS 5000 /* of those, for what has to be killed */

/* ---- the VM ---- */

static void on_ready(void *ctx, const struct hull_error *error)
{
	struct hull_instance *i = ctx;

	if (!error)
		i->ready = true;
	else if (!i->failure)
		hull_fail_copy(&i->failure, error);
}

static void on_ended(void *ctx, const struct hull_vm_end *end)
{
	struct hull_instance *i = ctx;

	i->ended = true;
	i->reason = strdup(end->reason);
}

/* What comes at once, the socket has kept. */
static void on_listening(void *ctx)
{
	struct hull_instance *i = ctx;

	(void)hull_lib_console_start(&i->console, hull_vm_console(i->vm), &i->failure);
}

static const struct hull_vm_ops vm_ops = {.ready = on_ready, .ended = on_ended, .no_child = true};
static const struct hull_vm_ops shown_ops = {
	.listening = on_listening, .ready = on_ready, .ended = on_ended, .no_child = true};

/* Until nothing of it is left: asked, and then killed. */
static int end_vm(struct hull_instance *i, uint64_t stop_ms, struct hull_error **err)
{
	struct hull_lib_patience p = {.what = "end the VM"};
	cleanup_error struct hull_error *late = NULL;

	p.deadline_ns = hull_deadline_ms(stop_ms + END_MS - KILL_MS);
	if (i->vm && !i->ended)
		hull_vm_stop(i->vm, stop_ms);
	while (i->vm && !i->ended && hull_lib_turn(&i->turns, &p, &late) == 0)
		;
	if (i->vm && !i->ended) {
		hull_vm_kill(i->vm);
		p.deadline_ns = hull_deadline_ms(KILL_MS);
		while (!i->ended && hull_lib_turn(&i->turns, &p, err) == 0)
			;
	}
	hull_lib_client_disconnect(&i->client);
	pthread_mutex_unlock(&i->lock); /* what is shown may ask something yet */
	hull_lib_console_end(&i->console);
	pthread_mutex_lock(&i->lock);
	if (i->vm && !i->ended)
		return -1;
	hull_vm_free(steal_ptr(&i->vm));
	return 0;
}

/* ---- start ---- */

static int begin(struct hull_instance *i, const struct hull_start_options *o,
		 struct hull_error **err)
{
	if (hull_lib_instance_args(i, o->init_args, o->n_init_args, err) < 0 ||
	    hull_loop_new(&i->turns.loop, err) < 0)
		return -1;
	i->config.boot_timeout_ms = o->timeout_ms ? o->timeout_ms : START_MS;
	i->console.fn = o->console;
	i->console.context = o->context;
	return hull_vm_start(i->turns.loop, &i->config, o->console ? &shown_ops : &vm_ops, i,
			     &i->vm, err);
}

/* Whoever gives up on it, or shuts it down, ends the wait; the monitor keeps the time. */
static int wait_ready(struct hull_instance *i, const struct hull_cancel *cancel,
		      struct hull_error **err)
{
	const struct hull_lib_patience p = {
		.what = "start the VM", .cancel = cancel, .abort = i->abort};

	while (!i->ready && !i->failure && !i->ended)
		if (hull_lib_turn(&i->turns, &p, err) < 0)
			return -1;
	if (i->failure)
		return hull_error_move(err, &i->failure);
	return i->ready ? hull_lib_client_init(&i->client, hull_vm_vsock(i->vm), err)
			: hull_fail_cause(err, HULL_E_BACKEND, "monitor-died",
					  "the VM ended while it started");
}

int hull_instance_start(struct hull_instance *instance, const struct hull_start_options *options,
			struct hull_error **err)
{
	HULL_LIB_INSTANCE_LOCKED(i, instance);
	struct hull_start_options o;
	int r;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0 ||
	    hull_lib_instance_check(i, HULL_LIB_INSTANCE_NEW, err) < 0)
		return -1;
	i->state = HULL_LIB_INSTANCE_STARTING;
	r = begin(i, &o, err);
	if (r == 0)
		r = wait_ready(i, o.cancel, err);
	if (r < 0)
		(void)end_vm(i, 0, NULL);
	i->state = r < 0 ? HULL_LIB_INSTANCE_FAILED : HULL_LIB_INSTANCE_RUNNING;
	pthread_cond_broadcast(&i->settled);
	return r;
}

/* ---- while it runs ---- */

struct hull_client *hull_instance_client(struct hull_instance *instance)
{
	HULL_LIB_INSTANCE_LOCKED(i, instance);

	return i->state == HULL_LIB_INSTANCE_RUNNING ? &i->client : NULL;
}

int hull_instance_start_stream(struct hull_instance *instance, const char *id,
			       const struct hull_call_options *options, int *ret_fd,
			       struct hull_error **err)
{
	int r;

	pthread_mutex_lock(&instance->lock);
	r = hull_lib_instance_check(instance, HULL_LIB_INSTANCE_RUNNING, err);
	pthread_mutex_unlock(&instance->lock);
	/* The path stays as long as the instance. */
	return r < 0 ? -1 : hull_lib_dial(instance->client.vsock, id, options, ret_fd, err);
}

int hull_instance_wait(struct hull_instance *instance, const struct hull_call_options *options,
		       const char **ret_reason, struct hull_error **err)
{
	HULL_LIB_INSTANCE_LOCKED(i, instance);
	struct hull_lib_patience p = {.what = "wait for the VM's end"};
	struct hull_call_options o;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	if (i->state != HULL_LIB_INSTANCE_DOWN &&
	    hull_lib_instance_check(i, HULL_LIB_INSTANCE_RUNNING, err) < 0)
		return -1;
	p.deadline_ns = hull_lib_deadline(o.timeout_ms, 0);
	p.cancel = o.cancel;
	while (i->vm && !i->ended)
		if (hull_lib_turn(&i->turns, &p, err) < 0)
			return -1;
	if (ret_reason)
		*ret_reason = i->reason ? i->reason : "unknown";
	return 0;
}

/* ---- its end ---- */

int hull_instance_shutdown(struct hull_instance *instance,
			   const struct hull_shutdown_options *options, struct hull_error **err)
{
	HULL_LIB_INSTANCE_LOCKED(i, instance);
	struct hull_shutdown_options o;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	if (hull_lib_console_is_us(&i->console)) {
		hull_fail_cause(err, HULL_E_STATE, "in-callback",
				"the function that is given the console can't shut the VM down: "
				"its end is waited for");
		hull_hint(err, "have another thread do it");
		return -1;
	}
	hull_cancel(i->abort);
	while (i->state == HULL_LIB_INSTANCE_STARTING)
		pthread_cond_wait(&i->settled, &i->lock);
	if (i->state == HULL_LIB_INSTANCE_DOWN)
		return hull_lib_instance_refuse(i, err);
	i->state = HULL_LIB_INSTANCE_DOWN;
	return end_vm(i, MIN(o.stop_ms, HULL_LIB_STOP_MAX_MS), err);
}

void hull_instance_free(struct hull_instance *i)
{
	if (!i || hull_lib_console_is_us(&i->console)) /* rather lost than freed under ourselves */
		return;
	if (i->state != HULL_LIB_INSTANCE_DOWN && i->abort)
		(void)hull_instance_shutdown(i, NULL, NULL);
	hull_vm_free(i->vm);
	hull_loop_free(i->turns.loop);
	hull_lib_client_fini(&i->client);
	hull_closep(&i->lock_fd);
	hull_cancel_free(i->abort);
	hull_error_free(i->failure);
	hull_config_fini(&i->config);
	pthread_cond_destroy(&i->settled);
	pthread_mutex_destroy(&i->lock);
	free(i->reason);
	free(i);
}
