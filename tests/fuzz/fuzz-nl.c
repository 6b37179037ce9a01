/* SPDX-License-Identifier: Apache-2.0
 *
 * A netlink datagram of arbitrary bytes as part of the answer to request 1: every piece handed out
 * lies within it, and devices have proper names.
 */
#include "base/cleanup.h"
#include "base/netdev.h"
#include "base/nl.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define DEPTH_MAX 4

static void check_inside(const struct hull_nl_rest *outer, const struct hull_nl_rest *inner)
{
	assert(inner->n <= outer->n);
	assert(inner->p >= outer->p && inner->p + inner->n <= outer->p + outer->n);
}

static void walk(struct hull_nl_rest rest, int depth)
{
	const struct hull_nl_rest all = rest;
	struct hull_nl_attr a;
	size_t before = rest.n + 1;

	while (hull_nl_take_attr(&rest, &a) == 1) {
		assert(rest.n < before);
		before = rest.n;
		check_inside(&all, &rest);
		check_inside(&all, &a.value);
		if (depth < DEPTH_MAX)
			walk(a.value, depth + 1);
	}
}

static int on_message(void *ctx, const struct hull_nl_in *in)
{
	struct hull_netdev dev = {.index = -1};
	size_t *n = ctx;

	check_inside(&(struct hull_nl_rest){in->payload.p - 16, in->payload.n + 16}, &in->payload);
	(*n)++;
	walk(in->payload, 0);
	if (hull_netdev_parse(in, &dev) == 0) {
		assert(dev.index > 0);
		assert(dev.name[0] && memchr(dev.name, 0, sizeof(dev.name)));
	} else {
		assert(dev.index == -1);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free uint8_t *copy = malloc(len + !len);
	char text[HULL_NL_TEXT_MAX] = "";
	size_t n = 0;
	int r;

	assert(copy);
	if (len)
		memcpy(copy, data, len);
	r = hull_nl_read(copy, len, 1, on_message, &n, text);
	assert(r <= 1 && n <= len / 16);
	assert(memchr(text, 0, sizeof(text)));
	for (const char *c = text; *c; c++)
		assert(*c >= ' ' && *c < 0x7f);
	/* A refusal is the only thing that may come with a text. */
	assert(r < 0 || !text[0]);
	return 0;
}
