/* SPDX-License-Identifier: Apache-2.0
 *
 * A hostile QEMU.  The first byte chooses how the rest is split and when the client gives up
 * in the middle of a callback; three commands are outstanding from the start.
 */
#include "base/cleanup.h"
#include "proto/qmp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct peer {
	struct hull_qmp *qmp;
	int replies, events;
	bool ready, give_up;
};

static void on_output(void *ctx, const void *data, size_t len)
{
	const char *text = data;

	if (!len || text[len - 1] != '\n')
		abort();
}

static void give_up(struct peer *p)
{
	if (p->give_up)
		hull_qmp_free(steal_ptr(&p->qmp));
}

static void on_ready(void *ctx, unsigned int major, unsigned int minor, unsigned int micro)
{
	struct peer *p = ctx;

	if (p->ready)
		abort();
	p->ready = true;
}

static void on_event(void *ctx, const char *name, const struct hull_json *data)
{
	struct peer *p = ctx;

	p->events++;
	(void)hull_json_get(data, name);
	give_up(p);
}

static void on_reply(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct peer *p = ctx;

	p->replies++;
	if (error &&
	    (!*hull_error_message(error) || strpbrk(hull_error_message(error), "\n\r\033")))
		abort();
	(void)hull_json_type(result);
	if (p->qmp)
		(void)hull_qmp_execute(p->qmp, "again", NULL, NULL, NULL, NULL);
	give_up(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct hull_qmp_ops ops = {on_output, on_ready, on_event};
	size_t step = len && (data[0] & 0x7f) ? data[0] & 0x7f : SIZE_MAX;
	struct peer p = {.give_up = len && data[0] & 0x80};
	struct hull_qmp *q;
	int r = 0;

	if (hull_qmp_new(&ops, &p, &q, NULL) < 0)
		return 0;
	p.qmp = q;
	for (int i = 0; i < 3; i++)
		if (hull_qmp_execute(q, "stop", NULL, on_reply, &p, NULL) < 0)
			abort();
	for (size_t at = 1, n; at < len && r == 0 && p.qmp; at += n) {
		cleanup_error struct hull_error *err = NULL;

		n = MIN(step, len - at);
		r = hull_qmp_feed(q, data + at, n, &err);
		if ((r < 0) != (err != NULL))
			abort();
	}
	hull_qmp_free(steal_ptr(&p.qmp));
	if (p.replies != 3)
		abort();
	return 0;
}
