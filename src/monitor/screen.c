/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers may do with a guest's devices: take a picture of a screen, type, point, resize the
 * balloon.  Each asks the hypervisor and answers when that has.
 *
 * A picture goes through a file in memory: the hypervisor can't be kept from writing what it likes
 * there, so it is looked at before it is read.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "monitor.pb-c.h"
#include "proto/status.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PNG_MAX (HULL_TTRPC_MESSAGE_MAX - 4096)
#define WORDS_MAX 16
#define WORD_MAX 32
#define HOLD_MS 100
#define HOLD_MAX_MS 10000
#define BALLOON_LEAST (UINT64_C(1) << 20)

struct asked {
	struct hull_ttrpc_call *call; /* first; NULL: gone with its connection */
	const ProtobufCMessage *answer;
	int fd; /* of a picture */
};

static void refuse(struct hull_ttrpc_call *call, struct hull_error *err)
{
	hull_ttrpc_fail_error(call, err);
	hull_error_free(err);
}

/* NULL: the call has been answered. */
static struct asked *new_asked(struct hull_ttrpc_call *call, const void *answer)
{
	struct asked *a = calloc(1, sizeof(*a));

	if (!a) {
		hull_monitor_refuse(call, HULL_E_NOMEM, "", "out of memory");
		return NULL;
	}
	*a = (struct asked){.call = call, .answer = answer, .fd = -1};
	hull_ttrpc_set_user(call, a);
	return a;
}

static void asked_free(struct asked *a)
{
	hull_closep(&a->fd);
	free(a);
}

/* Where asking itself has failed. */
static void give_up(struct asked *a, struct hull_error *err)
{
	hull_ttrpc_set_user(a->call, NULL);
	refuse(a->call, err);
	asked_free(a);
}

static void on_done(void *ctx, const struct hull_error *err)
{
	struct asked *a = ctx;

	if (a->call && err)
		hull_ttrpc_fail_error(a->call, err);
	else if (a->call)
		hull_monitor_reply(a->call, a->answer);
	asked_free(a);
}

/* The nth device that @is so; *ret_index is its place in the list. */
static int find(const struct hull_monitor *m, bool (*is)(const struct hull_device *d), size_t nth,
		size_t *ret_index)
{
	for (size_t i = 0; i < m->config.devices.n; i++)
		if (is(&m->config.devices.v[i]) && nth-- == 0) {
			*ret_index = i;
			return 0;
		}
	return -ENOENT;
}

static bool is_screen(const struct hull_device *d)
{
	return d->kind == HULL_DEVICE_GPU;
}

static bool is_keyboard(const struct hull_device *d)
{
	return d->kind == HULL_DEVICE_INPUT && !strcmp(d->input.type, "keyboard");
}

static bool is_pointing(const struct hull_device *d)
{
	return d->kind == HULL_DEVICE_INPUT && !is_keyboard(d);
}

static bool is_balloon(const struct hull_device *d)
{
	return d->kind == HULL_DEVICE_BALLOON;
}

/* Whether there is such a device, and whether the hypervisor can do it. */
static bool can(struct hull_monitor *m, struct hull_ttrpc_call *call, uint64_t cap,
		bool (*is)(const struct hull_device *d), size_t nth, const char *what,
		size_t *ret_index)
{
	struct hull_error *err = NULL;

	if (!hull_inst_can(m->inst, cap)) {
		hull_monitor_refuse(call, HULL_E_UNSUPPORTED, "", "this hypervisor can't do that");
		return false;
	}
	if (find(m, is, nth, ret_index) == 0)
		return true;
	hull_fail_cause(&err, HULL_E_NOT_FOUND, "no-such-device", "the VM has no %s %zu", what,
			nth);
	hull_hint(&err, "give it one when it is started, with --device");
	refuse(call, err);
	return false;
}

/* ---- screens ---- */

static int read_png(int fd, struct hull_strbuf *png, struct hull_error **err)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return hull_fail_errno(err, errno, "read the picture");
	if (st.st_size == 0)
		return hull_fail(err, HULL_E_BACKEND, "the hypervisor has drawn nothing");
	if ((uint64_t)st.st_size > PNG_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED,
				 "the picture has %lld bytes, and an answer may have %zu",
				 (long long)st.st_size, PNG_MAX);
	r = hull_strbuf_reserve(png, (size_t)st.st_size);
	if (r < 0)
		return hull_fail_nomem(err);
	r = (int)pread(fd, png->data, (size_t)st.st_size, 0);
	if (r < 0)
		return hull_fail_errno(err, errno, "read the picture");
	png->len = (size_t)r;
	return 0;
}

static void on_picture(void *ctx, const struct hull_error *error)
{
	Hull__Monitor__V1__ScreenshotResponse r = HULL__MONITOR__V1__SCREENSHOT_RESPONSE__INIT;
	cleanup_strbuf struct hull_strbuf png = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	struct asked *a = ctx;

	if (a->call && error) {
		hull_ttrpc_fail_error(a->call, error);
	} else if (a->call && read_png(a->fd, &png, &err) < 0) {
		hull_ttrpc_fail_error(a->call, err);
	} else if (a->call) {
		r.png.data = (uint8_t *)png.data;
		r.png.len = png.len;
		hull_monitor_reply(a->call, &r.base);
	}
	asked_free(a);
}

/* One to read from, one that may only be written to. */
static int make_file(int *ret_fd, int *ret_writer, struct hull_error **err)
{
	char path[40];
	int fd = memfd_create("screen", MFD_CLOEXEC);

	if (fd < 0)
		return hull_fail_errno(err, errno, "make a file for the picture");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*ret_fd = fd;
	*ret_writer = open(path, O_WRONLY | O_CLOEXEC);
	return *ret_writer < 0 ? hull_fail_errno(err, errno, "open the picture's file") : 0;
}

void hull_monitor_screenshot(struct hull_monitor *m, struct hull_ttrpc_call *call,
			     const ProtobufCMessage *request)
{
	const Hull__Monitor__V1__ScreenshotRequest *rq = (const void *)request;
	struct hull_error *err = NULL;
	cleanup_close int writer = -1;
	struct asked *a;
	size_t index;

	if (!can(m, call, HULL_CAP_SCREENSHOT, is_screen, rq->screen, "screen", &index))
		return;
	a = new_asked(call, NULL);
	if (a && (make_file(&a->fd, &writer, &err) < 0 ||
		  m->inst->ops->screenshot(m->inst, index, writer, on_picture, a, &err) < 0))
		give_up(a, err);
}

/* ---- keyboard and pointer ---- */

/* Words of the hypervisor's vocabulary, which it checks itself. */
static bool are_words(char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]);

		if (!len || len > WORD_MAX ||
		    strspn(words[i], "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
			return false;
	}
	return n <= WORDS_MAX;
}

/* As a list that ends with NULL. */
static void end_list(const char *list[WORDS_MAX + 1], char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list[i] = words[i];
	list[n] = NULL;
}

void hull_monitor_send_key(struct hull_monitor *m, struct hull_ttrpc_call *call,
			   const ProtobufCMessage *request)
{
	static const Hull__Monitor__V1__SendKeyResponse done =
		HULL__MONITOR__V1__SEND_KEY_RESPONSE__INIT;
	const Hull__Monitor__V1__SendKeyRequest *rq = (const void *)request;
	const char *keys[WORDS_MAX + 1];
	struct hull_error *err = NULL;
	struct asked *a;
	size_t index;

	if (!rq->n_keys || !are_words(rq->keys, rq->n_keys) || rq->hold_ms > HOLD_MAX_MS) {
		hull_monitor_refuse(call, HULL_E_INVALID, "",
				    "1 to 16 names of keys, held for 10 s at most");
		return;
	}
	if (!can(m, call, HULL_CAP_INPUT, is_keyboard, 0, "keyboard", &index))
		return;
	end_list(keys, rq->keys, rq->n_keys);
	a = new_asked(call, &done.base);
	if (a && m->inst->ops->send_keys(m->inst, keys, rq->hold_ms ? rq->hold_ms : HOLD_MS,
					 on_done, a, &err) < 0)
		give_up(a, err);
}

void hull_monitor_point(struct hull_monitor *m, struct hull_ttrpc_call *call,
			const ProtobufCMessage *request)
{
	static const Hull__Monitor__V1__PointResponse done =
		HULL__MONITOR__V1__POINT_RESPONSE__INIT;
	const Hull__Monitor__V1__PointRequest *rq = (const void *)request;
	const char *press[WORDS_MAX + 1], *release[WORDS_MAX + 1];
	const struct hull_pointer what = {rq->move, rq->x, rq->y, press, release};
	struct hull_error *err = NULL;
	struct asked *a;
	size_t index;

	if (!are_words(rq->press, rq->n_press) || !are_words(rq->release, rq->n_release) ||
	    rq->x > HULL_POINTER_MAX || rq->y > HULL_POINTER_MAX) {
		hull_monitor_refuse(call, HULL_E_INVALID, "",
				    "x and y go to 32767; at most 16 names of buttons each");
		return;
	}
	if (!can(m, call, HULL_CAP_INPUT, is_pointing, 0, "pointing device", &index))
		return;
	end_list(press, rq->press, rq->n_press);
	end_list(release, rq->release, rq->n_release);
	a = new_asked(call, &done.base);
	if (a && m->inst->ops->point(m->inst, &what, on_done, a, &err) < 0)
		give_up(a, err);
}

/* ---- memory ---- */

void hull_monitor_balloon(struct hull_monitor *m, struct hull_ttrpc_call *call,
			  const ProtobufCMessage *request)
{
	static const Hull__Monitor__V1__BalloonResponse done =
		HULL__MONITOR__V1__BALLOON_RESPONSE__INIT;
	const Hull__Monitor__V1__BalloonRequest *rq = (const void *)request;
	struct hull_error *err = NULL;
	struct asked *a;
	size_t index;

	if (!can(m, call, HULL_CAP_BALLOON, is_balloon, 0, "balloon", &index))
		return;
	if (rq->bytes < BALLOON_LEAST || rq->bytes > m->config.memory_bytes) {
		hull_fail(&err, HULL_E_INVALID,
			  "the guest can be left %" PRIu64 " to %" PRIu64 " bytes of memory",
			  BALLOON_LEAST, m->config.memory_bytes);
		refuse(call, err);
		return;
	}
	a = new_asked(call, &done.base);
	if (a && m->inst->ops->balloon(m->inst, rq->bytes, on_done, a, &err) < 0)
		give_up(a, err);
}
