/* SPDX-License-Identifier: Apache-2.0
 *
 * hullctl start, twice: VMs by the library's own start, tied or detached, and by hand.
 * hullctl ready: any number of calls at once that wait for readiness.
 */
#define _GNU_SOURCE
#include "hullctl.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/program.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "config/config.h"
#include "monitor.pb-c.h"
#include "vm/dirs.h"
#include "vm/rundir.h"
#include "vm/vm.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct vm_run {
	struct ctl *ctl;
	struct hull_vm *vm;
	struct hull_source *input, *signals;
	struct hull_error *err;
	bool tied;
};

static int make_config(struct ctl *c, bool tied, struct hull_config *config,
		       struct hull_error **err)
{
	const char *members = c->n_words ? hullctl_take_word(c) : NULL;
	const char *guest = getenv("HULL_GUEST_DIR");
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	(void)hull_strbuf_addf(&text, "{\"version\":1%s%s}", members ? "," : "",
			       members ? members : "");
	if (hull_config_from_json(hull_strbuf_str(&text), text.len, config, err) < 0)
		return -1;
	config->tied = tied;
	if (!config->kernel && hull_dirs_guest(guest, "vmlinux", &config->kernel, err) < 0)
		return -1;
	if (!config->initrd && hull_dirs_guest(guest, "initramfs", &config->initrd, err) < 0)
		return -1;
	return 0;
}

static void on_signal(void *ctx, int signo)
{
	struct vm_run *r = ctx;

	hull_vm_stop(r->vm, 0);
}

/* A tied VM ends with our input. */
static void on_input(void *ctx, uint32_t events)
{
	struct vm_run *r = ctx;
	char buf[64];

	if (read(STDIN_FILENO, buf, sizeof(buf)) > 0)
		return;
	hull_source_remove(&r->input);
	hull_vm_stop(r->vm, 0);
}

static void on_vm_ready(void *ctx, const struct hull_error *error)
{
	struct vm_run *r = ctx;

	if (error) {
		hull_fail_remote(&r->err, hull_error_code(error), hull_error_cause(error),
				 hull_error_message(error), hull_error_hint(error));
		hull_vm_stop(r->vm, 0);
		return;
	}
	printf("%s\n", hull_vm_dir(r->vm));
	(void)fflush(stdout);
	if (!r->tied)
		hull_loop_quit(r->ctl->loop, 0);
	else if (hull_loop_add_fd(r->ctl->loop, STDIN_FILENO, EPOLLIN, on_input, r, &r->input) < 0)
		hull_vm_stop(r->vm, 0);
}

static void on_vm_ended(void *ctx, const struct hull_vm_end *end)
{
	struct vm_run *r = ctx;

	printf("end=%s\nmessage=%s\n", end->reason, end->message);
	hull_loop_quit(r->ctl->loop, 0);
}

static const struct hull_vm_ops vm_ops = {.ready = on_vm_ready, .ended = on_vm_ended};

int hullctl_start_vm(struct ctl *c, struct hull_error **err)
{
	cleanup_config struct hull_config config = {0};
	static const int signals[] = {SIGTERM};
	struct vm_run r = {.ctl = c};
	int e;

	r.tied = !hullctl_take_flag(c, "--detached");
	if (make_config(c, r.tied, &config, err) < 0 ||
	    hull_vm_start(c->loop, &config, &vm_ops, &r, &r.vm, err) < 0)
		return -1;
	e = hull_loop_add_signals(c->loop, signals, ARRAY_SIZE(signals), on_signal, &r, &r.signals);
	if (e == 0)
		e = hull_loop_run(c->loop);
	hull_source_remove(&r.signals);
	hull_source_remove(&r.input);
	hull_vm_free(r.vm);
	if (e < 0)
		return hull_fail_errno(err, -e, "event loop");
	return r.err ? hull_error_move(err, &r.err) : 0;
}

/* As hull_vm_start() does it, but the connection stays ours. */
static int spawn_monitor(struct ctl *c, struct hull_rundir *dir, struct hull_child *ret_child,
			 struct hull_error **err)
{
	cleanup_free char *path = NULL;
	char *argv[] = {(char *)"hull-monitor", dir->id, NULL};
	int s[2], r;
	struct hull_fd_map fds[] = {{-1, 3}, {dir->lock_fd, 4}, {STDERR_FILENO, 2}};
	struct hull_spawn spec = {.argv = argv, .fds = fds, .n_fds = ARRAY_SIZE(fds)};

	if (hull_program_path("hull-monitor", &path, err) < 0)
		return -1;
	r = hull_socketpair(s);
	if (r < 0)
		return hull_fail_errno(err, -r, "make a socket");
	spec.path = path;
	fds[0].from = s[1];
	r = hull_spawn(&spec, ret_child, err);
	hull_closep(&s[1]);
	if (r < 0) {
		hull_closep(&s[0]);
		return -1;
	}
	return hull_rpc_new(c->loop, s[0], NULL, NULL, &c->rpc, err);
}

static int start_twice(struct ctl *c, struct hull_config *config, struct hull_rundir *dir,
		       struct hull_child *child, struct hull_error **err)
{
	Hull__Monitor__V1__StartRequest rq = HULL__MONITOR__V1__START_REQUEST__INIT;
	cleanup_free char *json = NULL;

	if (hull_rundir_create(NULL, dir, err) < 0)
		return -1;
	config->id = strdup(dir->id);
	config->run_dir = strdup(dir->path);
	if (!config->id || !config->run_dir)
		return hull_fail_nomem(err);
	if (spawn_monitor(c, dir, child, err) < 0 || hull_config_to_json(config, &json, err) < 0)
		return -1;
	rq.spec.data = (uint8_t *)json;
	rq.spec.len = strlen(json);
	c->service = HULLCTL_MONITOR;
	if (hullctl_call(c, "Start", &rq, &hull__monitor__v1__start_response__descriptor, NULL,
			 err) < 0)
		return hull_prefix(err, "first Start");
	return hullctl_call(c, "Start", &rq, &hull__monitor__v1__start_response__descriptor, NULL,
			    err);
}

int hullctl_start_twice(struct ctl *c, struct hull_error **err)
{
	cleanup_config struct hull_config config = {0};
	struct hull_rundir dir = {.lock_fd = -1};
	struct hull_child child = {.pidfd = -1};
	int r, wstatus;

	r = make_config(c, true, &config, err);
	if (r == 0)
		r = start_twice(c, &config, &dir, &child, err);
	hull_rpc_free(steal_ptr(&c->rpc)); /* tied: it ends now */
	if (child.pidfd >= 0)
		(void)hull_child_wait(child.pidfd, hull_deadline_ms(HULLCTL_CALL_MS), &wstatus);
	hull_closep(&child.pidfd);
	hull_rundir_fini(&dir);
	return r;
}

/* ---- ready ---- */

#define CODES_MAX 32
#define TIMES_MAX 10000

struct readiness {
	struct ctl *ctl;
	Hull__Monitor__V1__ReadyRequest rq;
	uint64_t times, open, ready;
	uint64_t failed[CODES_MAX]; /* by code */
	uint64_t at_ns;
	struct hull_error *err; /* the last one */
};

static void on_answer(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Monitor__V1__ReadyResponse *rs = (const void *)reply;
	struct readiness *r = ctx;

	r->open--;
	if (error) {
		r->failed[hull_error_code(error) % CODES_MAX]++;
		hull_error_free(r->err);
		r->err = NULL;
		hull_fail_copy(&r->err, error);
	} else {
		r->ready++;
		r->at_ns = rs->at_ns;
	}
	if (!r->open)
		hull_loop_quit(r->ctl->loop, 0);
}

static int parse_ready(struct readiness *r, const char **ret_waiting, struct hull_error **err)
{
	struct ctl *c = r->ctl;
	const char *what = hullctl_take_word(c);
	uint64_t number = 0, ms = 0;
	int e = 0;

	if (!strcmp(what, "network"))
		number = HULL__MONITOR__V1__READY_REQUEST__WHAT__NETWORK;
	else if (strcmp(what, "agent") != 0)
		e = hull_parse_u64(what, INT32_MAX, &number);
	if (c->n_words && **c->words != '-')
		e |= hull_parse_u64(hullctl_take_word(c), UINT32_MAX, &ms);
	if (hullctl_take_flag(c, "--times") && c->n_words)
		e |= hull_parse_u64(hullctl_take_word(c), TIMES_MAX, &r->times);
	if (hullctl_take_flag(c, "--waiting") && c->n_words)
		*ret_waiting = hullctl_take_word(c);
	r->rq.what = (Hull__Monitor__V1__ReadyRequest__What)number;
	r->rq.timeout_ns = ms * HULL_NS_PER_MS;
	return e || c->n_words ? hull_fail(err, HULL_E_INVALID, "words of 'ready'") : 0;
}

/* Calls of one connection are taken in order: once Status is answered, all of them are known. */
static int wait_ready(struct readiness *r, const char *waiting, struct hull_error **err)
{
	Hull__Monitor__V1__StatusRequest status = HULL__MONITOR__V1__STATUS_REQUEST__INIT;
	struct ctl *c = r->ctl;

	for (r->open = 0; r->open < r->times; r->open++)
		hull_rpc_call(c->rpc, c->service, "Ready", &r->rq.base,
			      &hull__monitor__v1__ready_response__descriptor, 0, on_answer, r);
	if (waiting && hullctl_call(c, "Status", &status,
				    &hull__monitor__v1__status_response__descriptor, NULL, err) < 0)
		return -1;
	if (waiting && hull_file_write(waiting, "", 0, 0600, false) < 0)
		return hull_fail(err, HULL_E_OS, "cannot write '%s'", waiting);
	while (r->open && hull_loop_run(c->loop) >= 0)
		;
	return 0;
}

/* One call: when it became ready, or the error.  Several: how many ended how. */
int hullctl_ready(struct ctl *c, struct hull_error **err)
{
	struct readiness r = {.ctl = c, .times = 1};
	const char *waiting = NULL;
	int e;

	hull__monitor__v1__ready_request__init(&r.rq);
	e = parse_ready(&r, &waiting, err);
	if (e == 0)
		e = wait_ready(&r, waiting, err);
	if (e == 0 && r.times == 1 && r.err)
		e = hull_error_move(err, &r.err);
	else if (e == 0 && r.times == 1)
		printf("at_ns=%" PRIu64 "\n", r.at_ns);
	else if (e == 0)
		printf("ready=%" PRIu64 "\n", r.ready);
	for (int i = 0; e == 0 && r.times > 1 && i < CODES_MAX; i++)
		if (r.failed[i])
			printf("%s=%" PRIu64 "\n", hull_code_name(i), r.failed[i]);
	hull_error_free(r.err);
	return e;
}
