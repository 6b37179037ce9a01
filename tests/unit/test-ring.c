/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "agent/ring.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

static unsigned char byte_at(uint64_t pos)
{
	return (unsigned char)((pos * 2654435761u) >> 13);
}

/* Puts @len bytes in, as far as @keep allows; returns how many. */
static size_t put(struct hull_ring *r, size_t len, uint64_t keep)
{
	size_t done = 0, room;
	char *p;

	while (done < len &&
	       (p = hull_ring_reserve(r, keep == UINT64_MAX ? r->total : keep, &room))) {
		size_t n = MIN(room, len - done);

		for (size_t i = 0; i < n; i++)
			p[i] = (char)byte_at(r->total + i);
		hull_ring_commit(r, n);
		done += n;
	}
	return done;
}

/* What is kept is what was put in, up to the end; returns how much. */
static size_t check(const struct hull_ring *r)
{
	uint64_t pos = hull_ring_first(r);
	size_t kept = (size_t)(r->total - pos), len;
	const char *p;

	while ((p = hull_ring_peek(r, pos, &len))) {
		for (size_t i = 0; i < len; i++)
			assert_int_equal((unsigned char)p[i], byte_at(pos + i));
		pos += len;
	}
	assert_int_equal(len, 0);
	assert_true(pos == r->total);
	return kept;
}

static void grows_as_used(void **state)
{
	struct hull_ring r = {0};

	assert_int_equal(check(&r), 0);
	put(&r, 10, UINT64_MAX);
	assert_int_equal(check(&r), 10);
	assert_int_equal(r.cap, 4096);
	put(&r, 5000, UINT64_MAX);
	assert_int_equal(check(&r), 5010);
	assert_int_equal(r.cap, 8192);
	put(&r, 1000000, UINT64_MAX);
	assert_int_equal(check(&r), HULL_RING_SIZE);
	assert_int_equal(r.cap, HULL_RING_SIZE);
	hull_ring_fini(&r);
}

static void keeps_what_is_unsent(void **state)
{
	struct hull_ring r = {0};
	size_t room;

	assert_int_equal(put(&r, 1000000, 0), HULL_RING_SIZE);
	assert_null(hull_ring_reserve(&r, 0, &room));
	assert_int_equal(room, 0);
	assert_int_equal(put(&r, 1000000, 100), 100);
	assert_int_equal(hull_ring_first(&r), 100);
	assert_int_equal(check(&r), HULL_RING_SIZE);
	hull_ring_fini(&r);
}

static void random_walk(void **state)
{
	struct hull_ring r = {0};
	unsigned int x = 12345;

	for (int i = 0; i < 3000; i++) {
		size_t before, n;

		x = x * 1103515245 + 12345;
		n = (x >> 16) % 9000;
		before = check(&r);
		put(&r, n, UINT64_MAX);
		assert_int_equal(check(&r), MIN(before + n, HULL_RING_SIZE));
	}
	hull_ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_as_used),
		cmocka_unit_test(keeps_what_is_unsent),
		cmocka_unit_test(random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
