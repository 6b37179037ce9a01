/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket device: how connections begin and end, credit, and what happens to a guest or host
 * that does not keep to it.
 */
#include "unit.h"

#include "../fuzz/fuzz-vsock-device.c"
#include "corpus.h"
#include "vsock/fifo.h"

#define OP(name) VIRTIO_VSOCK_OP_##name
#define RCV VIRTIO_VSOCK_SHUTDOWN_RCV
#define SEND VIRTIO_VSOCK_SHUTDOWN_SEND

/* What was done on the host since the last time. */
#define assert_done(e, text)                                                 \
	do {                                                                 \
		char done_[512];                                             \
		assert_string_equal(ve_done(e, done_, sizeof(done_)), text); \
	} while (0)

/* The next packet for the guest is this one; -1: there is none. */
static struct virtio_vsock_hdr expect(struct ve *e, int op)
{
	struct hull_vsock_out out;

	assert_int_equal(hull_vsock_next(e->v, &out), op >= 0);
	if (op >= 0) {
		assert_null(out.c);
		assert_int_equal(le16toh(out.header.op), op);
		assert_int_equal(le64toh(out.header.src_cid), 2);
		assert_int_equal(le64toh(out.header.dst_cid), VE_CID);
		assert_int_equal(out.header.len, 0);
	}
	return out.header;
}

/* Bytes of the host's are due: at most as many. */
static struct hull_vsock_conn *expect_bytes(struct ve *e, size_t room)
{
	struct hull_vsock_out out;

	assert_true(hull_vsock_next(e->v, &out));
	assert_non_null(out.c);
	assert_int_equal(out.room, room);
	return out.c;
}

/* A connection that the guest has made, from port 1000 to 7. */
static struct ve_end *guest_dials(struct ve *e)
{
	struct ve_end *end;

	ve_init(e);
	ve_packet(e, OP(REQUEST), 1000, 7, 0, 0);
	assert_done(e, "dial 0 7");
	end = &e->ends[0];
	end->dialling = false;
	assert_int_equal(hull_vsock_next(e->v, &(struct hull_vsock_out){.c = NULL}), 0);
	hull_vsock_dialled(e->v, end->c, true);
	return end;
}

static struct ve_end *open_by_guest(struct ve *e)
{
	struct ve_end *end = guest_dials(e);
	struct virtio_vsock_hdr h = expect(e, OP(RESPONSE));

	assert_int_equal(le32toh(h.src_port), 7);
	assert_int_equal(le32toh(h.dst_port), 1000);
	assert_int_equal(le32toh(h.buf_alloc), HULL_VSOCK_ROOM);
	return end;
}

static void test_guest_dials(void **state)
{
	struct virtio_vsock_hdr h;
	struct ve e;

	open_by_guest(&e);
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	assert_done(&e, "write 0 100");
	ve_packet(&e, OP(CREDIT_REQUEST), 1000, 7, 0, 0);
	h = expect(&e, OP(CREDIT_UPDATE));
	assert_int_equal(le32toh(h.fwd_cnt), 100);
	/* It closes: it is answered, and the host's end is closed. */
	ve_packet(&e, OP(SHUTDOWN), 1000, 7, 0, RCV | SEND);
	assert_done(&e, "close 0 0");
	expect(&e, OP(RST));
	expect(&e, -1);
	assert_int_equal(hull_vsock_count(e.v), 0);
	ve_fini(&e);
}

static void test_refused(void **state)
{
	struct virtio_vsock_hdr h;
	struct ve e;

	ve_init(&e);
	ve_packet(&e, OP(REQUEST), 1000, VE_REFUSED, 0, 0);
	h = expect(&e, OP(RST));
	assert_int_equal(le32toh(h.dst_port), 1000);
	assert_int_equal(hull_vsock_count(e.v), 0);
	/* The dial fails later. */
	ve_packet(&e, OP(REQUEST), 1000, 7, 0, 0);
	hull_vsock_dialled(e.v, e.ends[0].c, false);
	expect(&e, OP(RST));
	expect(&e, -1);
	/* No connection, no stream, no such address; resets are not answered; another's address. */
	ve_packet(&e, OP(RW), 1000, 7, 5, 0);
	expect(&e, OP(RST));
	ve_packet(&e, OP(RST), 1000, 7, 0, 0);
	h = ve_header(OP(REQUEST), 1000, 7, 0, 0);
	h.type = htole16(2);
	hull_vsock_take(e.v, &h, NULL, 0);
	h = expect(&e, OP(RST));
	assert_int_equal(le16toh(h.type), 2);
	h = ve_header(OP(REQUEST), 1000, 7, 0, 0);
	h.src_cid = htole64(43);
	hull_vsock_take(e.v, &h, NULL, 0);
	expect(&e, -1);
	ve_fini(&e);
}

static void test_host_dials(void **state)
{
	struct virtio_vsock_hdr h;
	struct ve_end *end;
	struct ve e;

	ve_init(&e);
	for (uint32_t i = 0; i < 2; i++) {
		end = ve_new_end(&e);
		assert_int_equal(hull_vsock_dial(e.v, 22, end, &end->c), 0);
		h = expect(&e, OP(REQUEST));
		assert_int_equal(le32toh(h.dst_port), 22);
		assert_int_equal(le32toh(h.src_port), HULL_VSOCK_FIRST_PORT + i);
	}
	ve_packet(&e, OP(RESPONSE), 22, HULL_VSOCK_FIRST_PORT, 0, 0);
	assert_done(&e, "accepted 0 0");
	ve_packet(&e, OP(RST), 22, HULL_VSOCK_FIRST_PORT + 1, 0, 0);
	assert_done(&e, "close 1 0");
	expect(&e, -1);
	assert_int_equal(hull_vsock_count(e.v), 1);
	/* Something else than an answer. */
	end = ve_new_end(&e);
	assert_int_equal(hull_vsock_dial(e.v, 22, end, &end->c), 0);
	expect(&e, OP(REQUEST));
	ve_packet(&e, OP(RW), 22, HULL_VSOCK_FIRST_PORT + 2, 5, 0);
	assert_done(&e, "close 2 0");
	expect(&e, OP(RST));
	/* The host thinks better of it before the guest has heard of it. */
	end = ve_new_end(&e);
	assert_int_equal(hull_vsock_dial(e.v, 22, end, &end->c), 0);
	hull_vsock_gone(e.v, steal_ptr(&end->c));
	expect(&e, -1);
	assert_int_equal(hull_vsock_count(e.v), 1);
	ve_fini(&e);
}

static void test_half_close_by_guest(void **state)
{
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	end->takes = 60;
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	assert_done(&e, "write 0 60");
	ve_packet(&e, OP(SHUTDOWN), 1000, 7, 0, SEND);
	assert_done(&e, ""); /* not before all of it is there */
	end->takes = SIZE_MAX;
	hull_vsock_writable(e.v, end->c);
	assert_done(&e, "write 0 40; shutdown-write 0 0");
	/* The other direction goes on. */
	hull_vsock_readable(e.v, end->c, true);
	expect_bytes(&e, HULL_VSOCK_TURN);
	hull_vsock_send(e.v, end->c, 500, &(struct virtio_vsock_hdr){0});
	/* More after it had said that there is no more. */
	ve_packet(&e, OP(RW), 1000, 7, 1, 0);
	assert_done(&e, "close 0 0");
	expect(&e, OP(RST));
	ve_fini(&e);
}

static void test_half_close_by_host(void **state)
{
	struct virtio_vsock_hdr h;
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	hull_vsock_eof(e.v, end->c);
	h = expect(&e, OP(SHUTDOWN));
	assert_int_equal(le32toh(h.flags), SEND);
	expect(&e, -1);
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	assert_done(&e, "write 0 100");
	/* It takes nothing any more either, which shows when something is written. */
	end->deaf = true;
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	h = expect(&e, OP(SHUTDOWN));
	assert_int_equal(le32toh(h.flags), SEND | RCV);
	assert_int_equal(le32toh(h.fwd_cnt), 200);
	hull_vsock_gone(e.v, steal_ptr(&end->c));
	expect(&e, -1);
	ve_packet(&e, OP(RW), 1000, 7, 100, 0); /* on its way already */
	assert_int_equal(hull_vsock_count(e.v), 1);
	ve_packet(&e, OP(RST), 1000, 7, 0, 0);
	assert_int_equal(hull_vsock_count(e.v), 0);
	assert_done(&e, "");
	ve_fini(&e);
}

/* A guest that has been told the end of both directions, and does not answer, is reset in time. */
static void test_no_answer_to_end(void **state)
{
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	hull_vsock_eof(e.v, end->c);
	expect(&e, OP(SHUTDOWN));
	assert_false(hull_vsock_is_leaving(e.v)); /* it may still send */
	hull_vsock_gone(e.v, steal_ptr(&end->c));
	assert_false(hull_vsock_is_leaving(e.v)); /* it does not know yet */
	hull_vsock_expire(e.v);
	expect(&e, OP(SHUTDOWN));
	assert_true(hull_vsock_is_leaving(e.v));
	hull_vsock_expire(e.v);
	expect(&e, -1);
	assert_int_equal(hull_vsock_count(e.v), 1);
	hull_vsock_expire(e.v);
	assert_false(hull_vsock_is_leaving(e.v));
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	expect(&e, OP(RST));
	expect(&e, -1);
	assert_int_equal(hull_vsock_count(e.v), 0);
	ve_fini(&e);

	/* One that is in time; the host's end is there still, of no use to anybody. */
	end = open_by_guest(&e);
	hull_vsock_eof(e.v, end->c);
	end->deaf = true;
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	expect(&e, OP(SHUTDOWN));
	hull_vsock_expire(e.v);
	ve_packet(&e, OP(RST), 1000, 7, 0, 0);
	assert_done(&e, "close 0 0");
	assert_false(hull_vsock_is_leaving(e.v));
	assert_int_equal(hull_vsock_count(e.v), 0);
	/* One that is not, with such an end. */
	ve_packet(&e, OP(REQUEST), 1000, 7, 0, 0);
	end = &e.ends[1];
	hull_vsock_dialled(e.v, end->c, true);
	expect(&e, OP(RESPONSE));
	hull_vsock_eof(e.v, end->c);
	end->deaf = true;
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	expect(&e, OP(SHUTDOWN));
	hull_vsock_expire(e.v);
	assert_done(&e, "dial 1 7");
	hull_vsock_expire(e.v);
	assert_done(&e, "close 1 0");
	expect(&e, OP(RST));
	hull_vsock_expire(e.v);
	assert_int_equal(hull_vsock_count(e.v), 0);
	ve_fini(&e);
}

/* The guest has closed: what it had sent still goes to the host, which has its own time. */
static void test_drain(void **state)
{
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	end->takes = 0;
	ve_packet(&e, OP(RW), 1000, 7, 3000, 0);
	ve_packet(&e, OP(SHUTDOWN), 1000, 7, 0, RCV | SEND);
	assert_done(&e, "");
	expect(&e, OP(RST));
	/* The same ports may be used again meanwhile. */
	ve_packet(&e, OP(REQUEST), 1000, 7, 0, 0);
	assert_done(&e, "dial 1 7");
	end->takes = SIZE_MAX;
	hull_vsock_writable(e.v, end->c);
	assert_done(&e, "write 0 3000; close 0 0");
	assert_int_equal(hull_vsock_count(e.v), 1);
	ve_fini(&e);
}

static void test_credit_for_guest(void **state)
{
	struct virtio_vsock_hdr h;
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	/* It is told by itself once half of the room has been used and is free again. */
	ve_packet(&e, OP(RW), 1000, 7, HULL_VSOCK_ROOM / 2 - 1, 0);
	expect(&e, -1);
	ve_packet(&e, OP(RW), 1000, 7, 1, 0);
	h = expect(&e, OP(CREDIT_UPDATE));
	assert_int_equal(le32toh(h.fwd_cnt), HULL_VSOCK_ROOM / 2);
	/* Or of what the guest has itself, which is as much as some let be on the way. */
	h = ve_header(OP(RW), 1000, 7, 0, 0);
	h.buf_alloc = htole32(5000);
	hull_vsock_take(e.v, &h, NULL, 0);
	expect(&e, -1);
	ve_done(&e, (char[512]){0}, 512);
	h.len = htole32(2500);
	hull_vsock_take(e.v, &h, &(const struct iovec){(char[2500]){0}, 2500}, 1);
	assert_done(&e, "write 0 2500");
	expect(&e, OP(CREDIT_UPDATE));
	end->takes = 0;
	ve_packet(&e, OP(RW), 1000, 7, HULL_VSOCK_ROOM, 0); /* all it has */
	expect(&e, -1);
	ve_done(&e, (char[64]){0}, 64);
	ve_packet(&e, OP(RW), 1000, 7, 1, 0);
	expect(&e, OP(RST));
	assert_done(&e, "close 0 0");
	ve_fini(&e);
}

static void test_credit_of_guest(void **state)
{
	struct virtio_vsock_hdr h;
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	h = ve_header(OP(CREDIT_UPDATE), 1000, 7, 0, 0);
	h.buf_alloc = htole32(10000);
	hull_vsock_take(e.v, &h, NULL, 0);
	hull_vsock_readable(e.v, end->c, true);
	expect_bytes(&e, 10000);
	hull_vsock_send(e.v, end->c, 4000, &h);
	assert_int_equal(le32toh(h.len), 4000);
	expect_bytes(&e, 6000);
	hull_vsock_send(e.v, end->c, 1000, &h);
	expect(&e, OP(CREDIT_REQUEST)); /* in time, and once */
	expect_bytes(&e, 5000);
	hull_vsock_send(e.v, end->c, 5000, &h);
	expect(&e, -1);
	h = ve_header(OP(CREDIT_UPDATE), 1000, 7, 0, 0);
	h.buf_alloc = htole32(10000);
	h.fwd_cnt = htole32(9000);
	hull_vsock_take(e.v, &h, NULL, 0);
	expect_bytes(&e, 9000);
	/* It takes back what it gave: there is none, but no harm done. */
	h.buf_alloc = htole32(10);
	h.fwd_cnt = 0;
	hull_vsock_take(e.v, &h, NULL, 0);
	expect(&e, -1);
	h.fwd_cnt = htole32(20000); /* more than it got */
	hull_vsock_take(e.v, &h, NULL, 0);
	expect(&e, -1);
	ve_fini(&e);
}

static void test_turns(void **state)
{
	struct hull_vsock_conn *first;
	struct ve e;

	open_by_guest(&e);
	ve_packet(&e, OP(REQUEST), 1001, 7, 0, 0);
	hull_vsock_dialled(e.v, e.ends[1].c, true);
	expect(&e, OP(RESPONSE));
	hull_vsock_readable(e.v, e.ends[0].c, true);
	hull_vsock_readable(e.v, e.ends[1].c, true);
	first = expect_bytes(&e, HULL_VSOCK_TURN);
	hull_vsock_send(e.v, first, 100, &(struct virtio_vsock_hdr){0});
	assert_ptr_not_equal(expect_bytes(&e, HULL_VSOCK_TURN), first);
	/* A guest that reads nothing of it is in nobody's way. */
	ve_packet(&e, OP(SHUTDOWN), 1000, 7, 0, RCV);
	assert_ptr_equal(expect_bytes(&e, HULL_VSOCK_TURN), e.ends[1].c);
	assert_ptr_equal(expect_bytes(&e, HULL_VSOCK_TURN), e.ends[1].c);
	assert_done(&e, "dial 1 7; shutdown-read 0 0");
	ve_fini(&e);
}

static void test_bounds(void **state)
{
	struct ve_end *end;
	struct ve e;

	ve_init(&e);
	e.quiet = true;
	for (uint32_t i = 0; i < 2000; i++)
		if (hull_vsock_may_take(e.v))
			ve_packet(&e, OP(REQUEST), i, 7, 0, 0);
	assert_int_equal(hull_vsock_count(e.v), HULL_VSOCK_CONNS_MAX - HULL_VSOCK_CONNS_KEPT);
	assert_false(hull_vsock_may_take(e.v)); /* it takes no answers */
	for (size_t i = 0; i < HULL_VSOCK_CONNS_KEPT; i++) {
		end = ve_new_end(&e);
		assert_int_equal(hull_vsock_dial(e.v, 1, end, &end->c), 0);
	}
	end = ve_new_end(&e);
	assert_int_equal(hull_vsock_dial(e.v, 1, end, &end->c), -EMFILE);
	for (size_t i = 0; i < HULL_VSOCK_REPLIES_MAX; i++)
		expect(&e, OP(RST));
	assert_true(hull_vsock_may_take(e.v));
	hull_vsock_forget(e.v);
	/* Those that the guest had not been asked for remain. */
	assert_int_equal(hull_vsock_count(e.v), HULL_VSOCK_CONNS_KEPT);
	ve_fini(&e);
}

static void test_host_breaks_off(void **state)
{
	struct ve_end *end;
	struct ve e;

	end = open_by_guest(&e);
	hull_vsock_reset(e.v, steal_ptr(&end->c));
	ve_packet(&e, OP(RW), 1000, 7, 100, 0);
	expect(&e, OP(RST));
	expect(&e, -1);
	assert_done(&e, "");
	assert_int_equal(hull_vsock_count(e.v), 0);
	ve_fini(&e);
}

/* Bytes that wait come out as they went in, also across the end of their ring. */
static void test_fifo(void **state)
{
	char bytes[48];
	const struct iovec iov[] = {{bytes, 20}, {bytes + 20, 28}};
	struct iovec out[2];
	struct hull_fifo f;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	hull_fifo_init(&f, 64);
	assert_int_equal(hull_fifo_pieces(&f, out), 0);
	assert_int_equal(hull_fifo_add(&f, iov, 2, 8), 0);
	assert_int_equal(hull_fifo_add(&f, iov, 2, 23), -ENOBUFS);
	hull_fifo_drop(&f, 30);
	assert_int_equal(hull_fifo_add(&f, iov, 2, 10), 0);
	assert_int_equal(f.len, 48);
	assert_int_equal(hull_fifo_pieces(&f, out), 2);
	assert_int_equal(out[0].iov_len, 34);
	assert_memory_equal(out[0].iov_base, bytes + 38, 10);
	assert_memory_equal((char *)out[0].iov_base + 10, bytes + 10, 24);
	assert_memory_equal(out[1].iov_base, bytes + 34, 14);
	hull_fifo_drop(&f, 48);
	assert_null(f.data);
	hull_fifo_fini(&f);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("vsock-device") >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_dials),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_host_dials),
		cmocka_unit_test(test_half_close_by_guest),
		cmocka_unit_test(test_half_close_by_host),
		cmocka_unit_test(test_no_answer_to_end),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_credit_for_guest),
		cmocka_unit_test(test_credit_of_guest),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_host_breaks_off),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
