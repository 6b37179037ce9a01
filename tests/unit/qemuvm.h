/* SPDX-License-Identifier: Apache-2.0
 *
 * A QEMU that is driven, with its events as text and its console.  Include unit.h first.
 */
#ifndef HULL_TESTS_QEMUVM_H
#define HULL_TESTS_QEMUVM_H

#include "backend/backend.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "config/config.h"

#include <sys/socket.h>

#define ID "00112233445566778899aabbccddeeff"
#define NOBODY 65534

static char dir[] = "/tmp/hull-test-XXXXXX";

struct vm {
	struct hull_loop *loop;
	struct hull_config config;
	struct hull_inst *inst;
	struct hull_strbuf log; /* events, each ended by ';' */
	char *message, *tail;	/* of the exit */
	enum hull_end end;
	int wstatus, console;
	bool exited, free_on_exit;
};

static inline void vm_ready(void *ctx)
{
	hull_strbuf_adds(&((struct vm *)ctx)->log, "ready;");
}

static inline void vm_paused(void *ctx, bool paused)
{
	hull_strbuf_adds(&((struct vm *)ctx)->log, paused ? "paused;" : "resumed;");
}

static inline void vm_ending(void *ctx, enum hull_end end)
{
	hull_strbuf_addf(&((struct vm *)ctx)->log, "ending %s;", hull_end_name(end));
}

static inline void vm_reset(void *ctx)
{
	hull_strbuf_adds(&((struct vm *)ctx)->log, "reset;");
}

static inline void vm_exited(void *ctx, const struct hull_backend_exit *e)
{
	struct vm *v = ctx;

	assert_false(v->exited);
	v->exited = true;
	v->end = e->end;
	v->wstatus = e->wstatus;
	v->tail = strdup(e->stderr_tail);
	v->message = strdup(hull_error_message(e->error));
	hull_strbuf_addf(&v->log, "exited %s;", hull_end_name(e->end));
	if (v->free_on_exit)
		hull_inst_freep(&v->inst);
}

static inline void vm_done(void *ctx, const struct hull_error *err)
{
	hull_strbuf_addf(&((struct vm *)ctx)->log, "done %s;", hull_error_message(err));
}

static const struct hull_backend_events events = {
	.ready = vm_ready,
	.paused = vm_paused,
	.ending = vm_ending,
	.reset = vm_reset,
	.exited = vm_exited,
};

/* @more: further members of the description. */
static inline void vm_init(struct vm *v, const char *more, bool set_ids)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	struct hull_backend_env env = {
		.events = &events, .ctx = v, .set_ids = set_ids, .uid = NOBODY, .gid = NOBODY};

	*v = (struct vm){.console = -1};
	hull_strbuf_addf(&text,
			 "{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"agent\":\"none\","
			 "\"memory\":\"64M\",\"accel\":\"tcg\",\"kernel\":\"%s/kernel\","
			 "\"scratch_dir\":\"%s\"%s%s}",
			 dir, dir, *more ? "," : "", more);
	if (hull_config_from_json(text.data, text.len, &v->config, &err) < 0 ||
	    hull_config_validate(&v->config, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(hull_loop_new(&v->loop, NULL), 0);
	env.loop = v->loop;
	if (hull_backend_find("qemu")->create(&env, &v->config, &v->inst, &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

/* Takes @display_fd, where viewers are to find the screen. */
static inline void vm_start_displayed(struct vm *v, int display_fd)
{
	cleanup_sockets struct hull_backend_sockets sockets;
	cleanup_error struct hull_error *err = NULL;

	hull_backend_sockets_init(&sockets);
	sockets.display = display_fd;
	if (v->inst->ops->start(v->inst, &sockets, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_true(v->inst->ops->pid(v->inst) > 0);
	v->console = v->inst->ops->take_stream(v->inst, HULL_STREAM_CONSOLE);
	assert_true(v->console >= 0);
	assert_int_equal(v->inst->ops->take_stream(v->inst, HULL_STREAM_CONSOLE), -1);
}

static inline void vm_start(struct vm *v)
{
	vm_start_displayed(v, -1);
}

static inline void vm_fini(struct vm *v)
{
	hull_inst_freep(&v->inst);
	hull_loop_free(v->loop);
	hull_config_fini(&v->config);
	hull_strbuf_fini(&v->log);
	hull_closep(&v->console);
	free(v->message);
	free(v->tail);
}

/* Runs the loop until the log holds @what. */
static inline void vm_until(struct vm *v, const char *what)
{
	uint64_t deadline = hull_deadline_ms(20000);

	while (!strstr(hull_strbuf_str(&v->log), what)) {
		if (!hull_ms_left(deadline))
			fail_msg("no '%s' in '%s'", what, hull_strbuf_str(&v->log));
		assert_int_equal(hull_loop_step(v->loop, hull_ms_left(deadline)), 0);
	}
}

/* The next @n bytes of the console. */
static inline void assert_console(struct vm *v, const char *text)
{
	uint64_t deadline = hull_deadline_ms(20000);
	size_t len = strlen(text), got = 0;
	char buf[64];

	assert_true(len < sizeof(buf));
	while (got < len && hull_ms_left(deadline)) {
		ssize_t n = recv(v->console, buf + got, len - got, MSG_DONTWAIT);

		if (n > 0)
			got += (size_t)n;
		else
			assert_int_equal(hull_loop_step(v->loop, 5), 0);
	}
	buf[got] = '\0';
	assert_string_equal(buf, text);
}

#endif
