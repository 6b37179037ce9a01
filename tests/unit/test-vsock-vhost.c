/* SPDX-License-Identifier: Apache-2.0
 *
 * vhost-user messages as QEMU sends them, and what is refused.
 */
#include "unit.h"

#include "../fuzz/fuzz-vsock-vhost.c"
#include "corpus.h"

#include <endian.h>

enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_MEM_TABLE = 5,
	NUM = 8,
	ADDR = 9,
	BASE = 10,
	GET_BASE = 11,
	KICK = 12,
	CALL = 13,
	GET_PROTOCOL = 15,
	SET_PROTOCOL = 16,
	ENABLE = 18,
	GET_CONFIG = 24,
	ADD_MEM = 37,
	REM_MEM = 38
};

#define USER UINT64_C(0x10000)
#define NEED_REPLY 8

static struct hull_vhost_msg answer_;

/* The result of a message with @n_fds descriptors. */
static int say(struct front *f, uint32_t request, uint32_t flags, const void *payload,
	       uint32_t size, size_t n_fds)
{
	struct hull_vhost_msg m = {.request = request, .flags = 1 | flags, .size = size};
	int fds[HULL_VHOST_FDS_MAX], r;

	memcpy(m.payload, payload, size);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = hull_vhost_handle(&f->v, &m, fds, n_fds, &answer_, NULL);
	for (size_t i = 0; i < n_fds; i++)
		hull_closep(&fds[i]);
	return r;
}

static int say_u64(struct front *f, uint32_t request, uint64_t value, size_t n_fds)
{
	return say(f, request, 0, &value, sizeof(value), n_fds);
}

static int say_ring(struct front *f, uint32_t request, uint32_t ring, uint32_t number)
{
	const uint32_t words[] = {ring, number};

	return say(f, request, 0, words, sizeof(words), 0);
}

static int set_memory(struct front *f)
{
	const uint64_t table[] = {1, 0x100000, 0x8000, USER, 0x1000};

	return say(f, SET_MEM_TABLE, 0, table, sizeof(table), 1);
}

static int set_addr(struct front *f, uint32_t ring, uint64_t at)
{
	const struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = {ring, 0, at, at + 0x800, at + 0x400, 0};

	return say(f, ADDR, 0, &a, sizeof(a), 0);
}

static void start(struct front *f)
{
	*f = (struct front){.n_maps = 0};
	hull_vhost_init(&f->v, 42, &front_ops, f);
	assert_int_equal(say_u64(f, SET_FEATURES, UINT64_C(0x170000000), 0), 0);
	assert_int_equal(set_memory(f), 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(say_ring(f, NUM, i, 16), 0);
		assert_int_equal(say_ring(f, BASE, i, 0), 0);
		assert_int_equal(set_addr(f, i, USER + 0x2000 * i), 0);
		assert_int_equal(say_u64(f, KICK, i, 1), 0);
		assert_int_equal(say_u64(f, CALL, i, 1), 0);
	}
}

static void end(struct front *f)
{
	hull_vhost_fini(&f->v);
	assert_int_equal(f->n_maps, 0);
}

static void test_features(void **state)
{
	struct front f = {.n_maps = 0};
	const uint64_t one = 1;

	hull_vhost_init(&f.v, 42, &front_ops, &f);
	assert_int_equal(say(&f, GET_FEATURES, 0, "", 0, 0), 1);
	assert_int_equal(answer_.u64, UINT64_C(0x170000000));
	assert_int_equal(answer_.size, 8);
	assert_int_equal(answer_.flags, 5);
	assert_int_equal(say_u64(&f, SET_FEATURES, UINT64_C(0x170000002), 0), -1);
	assert_int_equal(say(&f, GET_PROTOCOL, 0, "", 0, 0), 1);
	assert_int_equal(answer_.u64, 0x8209);
	assert_int_equal(say_u64(&f, SET_PROTOCOL, 0x10, 0), -1);
	/* Acknowledged only where that was agreed upon. */
	assert_int_equal(say(&f, SET_FEATURES, NEED_REPLY, &one, 0, 0), -1);
	assert_int_equal(say_u64(&f, SET_PROTOCOL, 8, 0), 0);
	assert_int_equal(say(&f, 3, NEED_REPLY, "", 0, 0), 1);
	assert_int_equal(answer_.u64, 0);
	assert_int_equal(say(&f, 99, 0, "", 0, 0), -1);
	end(&f);
}

static void test_config(void **state)
{
	struct front f = {.n_maps = 0};
	struct {
		uint32_t offset, size, flags;
		uint8_t bytes[8];
	} rq = {0, 8, 0, {0}};
	uint64_t cid;

	hull_vhost_init(&f.v, 42, &front_ops, &f);
	assert_int_equal(say(&f, GET_CONFIG, 0, &rq, sizeof(rq), 0), 1);
	memcpy(&cid, answer_.payload + 12, sizeof(cid));
	assert_int_equal(le64toh(cid), 42);
	assert_int_equal(answer_.size, 20);
	rq.offset = 4;
	assert_int_equal(say(&f, GET_CONFIG, 0, &rq, sizeof(rq), 0), 1);
	assert_int_equal(answer_.size, 0);
	rq.offset = UINT32_MAX;
	assert_int_equal(say(&f, GET_CONFIG, 0, &rq, sizeof(rq), 0), 1);
	assert_int_equal(answer_.size, 0);
	rq.size = 9;
	assert_int_equal(say(&f, GET_CONFIG, 0, &rq, sizeof(rq), 0), -1);
	end(&f);
}

static void test_rings(void **state)
{
	struct front f;

	start(&f);
	assert_true(f.running[0] && f.running[1]);
	assert_false(hull_vhost_runs(&f.v, 0)); /* not enabled */
	assert_int_equal(say_ring(&f, ENABLE, 0, 1), 0);
	assert_true(hull_vhost_runs(&f.v, 0));
	/* What runs is not changed beneath. */
	assert_int_equal(say_ring(&f, NUM, 0, 32), -1);
	assert_int_equal(set_addr(&f, 0, USER), -1);
	assert_int_equal(say_ring(&f, GET_BASE, 0, 0), 1);
	assert_false(f.running[0]);
	assert_int_equal(say_ring(&f, BASE, 0, 65536), -1);
	assert_int_equal(say_ring(&f, BASE, 0, 700), 0);
	assert_int_equal(say_u64(&f, KICK, 0, 1), 0);
	assert_int_equal(say_ring(&f, GET_BASE, 0, 0), 1);
	assert_int_equal(answer_.payload[4] | answer_.payload[5] << 8, 700);
	/* No ring, no descriptor, to be polled. */
	assert_int_equal(say_ring(&f, NUM, 2, 16), -1);
	assert_int_equal(say_ring(&f, NUM, 0, 0), -1);
	assert_int_equal(say_u64(&f, KICK, 0, 0), -1);
	assert_int_equal(say_u64(&f, KICK, 0x100, 0), -1);
	assert_int_equal(say_u64(&f, CALL, 0x100, 0), 0);
	assert_int_equal(say_u64(&f, CALL, 2, 1), -1);
	/* Outside of the memory. */
	assert_int_equal(set_addr(&f, 0, 0x400), 0);
	assert_int_equal(say_u64(&f, KICK, 0, 1), -1);
	end(&f);
}

static void test_memory(void **state)
{
	const struct {
		uint64_t padding, guest, size, user, offset;
	} more = {0, 0x200000, 0x1000, USER + 0x100000, 0}, far = {0, 0x300000, UINT64_MAX, 0, 1};
	uint64_t table[] = {2, 0x100000, 0x8000, USER, 0, 0x104000, 0x8000, USER + 0x8000, 0};
	struct front f;

	start(&f);
	assert_int_equal(say(&f, ADD_MEM, 0, &more, sizeof(more), 1), 0);
	assert_int_equal(f.n_maps, 2);
	assert_int_equal(say(&f, ADD_MEM, 0, &more, sizeof(more), 1), -1);
	assert_int_equal(say(&f, ADD_MEM, 0, &more, sizeof(more), 0), -1);
	assert_int_equal(say(&f, ADD_MEM, 0, &far, sizeof(far), 1), -1);
	assert_int_equal(say(&f, REM_MEM, 0, &more, sizeof(more), 0), 0);
	assert_int_equal(say(&f, REM_MEM, 0, &more, sizeof(more), 0), -1);
	assert_int_equal(f.n_maps, 1);
	/* Rings that run move along; without their memory there is no going on. */
	assert_int_equal(set_memory(&f), 0);
	assert_ptr_equal(f.v.rings[0].ring.desc, f.v.memory.v[0].at);
	assert_int_equal(say(&f, SET_MEM_TABLE, 0, table, sizeof(table), 2), -1); /* overlap */
	table[0] = 1;
	assert_int_equal(say(&f, SET_MEM_TABLE, 0, table, 40, 2), -1);
	assert_int_equal(say(&f, SET_MEM_TABLE, 0, table, 32, 1), -1);
	table[0] = 9;
	assert_int_equal(say(&f, SET_MEM_TABLE, 0, table, sizeof(table), 2), -1);
	end(&f);
}

static void test_header(void **state)
{
	static const struct {
		uint32_t h[3];
		int result;
	} cases[] = {
		{{1, 1, 0}, 0},	 {{1, 9, 512}, 0},  {{1, 0, 0}, -1},	      {{1, 2, 0}, -1},
		{{1, 5, 0}, -1}, {{1, 1, 513}, -1}, {{1, 1, UINT32_MAX}, -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_vhost_msg m;

		assert_int_equal(hull_vhost_parse_header(cases[i].h, &m, NULL), cases[i].result);
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("vsock-vhost") >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features), cmocka_unit_test(test_config),
		cmocka_unit_test(test_rings),	 cmocka_unit_test(test_memory),
		cmocka_unit_test(test_header),	 cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
