/* SPDX-License-Identifier: Apache-2.0
 *
 * The operations of operate.h, and their arguments as QEMU's schema has them.
 */
#define _GNU_SOURCE
#include "backend/qemu/operate.h"

#include "backend/qemu/drive.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Takes both. */
static struct hull_json *with(struct hull_json *object, const char *key, struct hull_json *value)
{
	if (hull_json_set(object, key, value) == 0)
		return object;
	hull_json_free(object);
	return NULL;
}

static struct hull_json *object1(const char *key, struct hull_json *value)
{
	return with(hull_json_object(), key, value);
}

struct hull_json *hull_qemu_args_set(uint64_t set)
{
	return object1("fdset-id", hull_json_u64(set));
}

struct hull_json *hull_qemu_args_screendump(size_t device, uint64_t set)
{
	char file[40], id[40];
	struct hull_json *args;

	snprintf(file, sizeof(file), "/dev/fdset/%" PRIu64, set);
	snprintf(id, sizeof(id), "gpu%zu", device);
	args = object1("filename", hull_json_string(file));
	args = with(args, "device", hull_json_string(id));
	return with(args, "format", hull_json_string("png"));
}

/* Takes both. */
static struct hull_json *plus(struct hull_json *array, struct hull_json *item)
{
	if (hull_json_append(array, item) == 0)
		return array;
	hull_json_free(array);
	return NULL;
}

struct hull_json *hull_qemu_args_send_key(const char *const *keys, uint64_t hold_ms)
{
	struct hull_json *list = hull_json_array();

	for (; *keys && list; keys++)
		list = plus(list, with(object1("type", hull_json_string("qcode")), "data",
				       hull_json_string(*keys)));
	return with(object1("keys", list), "hold-time", hull_json_u64(hold_ms));
}

static struct hull_json *event(const char *type, struct hull_json *data)
{
	return with(object1("type", hull_json_string(type)), "data", data);
}

static struct hull_json *axis(const char *name, uint32_t value)
{
	return event("abs",
		     with(object1("axis", hull_json_string(name)), "value", hull_json_u64(value)));
}

static struct hull_json *buttons(struct hull_json *list, const char *const *names, bool down)
{
	for (; list && names && *names; names++)
		list = plus(list, event("btn", with(object1("down", hull_json_bool(down)), "button",
						    hull_json_string(*names))));
	return list;
}

struct hull_json *hull_qemu_args_point(const struct hull_pointer *what)
{
	struct hull_json *list = hull_json_array();

	if (what->move && list)
		list = plus(list, axis("x", what->x));
	if (what->move && list)
		list = plus(list, axis("y", what->y));
	list = buttons(list, what->press, true);
	return object1("events", buttons(list, what->release, false));
}

struct hull_json *hull_qemu_args_getfd(const char *name)
{
	return object1("fdname", hull_json_string(name));
}

struct hull_json *hull_qemu_args_display(const char *name)
{
	struct hull_json *list = hull_json_array();

	if (list)
		list = plus(list, with(object1("type", hull_json_string("fd")), "str",
				       hull_json_string(name)));
	return with(object1("type", hull_json_string("vnc")), "addresses", list);
}

struct hull_json *hull_qemu_args_balloon(uint64_t bytes)
{
	return object1("value", hull_json_u64(bytes));
}

struct hull_json *hull_qemu_args_reboot(const char *action)
{
	return object1("reboot", hull_json_string(action));
}

/* ---- operations ---- */

struct screenshot {
	struct hull_inst *inst;
	uint64_t set;
	hull_inst_done_fn done;
	void *ctx;
};

/* Where QEMU has gone there is nothing to remove. */
static void on_screenshot(void *ctx, const struct hull_error *error)
{
	struct screenshot *s = ctx;

	(void)hull_qemu_execute(s->inst, "remove-fd", hull_qemu_args_set(s->set), NULL, NULL, NULL);
	s->done(s->ctx, error);
	free(s);
}

int hull_qemu_screenshot(struct hull_inst *inst, size_t device, int fd, hull_inst_done_fn done,
			 void *ctx, struct hull_error **err)
{
	struct screenshot *s = calloc(1, sizeof(*s));

	if (!s)
		return hull_fail_nomem(err);
	*s = (struct screenshot){.inst = inst, .done = done, .ctx = ctx};
	if (hull_qemu_add_fd(inst, fd, &s->set, err) == 0 &&
	    hull_qemu_execute(inst, "screendump", hull_qemu_args_screendump(device, s->set),
			      on_screenshot, s, err) == 0)
		return 0;
	free(s);
	return -1;
}

int hull_qemu_send_keys(struct hull_inst *inst, const char *const *keys, uint64_t hold_ms,
			hull_inst_done_fn done, void *ctx, struct hull_error **err)
{
	return hull_qemu_execute(inst, "send-key", hull_qemu_args_send_key(keys, hold_ms), done,
				 ctx, err);
}

int hull_qemu_point(struct hull_inst *inst, const struct hull_pointer *what, hull_inst_done_fn done,
		    void *ctx, struct hull_error **err)
{
	return hull_qemu_execute(inst, "input-send-event", hull_qemu_args_point(what), done, ctx,
				 err);
}

int hull_qemu_balloon(struct hull_inst *inst, uint64_t bytes, hull_inst_done_fn done, void *ctx,
		      struct hull_error **err)
{
	return hull_qemu_execute(inst, "balloon", hull_qemu_args_balloon(bytes), done, ctx, err);
}

/* "paging" would have QEMU believe the guest's page tables. */
int hull_qemu_dump(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		   struct hull_error **err)
{
	struct hull_json *args;

	if (hull_qemu_give_dump(inst, "dump", err) < 0)
		return -1;
	args = with(object1("paging", hull_json_bool(false)), "protocol",
		    hull_json_string("fd:dump"));
	return hull_qemu_execute_held(inst, "dump-guest-memory", args, done, ctx, err);
}

struct query {
	hull_inst_stats_fn done;
	void *ctx;
};

static void add_figure(const struct hull_json *stats, const char *key, uint64_t *sum)
{
	uint64_t v;

	if (hull_json_get_u64(hull_json_get(stats, key), &v) == 0)
		*sum += v;
}

void hull_qemu_read_blockstats(const struct hull_json *answer, struct hull_inst_stats *ret)
{
	*ret = (struct hull_inst_stats){0};
	for (size_t i = 0; i < hull_json_length(answer); i++) {
		const struct hull_json *node = hull_json_at(answer, i);
		const struct hull_json *stats = hull_json_get(node, "stats");

		/* Without a device it is what a disk's file lies in, or a flash chip. */
		if (!hull_json_str(hull_json_get(node, "qdev")))
			continue;
		add_figure(stats, "rd_bytes", &ret->read_bytes);
		add_figure(stats, "wr_bytes", &ret->written_bytes);
		add_figure(stats, "rd_operations", &ret->reads);
		add_figure(stats, "wr_operations", &ret->writes);
	}
}

static void on_stats(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct query *q = ctx;
	struct hull_inst_stats stats;

	hull_qemu_read_blockstats(result, &stats);
	q->done(q->ctx, error ? NULL : &stats, error);
	free(q);
}

int hull_qemu_stats(struct hull_inst *inst, hull_inst_stats_fn done, void *ctx,
		    struct hull_error **err)
{
	struct query *q = calloc(1, sizeof(*q));

	if (!q)
		return hull_fail_nomem(err);
	*q = (struct query){done, ctx};
	if (hull_qemu_query(inst, "query-blockstats", on_stats, q, err) == 0)
		return 0;
	free(q);
	return -1;
}
