/* SPDX-License-Identifier: Apache-2.0
 *
 * Split rings and the memory behind them: chains that are right, chains that break the rules, and
 * who is told of what.
 */
#include "unit.h"

#include "../fuzz/fuzz-vsock-ring.c"
#include "corpus.h"

#include <errno.h>

#define WRITE VRING_DESC_F_WRITE
#define NEXT VRING_DESC_F_NEXT
#define INDIRECT VRING_DESC_F_INDIRECT
#define DATA (GR_BASE + GR_DATA)

static void test_memory(void **state)
{
	char space[256];
	struct hull_memory m = {.n = 0};
	struct hull_memory_region r = {.guest = 4096, .user = 1 << 20, .size = 100, .at = space};
	struct hull_memory_region old;
	uint64_t part = 0;

	assert_int_equal(hull_memory_add(&m, &r), 0);
	assert_int_equal(hull_memory_add(&m, &r), -EINVAL);
	r.guest += 100;
	assert_int_equal(hull_memory_add(&m, &r), -EINVAL); /* its other address */
	r.user += 100;
	r.at = space + 128;
	assert_int_equal(hull_memory_add(&m, &r), 0);
	r = (struct hull_memory_region){.guest = UINT64_MAX - 5, .user = 0, .size = 10};
	assert_int_equal(hull_memory_add(&m, &r), -EINVAL);
	r = (struct hull_memory_region){.guest = 0, .user = UINT64_MAX - 5, .size = 10};
	assert_int_equal(hull_memory_add(&m, &r), -EINVAL);
	r.size = 0;
	assert_int_equal(hull_memory_add(&m, &r), -EINVAL);

	assert_ptr_equal(hull_memory_at(&m, 4096, 100), space);
	assert_ptr_equal(hull_memory_at(&m, 4195, 1), space + 99);
	assert_null(hull_memory_at(&m, 4095, 1));
	assert_null(hull_memory_at(&m, 4096, 101));
	assert_null(hull_memory_at(&m, 4097, UINT64_MAX));
	assert_ptr_equal(hull_memory_part(&m, 4190, UINT64_MAX, &part), space + 94);
	assert_int_equal(part, 6);
	assert_ptr_equal(hull_memory_at_user(&m, (1 << 20) + 150, 50), space + 178);
	assert_null(hull_memory_at_user(&m, (1 << 20) + 150, 51));

	r = (struct hull_memory_region){.guest = 4096, .user = 1 << 20, .size = 99};
	assert_int_equal(hull_memory_remove(&m, &r, &old), -ENOENT);
	r.size = 100;
	assert_int_equal(hull_memory_remove(&m, &r, &old), 0);
	assert_ptr_equal(old.at, space);
	assert_null(hull_memory_at(&m, 4096, 1));
	assert_ptr_equal(hull_memory_at(&m, 4196, 1), space + 128);
}

static void test_chains(void **state)
{
	struct hull_chain c;
	struct vring_desc *table;
	struct gr g;

	gr_init(&g, 8, false);
	gr_start(&g);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 0);
	gr_desc(&g, 3, DATA, 44, NEXT, 5);
	gr_desc(&g, 5, DATA + 100, 10, NEXT, 1);
	gr_desc(&g, 1, DATA + 200, 0, NEXT, 2); /* of no length: as if it weren't there */
	gr_desc(&g, 2, DATA + 300, 7, WRITE, 0);
	gr_offer(&g, 3);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 1);
	assert_int_equal(c.head, 3);
	assert_int_equal(c.n_out, 2);
	assert_int_equal(c.n_in, 1);
	assert_int_equal(c.out_len, 54);
	assert_int_equal(c.in_len, 7);
	assert_ptr_equal(c.iov[1].iov_base, g.memory + GR_DATA + 100);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 0);

	table = (struct vring_desc *)(g.memory + GR_DATA + 1024);
	table[0] = (struct vring_desc){DATA, 44, NEXT, 1};
	table[1] = (struct vring_desc){DATA + 64, 20, 0, 0};
	gr_desc(&g, 4, DATA + 1024, 32, INDIRECT, 0);
	gr_offer(&g, 4);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 1);
	assert_int_equal(c.out_len, 64);
	assert_int_equal(c.n_out, 2);
	hull_ring_untake(&g.ring, 1);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 1);
	assert_int_equal(c.head, 4);
	assert_int_equal(hull_ring_stop(&g.ring), 2);
	gr_fini(&g);
}

/* Each is broken by itself, from descriptor 0 on. */
static const struct {
	struct vring_desc desc[3], table[3];
	const char *why;
} broken_chains[] = {
	{{{DATA, 1, NEXT, 1}, {DATA, 1, NEXT, 0}}, {{0}}, "without end"},
	{{{DATA, 1, NEXT, 8}}, {{0}}, "does not exist"},
	{{{DATA, 1, NEXT, 65535}}, {{0}}, "does not exist"},
	{{{GR_BASE - 1, 1, 0, 0}}, {{0}}, "outside"},
	{{{GR_BASE + GR_SIZE - 1, 2, 0, 0}}, {{0}}, "outside"},
	{{{UINT64_MAX, 2, 0, 0}}, {{0}}, "beyond all addresses"},
	{{{UINT64_MAX - 1, 1, 0, 0}}, {{0}}, "outside"},
	{{{DATA, 1, WRITE | NEXT, 1}, {DATA, 1, 0, 0}}, {{0}}, "after one to be written"},
	{{{DATA + 1024, 16, INDIRECT | NEXT, 1}, {DATA, 1, 0, 0}}, {{0}}, "misplaced"},
	{{{DATA + 1024, 0, INDIRECT, 0}}, {{0}}, "no whole descriptors"},
	{{{DATA + 1024, 17, INDIRECT, 0}}, {{0}}, "no whole descriptors"},
	{{{DATA + 1024, 1 << 20, INDIRECT, 0}}, {{0}}, "table outside"},
	{{{0, 16, INDIRECT, 0}}, {{0}}, "table outside"},
	{{{DATA + 1024, 32, INDIRECT, 0}}, {{DATA, 1, NEXT, 2}}, "does not exist"},
	{{{DATA + 1024, 32, INDIRECT, 0}}, {{DATA, 1, NEXT, 0}}, "without end"},
	{{{DATA + 1024, 16, INDIRECT, 0}}, {{DATA + 1024, 16, INDIRECT, 0}}, "misplaced"},
};

static void test_broken(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(broken_chains); i++) {
		cleanup_error struct hull_error *err = NULL;
		struct hull_chain c;
		struct gr g;

		gr_init(&g, 8, false);
		gr_start(&g);
		memcpy(g.desc, broken_chains[i].desc, sizeof(broken_chains[i].desc));
		memcpy(g.memory + GR_DATA + 1024, broken_chains[i].table,
		       sizeof(broken_chains[i].table));
		gr_offer(&g, 0);
		assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, &err), -1);
		assert_non_null(strstr(hull_error_message(err), broken_chains[i].why));
		gr_fini(&g);
	}
}

static void test_broken_index(void **state)
{
	cleanup_error struct hull_error *err = NULL, *why = NULL;
	struct hull_chain c;
	struct gr g;

	gr_init(&g, 8, false);
	gr_start(&g);
	gr_desc(&g, 0, DATA, 1, 0, 0);
	g.avail->idx = 9;
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, &err), -1);
	assert_non_null(strstr(hull_error_message(err), "more is available"));
	g.avail->idx = 1;
	g.avail->ring[0] = 8;
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, &why), -1);
	assert_non_null(strstr(hull_error_message(why), "does not exist"));
	/* Without the feature there are no indirect descriptors. */
	g.where.indirect = false;
	gr_start(&g);
	g.avail->ring[0] = 0;
	gr_desc(&g, 0, DATA, 16, INDIRECT, 0);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), -1);
	gr_fini(&g);
}

/* A piece may lie in two regions that follow each other. */
static void test_across_regions(void **state)
{
	struct hull_memory_region next = {
		.guest = GR_BASE + GR_SIZE, .user = GR_USER + (1 << 30), .size = 4096};
	char space[4096];
	struct hull_chain c;
	struct gr g;

	gr_init(&g, 8, false);
	next.at = space;
	assert_int_equal(hull_memory_add(&g.table, &next), 0);
	gr_start(&g);
	gr_desc(&g, 0, GR_BASE + GR_SIZE - 10, 30, WRITE, 0);
	gr_offer(&g, 0);
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 1);
	assert_int_equal(c.n_in, 2);
	assert_int_equal(c.in_len, 30);
	assert_ptr_equal(c.iov[1].iov_base, space);
	assert_int_equal(c.iov[1].iov_len, 20);
	gr_fini(&g);
}

static void test_where(void **state)
{
	static const struct hull_ring_where bad[] = {
		{GR_USER, GR_USER + GR_AVAIL, GR_USER + GR_USED, 0, false, false},
		{GR_USER, GR_USER + GR_AVAIL, GR_USER + GR_USED, 3, false, false},
		{GR_USER, GR_USER + GR_AVAIL, GR_USER + GR_USED, 65536, false, false},
		{GR_USER + 8, GR_USER + GR_AVAIL, GR_USER + GR_USED, 8, false, false},
		{GR_USER, GR_USER + GR_AVAIL + 1, GR_USER + GR_USED, 8, false, false},
		{GR_USER, GR_USER + GR_AVAIL, GR_USER + GR_USED + 2, 8, false, false},
		{GR_USER + GR_SIZE - 64, GR_USER + GR_AVAIL, GR_USER + GR_USED, 8, false, false},
		{GR_USER, GR_USER + GR_SIZE - 16, GR_USER + GR_USED, 8, false, false},
		{GR_USER, GR_USER + GR_AVAIL, GR_USER + GR_SIZE - 64, 8, false, false},
		{GR_BASE, GR_USER + GR_AVAIL, GR_USER + GR_USED, 8, false, false},
		{UINT64_MAX - 15, GR_USER + GR_AVAIL, GR_USER + GR_USED, 8, false, false},
	};
	struct gr g;

	gr_init(&g, 8, false);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(hull_ring_start(&g.ring, &g.table, &bad[i], 0, NULL), -1);
	gr_fini(&g);
}

static void test_signals(void **state)
{
	struct gr g;

	gr_init(&g, 8, false);
	gr_start(&g);
	assert_false(hull_ring_publish(&g.ring));
	hull_ring_give(&g.ring, 3, 9);
	assert_int_equal(g.used->idx, 0);
	assert_true(hull_ring_publish(&g.ring));
	assert_int_equal(g.used->idx, 1);
	assert_int_equal(g.used->ring[0].id, 3);
	assert_int_equal(g.used->ring[0].len, 9);
	g.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	hull_ring_give(&g.ring, 3, 9);
	assert_false(hull_ring_publish(&g.ring));
	hull_ring_no_kick(&g.ring);
	assert_int_equal(g.used->flags, VRING_USED_F_NO_NOTIFY);
	assert_false(hull_ring_want_kick(&g.ring));
	assert_int_equal(g.used->flags, 0);
	gr_desc(&g, 0, DATA, 1, 0, 0);
	gr_offer(&g, 0);
	assert_true(hull_ring_want_kick(&g.ring));
	gr_fini(&g);
}

static void test_event_index(void **state)
{
	struct hull_chain c;
	struct gr g;
	uint16_t *used_event, *avail_event;

	gr_init(&g, 8, true);
	used_event = &g.avail->ring[8];
	avail_event = (uint16_t *)&g.used->ring[8];
	g.used->idx = 65534; /* it wraps */
	g.avail->idx = 5;
	assert_int_equal(hull_ring_start(&g.ring, &g.table, &g.where, 5, NULL), 0);
	*used_event = 65535;
	hull_ring_give(&g.ring, 0, 0);
	assert_true(hull_ring_publish(&g.ring)); /* nobody knows what it has been told */
	assert_int_equal(g.used->idx, 65535);
	*used_event = 1;
	hull_ring_give(&g.ring, 0, 0);
	assert_false(hull_ring_publish(&g.ring));
	hull_ring_give(&g.ring, 0, 0);
	assert_false(hull_ring_publish(&g.ring));
	hull_ring_give(&g.ring, 0, 0);
	hull_ring_give(&g.ring, 0, 0);
	assert_true(hull_ring_publish(&g.ring));
	assert_int_equal(g.used->idx, 3);

	assert_false(hull_ring_want_kick(&g.ring));
	assert_int_equal(*avail_event, 5);
	gr_desc(&g, 0, DATA, 1, 0, 0);
	gr_offer(&g, 0);
	assert_true(hull_ring_want_kick(&g.ring));
	assert_int_equal(hull_ring_take(&g.ring, &g.table, &c, NULL), 1);
	assert_false(hull_ring_want_kick(&g.ring));
	assert_int_equal(*avail_event, 6);
	gr_fini(&g);
}

static void test_pieces(void **state)
{
	char a[] = "abc", b[] = "defgh", c[] = "", d[] = "ij", to[16] = "";
	const struct iovec iov[] = {{a, 3}, {c, 0}, {b, 5}, {d, 2}};
	struct iovec out[4];

	assert_int_equal(hull_iov_read(iov, 4, 0, to, 16), 10);
	assert_memory_equal(to, "abcdefghij", 10);
	assert_int_equal(hull_iov_read(iov, 4, 3, to, 4), 4);
	assert_memory_equal(to, "defg", 4);
	assert_int_equal(hull_iov_read(iov, 4, 10, to, 4), 0);
	assert_int_equal(hull_iov_slice(iov, 4, 2, 3, out, 4), 2);
	assert_ptr_equal(out[0].iov_base, a + 2);
	assert_int_equal(out[1].iov_len, 2);
	assert_int_equal(hull_iov_slice(iov, 4, 9, 30, out, 4), 1);
	assert_int_equal(hull_iov_slice(iov, 4, 0, 30, out, 2), 2);
	assert_int_equal(hull_iov_write(iov, 4, 7, "XYZ1", 4), 3);
	assert_memory_equal(b, "defgX", 5);
	assert_memory_equal(d, "YZ", 2);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("vsock-ring") >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),	       cmocka_unit_test(test_chains),
		cmocka_unit_test(test_broken),	       cmocka_unit_test(test_broken_index),
		cmocka_unit_test(test_across_regions), cmocka_unit_test(test_where),
		cmocka_unit_test(test_signals),	       cmocka_unit_test(test_event_index),
		cmocka_unit_test(test_pieces),	       cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
