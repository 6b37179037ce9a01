/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of capabilities from arbitrary text, the first byte being the sign: what is taken is
 * written as a list and read back as the same; what is refused changes nothing.
 */
#include "base/caps.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool same(const struct hull_caps *a, const struct hull_caps *b)
{
	return a->base == b->base && a->add == b->add && a->drop == b->drop;
}

static void write_list(const struct hull_caps *c, struct hull_strbuf *out)
{
	static const char *const bases[] = {"", ",all", ",none"};

	(void)hull_strbuf_adds(out, bases[c->base]);
	for (unsigned int cap = 0; cap < 64; cap++) {
		uint64_t bit = UINT64_C(1) << cap;
		char buf[4];

		if ((c->add | c->drop) & bit)
			(void)hull_strbuf_addf(out, ",%cCAP_%s", c->add & bit ? '+' : '-',
					       hull_cap_name(cap, buf));
	}
	assert(!out->failed);
}

static void check(const struct hull_caps *c)
{
	cleanup_strbuf struct hull_strbuf list = HULL_STRBUF_INIT;
	struct hull_caps again = {0};

	assert(c->base < HULL_CAPS_BASE_COUNT && !(c->add & c->drop));
	assert(hull_caps_is_set(c) && !(c->add & ~hull_caps_bound(c)));
	assert(!(hull_caps_bound(c) & c->drop));
	for (int root = 0; root < 2; root++)
		assert(!(hull_caps_initial(c, root) & ~hull_caps_bound(c)));
	write_list(c, &list);
	assert(hull_caps_edit(&again, hull_strbuf_str(&list) + 1, 0, NULL) == 0);
	assert(same(c, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct hull_caps before = {HULL_CAPS_BASE_USER, 1, 2};
	cleanup_error struct hull_error *err = NULL;
	struct hull_caps c = before;
	cleanup_free char *text = NULL;
	char sign = 0;

	if (!len)
		return 0;
	if (*data == '+' || *data == '-')
		sign = (char)*data;
	text = malloc(len);
	assert(text);
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	if (hull_caps_edit(&c, text, sign, &err) < 0) {
		assert(err && same(&c, &before));
		return 0;
	}
	assert(!err);
	check(&c);
	return 0;
}
