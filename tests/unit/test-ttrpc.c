/* SPDX-License-Identifier: Apache-2.0
 *
 * ttrpc on the wire and its server's rules, one by one; the client's are in test-ttrpc-client.c.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "corpus.h"
#include "ttrpc-ends.h"

#include "../fuzz/fuzz-ttrpc.c"

#define TOO_LONG "'message length 4194305 exceed maximum message size of 4194304'"

enum { Q = HULL_TTRPC_REQUEST, R = HULL_TTRPC_RESPONSE, D = HULL_TTRPC_DATA };
enum { CLOSED = HULL_TTRPC_CLOSED, OPEN = HULL_TTRPC_OPEN, NO_DATA = HULL_TTRPC_NO_DATA };

static void test_bytes(void **state)
{
	static const uint8_t request[] = {
		0,    0,    0,	  0x2a, 0,   0,	   0, 1,   1, 0, /* header */
		0x0a, 3,    's',  'v',	'c',			 /* service */
		0x12, 4,    'k',  'e',	'e', 'p',		 /* method */
		0x1a, 2,    'h',  'i',				 /* payload */
		0x20, 0xc8, 0x01,				 /* timeout 200 */
		0x2a, 6,    0x0a, 1,	'k', 0x12, 1, '1',	 /* metadata */
		0x2a, 6,    0x0a, 1,	'k', 0x12, 1, '2',	 /* again */
		0x2a, 6,    0x0a, 1,	'l', 0x12, 1, '3',
	};
	static const uint8_t reply[] = {0, 0, 0, 4, 0, 0, 0, 1, 2, 0, 0x12, 2, 'h', 'o'};
	struct end s;
	size_t len;

	server_init(&s);
	assert_int_equal(hull_ttrpc_feed(s.t, request, sizeof(request), NULL), 0);
	assert_string_equal(seen(&s), "svc.keep 'hi'\n");
	assert_int_equal(hull_ttrpc_pending(s.t), 1);
	assert_int_equal(hull_ttrpc_timeout_ns(s.kept[0]), 200);
	assert_memory_equal(hull_ttrpc_payload(s.kept[0], &len), "hi", 2);
	assert_string_equal(hull_ttrpc_metadata(s.kept[0], "k"), "1");
	assert_string_equal(hull_ttrpc_metadata(s.kept[0], "l"), "3");
	assert_null(hull_ttrpc_metadata(s.kept[0], "m"));
	assert_null(hull_ttrpc_user(s.kept[0]));
	hull_ttrpc_set_user(s.kept[0], &s);
	assert_ptr_equal(hull_ttrpc_user(s.kept[0]), &s);
	hull_ttrpc_reply(s.kept[0], "ho", 2);
	assert_int_equal(s.out.len, sizeof(reply));
	assert_memory_equal(s.out.data, reply, sizeof(reply));
	assert_int_equal(hull_ttrpc_pending(s.t), 0);
	assert_int_equal(hull_ttrpc_deadline(s.t), 0);
	end_fini(&s);
}

/* A request as raw protobuf, and what becomes of it: what the handler saw, or code 3. */
static void test_envelopes(void **state)
{
	static const struct {
		const char *body;
		size_t len;
		const char *seen;
	} cases[] = {
#define ENVELOPE(body, seen) {body, sizeof(body) - 1, seen}
		ENVELOPE("", ". ''\n"), ENVELOPE("\x0a\x01s\x12\x01m", "s.m ''\n"),
		/* The last one wins; order is free. */
		ENVELOPE("\x12\x01m\x0a\x01x\x0a\x01s\x1a\x01p\x1a\x01q", "s.m 'q'\n"),
		/* Unknown fields of every wire type, and known ones with a wrong type. */
		ENVELOPE("\x30\x01\x39"
			 "12345678"
			 "\x42\x01z\x4d"
			 "1234\x08\x01\x12\x01m",
			 ".m ''\n"),
		/* Groups, nested, with fields that would be ours outside. */
		ENVELOPE("\x53\x0a\x01x\x5b\x5c\x08\x01\x54\x0a\x01s", "s. ''\n"),
		/* A large field number, a negative timeout. */
		ENVELOPE("\xfa\xff\xff\xff\x0f\x00\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
			 ". ''\n"),
		ENVELOPE("\x2a\x00\x2a\x02\x12\x00\x12\x01m", ".m ''\n"),
		ENVELOPE("\x0a\x02s", NULL), /* longer than the message */
		ENVELOPE("\x0a", NULL),	     /* no length */
		ENVELOPE("\x0a\xff\xff\xff\xff\x0f", NULL),
		ENVELOPE("\x80", NULL),			    /* unfinished tag */
		ENVELOPE("\x02\x00", NULL),		    /* field 0 */
		ENVELOPE("\x80\x80\x80\x80\x10\x00", NULL), /* field 2^29 */
		ENVELOPE("\x0e", NULL),			    /* wire type 6 */
		ENVELOPE("\x54", NULL),			    /* end without a group */
		ENVELOPE("\x53\x0a\x01x", NULL),	    /* group without an end */
		ENVELOPE("\x53\x5c", NULL),		    /* ended by another */
		ENVELOPE("\x39\x31\x32", NULL),		    /* short fixed values */
		ENVELOPE("\x4d\x31", NULL),
		ENVELOPE("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", NULL), /* 65 bits */
		ENVELOPE("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", NULL),
		ENVELOPE("\x0a\x03s\0t", NULL), /* NULs inside strings */
		ENVELOPE("\x12\x01\0", NULL), ENVELOPE("\x2a\x03\x0a\x01\0", NULL),
		ENVELOPE("\x2a\x03\x12\x01\0", NULL),
		ENVELOPE("\x2a\x02\x0a\x01", NULL), /* malformed metadata */
	};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct end s;

		server_init(&s);
		add_frame(&in, 1, Q, 0, cases[i].body, cases[i].len);
		feed(&s, &in);
		assert_string_equal(seen(&s), cases[i].seen ? cases[i].seen : "");
		assert_string_equal(sent(&s),
				    cases[i].seen ? "" : "R1/0 3 'undecodable request'\n");
		end_fini(&s);
	}
}

static void test_envelope_limits(void **state)
{
	cleanup_strbuf struct hull_strbuf body = HULL_STRBUF_INIT, in = HULL_STRBUF_INIT;
	char nested[66];
	struct end s;

	server_init(&s);
	for (unsigned int i = 0; i < HULL_TTRPC_METADATA_MAX; i++)
		hull_strbuf_add(&body, "\x2a\x03\x0a\x01k", 5);
	add_frame(&in, 1, Q, 0, body.data, body.len);
	feed(&s, &in);
	assert_string_equal(hull_ttrpc_metadata(s.kept[0], "k"), "");
	hull_strbuf_add(&body, "\x2a\x00", 2);
	add_frame(&in, 3, Q, 0, body.data, body.len);
	feed(&s, &in);
	assert_string_equal(sent(&s), "R3/0 3 'undecodable request'\n");

	memset(nested, 0x53, 33);
	memset(nested + 33, 0x54, 33);
	add_frame(&in, 5, Q, 0, nested + 1, 64);
	add_frame(&in, 7, Q, 0, nested, 66);
	feed(&s, &in);
	assert_int_equal(s.n_kept, 2);
	assert_string_equal(sent(&s), "R7/0 3 'undecodable request'\n");
	end_fini(&s);
}

static void test_timeouts(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	add_frame(&in, 1, Q, 0, "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	feed(&s, &in);
	add_frame(&in, 3, Q, 0, "\x30\x05\x22\x01z", 5); /* not a number: none */
	feed(&s, &in);
	assert_int_equal(hull_ttrpc_timeout_ns(s.kept[0]), 1);
	assert_int_equal(hull_ttrpc_timeout_ns(s.kept[1]), 0);
	end_fini(&s);
}

static void test_ids(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	hull_strbuf_add(&in, "\0\0\0\0\0\0\0\0\0\0", 10); /* the probe */
	feed(&s, &in);
	assert_string_equal(sent(&s), "R0/0 3 'stream id 0 is not odd'\n");
	for (unsigned int type = 0; type < 5; type++)
		add_frame(&in, 2, (uint8_t)type, 0, "x", 1);
	feed(&s, &in);
	assert_string_equal(sent(&s), "R2/0 3 'stream id 2 is not odd'\n"
				      "R2/0 3 'stream id 2 is not odd'\n"
				      "R2/0 3 'stream id 2 is not odd'\n"
				      "R2/0 3 'stream id 2 is not odd'\n"
				      "R2/0 3 'stream id 2 is not odd'\n");

	add_request(&in, 5, 0, "echo", "a"); /* gaps are fine */
	add_request(&in, 3, 0, "echo", "b");
	add_request(&in, 5, 0, "echo", "c");
	add_request(&in, 7, 0, "echo", "d");
	add_request(&in, UINT32_MAX, 0, "echo", "e");
	feed(&s, &in);
	assert_string_equal(seen(&s), "svc.echo 'a'\nsvc.echo 'd'\nsvc.echo 'e'\n");
	assert_string_equal(sent(&s), "R5/0 0 'a'\n"
				      "R3/0 3 'stream id 3 does not rise above 5'\n"
				      "R5/0 3 'stream id 5 does not rise above 5'\n"
				      "R7/0 0 'd'\n"
				      "R4294967295/0 0 'e'\n");
	end_fini(&s);
}

/* Whatever answers a live id has ended its call, and nothing is answered twice. */
static void test_violation_ends_call(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	add_request(&in, 1, 0, "keep", "a");
	add_request(&in, 1, 0, "keep", "b");
	feed(&s, &in);
	assert_string_equal(seen(&s), "svc.keep 'a'\ngone keep\n");
	assert_string_equal(sent(&s), "R1/0 3 'stream id 1 does not rise above 1'\n");
	assert_int_equal(hull_ttrpc_pending(s.t), 0);
	/* An undecodable request has used its id up. */
	add_frame(&in, 9, Q, 0, "\x80", 1);
	add_request(&in, 9, 0, "keep", "");
	feed(&s, &in);
	assert_string_equal(sent(&s), "R9/0 3 'undecodable request'\n"
				      "R9/0 3 'stream id 9 does not rise above 9'\n");
	end_fini(&s);
}

static void test_other_types(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	add_request(&in, 1, OPEN, "keep", "");
	feed(&s, &in);
	for (unsigned int type = 0; type < 256; type++)
		if (type != Q && type != D)
			add_frame(&in, 1, (uint8_t)type, 0xff, "x", 1);
	feed(&s, &in);
	assert_string_equal(seen(&s), "svc.keep stream ''\n");
	assert_string_equal(sent(&s), "");
	end_fini(&s);
}

static void test_maximum(void **state)
{
	cleanup_free char *big = calloc(1, HULL_TTRPC_MESSAGE_MAX + 1);
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9, 1, 0};
	struct end s;

	assert_non_null(big);
	server_init(&s);
	memset(big, 'x', HULL_TTRPC_MESSAGE_MAX);
	memcpy(big, "\x1a\xfb\xff\xff\x01", 5); /* a payload that fills the frame exactly */
	add_frame(&in, 1, Q, 0, big, HULL_TTRPC_MESSAGE_MAX);
	feed(&s, &in);
	assert_non_null(strstr(seen(&s), "xxx...4194299'\n"));

	/* One more: discarded, answered, and the id is still free; whole and in pieces. */
	add_frame(&in, 3, Q, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	feed(&s, &in);
	assert_string_equal(sent(&s), "R3/0 8 " TOO_LONG "\n");
	add_frame(&in, 3, Q, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	for (size_t at = 0; at < in.len; at += 4095)
		assert_int_equal(
			hull_ttrpc_feed(s.t, in.data + at, MIN((size_t)4095, in.len - at), NULL),
			0);
	hull_strbuf_clear(&in);
	assert_string_equal(sent(&s), "R3/0 8 " TOO_LONG "\n");
	/* Length comes before the id's parity. */
	add_frame(&in, 2, 99, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	add_request(&in, 3, OPEN, "keep", "");
	add_frame(&in, 3, D, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	add_request(&in, 5, 0, "echo", "alive");
	feed(&s, &in);
	assert_string_equal(seen(&s), "svc.keep stream ''\ngone keep\nsvc.echo 'alive'\n");
	assert_string_equal(sent(&s), "R2/0 8 " TOO_LONG "\nR3/0 8 " TOO_LONG "\nR5/0 0 'alive'\n");
	/* Nothing is kept of a frame of 4 GiB while it comes in. */
	assert_int_equal(hull_ttrpc_feed(s.t, huge, sizeof(huge), NULL), 0);
	assert_int_equal(hull_ttrpc_feed(s.t, big, HULL_TTRPC_MESSAGE_MAX, NULL), 0);
	assert_string_equal(sent(&s), "");
	end_fini(&s);
}

static void test_answers_too_long(void **state)
{
	cleanup_free char *big = calloc(1, HULL_TTRPC_MESSAGE_MAX + 1);
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct hull_ttrpc_any any = {"a", big, HULL_TTRPC_MESSAGE_MAX};
	struct hull_ttrpc_status failed = {HULL_RPC_ABORTED, "x", &any, 1};
	struct end s;

	assert_non_null(big);
	server_init(&s);
	for (uint32_t id = 1; id < 9; id += 2)
		add_request(&in, id, 0, "keep", "");
	feed(&s, &in);
	hull_ttrpc_reply(s.kept[0], big, HULL_TTRPC_MESSAGE_MAX - 5);
	assert_int_equal(s.out.len, HULL_TTRPC_HEAD + HULL_TTRPC_MESSAGE_MAX);
	hull_strbuf_clear(&s.out);
	hull_ttrpc_reply(s.kept[1], big, HULL_TTRPC_MESSAGE_MAX - 4);
	hull_ttrpc_fail(s.kept[2], &failed);
	assert_int_equal(hull_ttrpc_send(s.kept[3], big, HULL_TTRPC_MESSAGE_MAX + 1), -EMSGSIZE);
	assert_string_equal(
		sent(&s),
		"R3/0 8 " TOO_LONG "\n"
		"R5/0 8 'message length 4194327 exceed maximum message size of 4194304'\n");
	assert_int_equal(hull_ttrpc_send(s.kept[3], big, HULL_TTRPC_MESSAGE_MAX), 0);
	assert_int_equal(s.out.len, HULL_TTRPC_HEAD + HULL_TTRPC_MESSAGE_MAX);
	assert_int_equal(hull_ttrpc_pending(s.t), 1);
	s.n_kept = 0;
	end_fini(&s);
}

/* A stream of @opened flags gets one data frame; then what handler and client see of it. */
static void test_data_frames(void **state)
{
	static const struct {
		uint8_t opened, flags;
		const char *body, *seen, *sent;
	} cases[] = {
		{OPEN, 0, "ab", "data 'ab'\n", ""},
		{OPEN, 0, "", "data ''\n", ""}, /* an empty message is a message */
		{OPEN, NO_DATA, "", "", ""},
		{OPEN, NO_DATA, "ab", "", ""},
		{OPEN, CLOSED | NO_DATA, "", "last\n", ""},
		{OPEN, CLOSED, "", "data ''\nlast\n", ""},
		{OPEN, CLOSED, "ab", "data 'ab'\ngone keep\n",
		 "R1/0 3 'the close of stream 1 carries data'\n"},
		{OPEN, CLOSED | NO_DATA, "ab", "gone keep\n",
		 "R1/0 3 'the close of stream 1 carries data'\n"},
		{OPEN, 0xf8, "ab", "data 'ab'\n", ""}, /* flags to come */
		{0, 0, "ab", "gone keep\n", "R1/0 3 'stream 1 takes no data'\n"},
		{CLOSED, 0, "ab", "gone keep\n", "R1/0 3 'stream 1 takes no data'\n"},
		{CLOSED, 0, "", "gone keep\n", "R1/0 3 'stream 1 takes no data'\n"},
		{OPEN | CLOSED, 0, "ab", "gone keep\n", "R1/0 3 'stream 1 takes no data'\n"},
		{0, CLOSED | NO_DATA, "", "", ""},
		{CLOSED, CLOSED | NO_DATA, "", "", ""},
		{CLOSED, NO_DATA, "", "", ""},
	};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct end s;
		bool gone = strstr(cases[i].seen, "gone");

		server_init(&s);
		add_request(&in, 1, cases[i].opened, "keep", "");
		feed(&s, &in);
		assert_string_equal(seen(&s), cases[i].opened == OPEN ? "svc.keep stream ''\n"
								      : "svc.keep ''\n");
		add_frame(&in, 1, D, cases[i].flags, cases[i].body, strlen(cases[i].body));
		feed(&s, &in);
		assert_string_equal(seen(&s), cases[i].seen);
		assert_string_equal(sent(&s), cases[i].sent);
		assert_int_equal(hull_ttrpc_pending(s.t), gone ? 0 : 1);
		end_fini(&s);
	}
}

static void test_after_the_end(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	add_frame(&in, 1, D, 0, "a", 1); /* never opened */
	add_frame(&in, 1, D, CLOSED | NO_DATA, "", 0);
	add_request(&in, 1, OPEN, "keep", "");
	add_frame(&in, 1, D, CLOSED | NO_DATA, "", 0);
	add_frame(&in, 1, D, CLOSED | NO_DATA, "", 0); /* twice is harmless */
	add_frame(&in, 1, D, 0, "b", 1);	       /* a message after it is not */
	add_request(&in, 3, OPEN, "end", "");
	add_frame(&in, 3, D, 0, "c", 1); /* answers */
	add_frame(&in, 3, D, 0, "d", 1);
	add_request(&in, 5, OPEN, "end", "");
	add_frame(&in, 5, D, CLOSED, "e", 1); /* answered before the bad close was judged */
	add_request(&in, 7, OPEN, "count", "");
	add_frame(&in, 7, D, CLOSED, "", 0);
	feed(&s, &in);
	assert_string_equal(seen(&s), "svc.keep stream ''\nlast\ngone keep\n"
				      "svc.end stream ''\ndata 'c'\n"
				      "svc.end stream ''\ndata 'e'\n"
				      "svc.count stream ''\ndata ''\nlast\n");
	assert_string_equal(sent(&s), "R1/0 3 'stream 1 is not active'\n"
				      "R1/0 3 'stream 1 is not active'\n"
				      "R1/0 3 'stream 1 takes no data'\n"
				      "R3/0 0 'ended'\n"
				      "R3/0 3 'stream 3 is not active'\n"
				      "R5/0 0 'ended'\n"
				      "R7/0 0 'ended'\n");
	end_fini(&s);
}

static void test_no_stream_handler(void **state)
{
	const struct hull_ttrpc_server_ops ops = {.output = ends_output, .request = ends_request};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s = {0};

	assert_int_equal(hull_ttrpc_server_new(&ops, &s, &s.t, NULL), 0);
	add_request(&in, 1, OPEN, "keep", "");
	add_frame(&in, 1, D, 0, "a", 1);
	add_request(&in, 3, OPEN, "keep", "");
	add_frame(&in, 3, D, CLOSED | NO_DATA, "", 0);
	feed(&s, &in);
	assert_string_equal(sent(&s), "R1/0 3 'stream 1 takes no data'\n");
	assert_int_equal(hull_ttrpc_pending(s.t), 1);
	end_fini(&s);
}

static void test_streams_out(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	add_request(&in, 1, CLOSED, "list", "ab");
	add_request(&in, 3, CLOSED, "list", "");
	add_request(&in, 5, CLOSED, "keep", "");
	add_request(&in, 7, OPEN, "both", "");
	add_frame(&in, 7, D, 0, "x", 1);
	add_frame(&in, 7, D, CLOSED | NO_DATA, "", 0);
	feed(&s, &in);
	assert_int_equal(hull_ttrpc_send(s.kept[0], "part", 4), 0);
	hull_ttrpc_failf(s.kept[0], HULL_RPC_DATA_LOSS, "at %d", 4);
	assert_string_equal(sent(&s), "D1/0 'ab'\nD1/0 'ab'\nD1/5 ''\n"
				      "D3/0 ''\nD3/0 ''\nD3/5 ''\n"
				      "D7/0 'x'\nD7/5 ''\n"
				      "D5/0 'part'\nR5/0 15 'at 4'\n");
	assert_int_equal(hull_ttrpc_pending(s.t), 0);
	end_fini(&s);
}

static void test_failures(void **state)
{
	static const struct {
		int code;
		const char *message, *sent;
	} cases[] = {
		{HULL_RPC_UNAVAILABLE, "not now", "R3/0 14 'not now'\n"},
		{HULL_RPC_OK, "lost", "R3/0 2 'lost'\n"},
		{-7, "", "R3/0 -7 ''\n"},
		{HULL_RPC_UNKNOWN, NULL, "R3/0 2 ''\n"},
		{5, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		 "R3/0 5 'gr\\c3\\bc\\c3\\9f \\e2\\82\\ac \\f0\\9f\\98\\80'\n"},
		{5,
		 "a\xff"
		 "b",
		 "R3/0 5 'a?b'\n"},
		{5, "\xc3\xbc \xc3", "R3/0 5 '\\c3\\bc ?'\n"},
		{5, "\xc0\x80 \xe0\x9f\xbf \xed\xa0\x80", "R3/0 5 '?\? ?\?\? ?\?\?'\n"},
		{5, "\xf5\x80\x80\x80", "R3/0 5 '?\?\?\?'\n"},
		{5, "\xed\x9f\xbf\xf4\x8f\xbf\xbf\xe0\xa0\x80",
		 "R3/0 5 '\\ed\\9f\\bf\\f4\\8f\\bf\\bf\\e0\\a0\\80'\n"},
		{5, "\xf0\x8f\xbf\xbf \xf4\x90\x80\x80 \xf5 \x80",
		 "R3/0 5 '?\?\?\? ?\?\?\? ? ?'\n"},
	};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_ttrpc_status st = {.code = cases[i].code, .message = cases[i].message};
		struct end s;

		server_init(&s);
		add_request(&in, 1, 0, "fail", "");
		add_request(&in, 3, 0, "keep", "");
		add_request(&in, 5, 0, "keep", "");
		feed(&s, &in);
		assert_string_equal(sent(&s), "R1/0 5 'no such thing' [a/b 'v'] [ '']\n");
		hull_ttrpc_fail(s.kept[0], &st);
		assert_string_equal(sent(&s), cases[i].sent);
		text = calloc(1, 4097);
		memset(text, '-', 4096);
		hull_ttrpc_failf(s.kept[1], 2, "%s", text);
		free(text);
		assert_non_null(strstr(sent(&s), "...511'"));
		s.n_kept = 0;
		end_fini(&s);
	}
}

static void ends_ignore(void *ctx, struct hull_ttrpc_call *call)
{
	struct end *e = ctx;

	if (!e->n_kept)
		e->kept[e->n_kept++] = call;
}

static void test_limits(void **state)
{
	cleanup_free char *big = calloc(1, HULL_TTRPC_MESSAGE_MAX);
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	const struct hull_ttrpc_server_ops ops = {.output = ends_output, .request = ends_ignore};
	struct end s = {0};
	uint32_t id = 1;

	assert_non_null(big);
	assert_int_equal(hull_ttrpc_server_new(&ops, &s, &s.t, NULL), 0);
	memcpy(big, "\x1a\xfb\xff\xff\x01", 5);
	for (int i = 0; i < 16; i++, id += 2) {
		add_frame(&in, id, Q, 0, big, HULL_TTRPC_MESSAGE_MAX);
		feed(&s, &in);
	}
	assert_string_equal(sent(&s), "R31/0 8 'too many open calls'\n");
	assert_int_equal(hull_ttrpc_pending(s.t), 15);
	hull_ttrpc_reply(s.kept[0], NULL, 0);
	assert_string_equal(sent(&s), "R1/0 0\n");
	add_frame(&in, id, Q, 0, big, HULL_TTRPC_MESSAGE_MAX);
	feed(&s, &in);
	assert_string_equal(sent(&s), "");
	assert_int_equal(hull_ttrpc_pending(s.t), 15);
	for (id += 2; hull_ttrpc_pending(s.t) < HULL_TTRPC_CALLS_MAX; id += 2) {
		add_request(&in, id, 0, "x", "");
		feed(&s, &in);
	}
	assert_string_equal(sent(&s), "");
	add_request(&in, 99999, 0, "x", "");
	feed(&s, &in);
	assert_string_equal(sent(&s), "R99999/0 8 'too many open calls'\n");
	end_fini(&s);
}

static void test_machine_freed(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end s;

	server_init(&s);
	hull_ttrpc_free(NULL);
	add_request(&in, 1, 0, "keep", "");
	add_request(&in, 3, OPEN, "both", "");
	add_request(&in, 5, 0, "first", ""); /* one handler answers another's call */
	add_request(&in, 7, 0, "keep", "");
	add_request(&in, 9, 0, "heir", "");
	add_request(&in, 11, 0, "kept", "");
	add_request(&in, 13, 0, "die", "");
	add_request(&in, 15, 0, "echo", ""); /* is not seen any more */
	feed(&s, &in);
	assert_string_equal(seen(&s), "svc.keep ''\nsvc.both stream ''\nsvc.first ''\n"
				      "svc.keep ''\nsvc.heir ''\nsvc.kept ''\nsvc.die ''\n"
				      "gone both\ngone keep\ngone heir\ngone die\n");
	assert_string_equal(sent(&s), "R1/0 0 'first'\nR5/0 0\n");
	end_fini(&s);
}

/* The same bytes cut in two at every place, and in pieces of one to thirteen bytes. */
static void test_splits(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	cleanup_free char *want = NULL, *answers = NULL;

	add_request(&in, 1, 0, "echo", "some payload");
	add_frame(&in, 4, D, 0, "", 0);
	add_request(&in, 3, OPEN, "both", "");
	add_frame(&in, 3, D, 0, "one", 3);
	add_frame(&in, 3, D, 0, "", 0);
	add_request(&in, 5, CLOSED, "list", "item");
	add_frame(&in, 3, D, CLOSED | NO_DATA, "", 0);
	add_request(&in, 7, 0, "fail", "");
	add_frame(&in, 9, Q, 0, "", 0);
	add_frame(&in, 9, 77, 0, "ignored", 7);
	for (size_t cut = 0; cut <= in.len + 13; cut++) {
		size_t chunk = cut <= in.len ? in.len - cut : cut - in.len;
		cleanup_free char *got = NULL, *answered = NULL;
		struct end s;

		server_init(&s);
		if (cut <= in.len)
			assert_int_equal(hull_ttrpc_feed(s.t, in.data, cut, NULL), 0);
		for (size_t at = cut <= in.len ? cut : 0; at < in.len; at += chunk)
			assert_int_equal(
				hull_ttrpc_feed(s.t, in.data + at, MIN(chunk, in.len - at), NULL),
				0);
		got = strdup(seen(&s));
		answered = strdup(sent(&s));
		if (!want) {
			want = steal_ptr(&got);
			answers = steal_ptr(&answered);
			assert_true(strlen(want) > 80 && strlen(answers) > 80);
		} else {
			assert_string_equal(got, want);
			assert_string_equal(answered, answers);
		}
		end_fini(&s);
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("ttrpc") >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_envelopes),
		cmocka_unit_test(test_envelope_limits),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_violation_ends_call),
		cmocka_unit_test(test_other_types),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_answers_too_long),
		cmocka_unit_test(test_data_frames),
		cmocka_unit_test(test_after_the_end),
		cmocka_unit_test(test_no_stream_handler),
		cmocka_unit_test(test_streams_out),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_machine_freed),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
