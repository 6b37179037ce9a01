/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's channels against a host that is a yamux machine too; ttrpc connections are fakes
 * that echo.
 */
#include "unit.h"

#include "agent/agent.h"
#include "agent/channel.h"
#include "agent/rpc.h"
#include "base/loop.h"
#include "mux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what channel.c is linked against ---- */

struct hull_rpc_conn {
	hull_ttrpc_output_fn output;
	void *ctx;
};

static int rpc_live;
static bool rpc_fails;

int hull_rpc_conn_new(struct hull_agent *a, hull_ttrpc_output_fn output, void *ctx,
		      struct hull_rpc_conn **ret_conn)
{
	struct hull_rpc_conn *c = malloc(sizeof(*c));

	*c = (struct hull_rpc_conn){output, ctx};
	rpc_live++;
	*ret_conn = c;
	return 0;
}

int hull_rpc_conn_feed(struct hull_rpc_conn *conn, const void *data, size_t len)
{
	if (rpc_fails)
		return -1;
	conn->output(conn->ctx, data, len);
	return 0;
}

void hull_rpc_conn_free(struct hull_rpc_conn *conn)
{
	rpc_live -= conn ? 1 : 0;
	free(conn);
}

/* ---- guest ---- */

static void on_pending(void *ctx)
{
}

static bool on_accept(void *ctx, struct hull_yamux_stream *s)
{
	return hull_channels_accept(ctx, s);
}

static void on_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	hull_channel_data(hull_yamux_user(s), data, len);
}

static void on_eof(void *ctx, struct hull_yamux_stream *s)
{
	hull_channel_eof(hull_yamux_user(s));
}

static void on_reset(void *ctx, struct hull_yamux_stream *s)
{
	hull_channel_reset(hull_yamux_user(s));
}

static void on_writable(void *ctx, struct hull_yamux_stream *s)
{
	hull_channel_writable(hull_yamux_user(s));
}

static const struct hull_yamux_ops guest_ops = {
	.pending = on_pending,
	.accept = on_accept,
	.data = on_data,
	.eof = on_eof,
	.reset = on_reset,
	.writable = on_writable,
};

struct env {
	struct hull_agent agent;
	struct hull_yamux *guest;
	struct side host;
	struct hull_yamux_stream *s; /* the host's last */
	/* The owner of a claimed stream. */
	struct hull_channel *ch;
	size_t appetite; /* bytes it will use */
	bool lets_go;	 /* when it gets data */
	struct hull_strbuf got;
	int eofs, gones, writables;
};

static size_t owner_data(void *ctx, const void *data, size_t len)
{
	struct env *e = ctx;

	if (e->lets_go) {
		hull_stream_release(steal_ptr(&e->ch));
		return 0;
	}
	len = MIN(len, e->appetite);
	e->appetite -= len;
	hull_strbuf_add(&e->got, data, len);
	return len;
}

static void owner_eof(void *ctx)
{
	((struct env *)ctx)->eofs++;
}

static void owner_writable(void *ctx)
{
	((struct env *)ctx)->writables++;
}

static void owner_gone(void *ctx)
{
	((struct env *)ctx)->gones++;
	((struct env *)ctx)->ch = NULL;
}

static const struct hull_stream_ops owner_ops = {
	.data = owner_data,
	.eof = owner_eof,
	.writable = owner_writable,
	.gone = owner_gone,
};

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	*state = e;
	rpc_fails = false;
	return hull_loop_new(&e->agent.loop, NULL) < 0 ||
			       hull_channels_new(&e->agent, &e->agent.channels, NULL) < 0 ||
			       hull_yamux_new(false, 0, &guest_ops, e->agent.channels, &e->guest,
					      NULL) < 0 ||
			       side_init(&e->host, true, 0) < 0
		       ? -1
		       : 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	hull_yamux_free(e->guest);
	side_fini(&e->host);
	hull_loop_free(e->agent.loop);
	free(e->agent.channels);
	hull_strbuf_fini(&e->got);
	free(e);
	return rpc_live;
}

static void to_guest(struct env *e, size_t piece)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	side_output(&e->host, &b, SIZE_MAX);
	for (size_t at = 0; at < b.len; at += piece)
		assert_int_equal(
			hull_yamux_feed(e->guest, b.data + at, MIN(piece, b.len - at), NULL), 0);
}

static void to_host(struct env *e)
{
	size_t len;
	const void *p;

	while ((p = hull_yamux_output(e->guest, &len))) {
		assert_int_equal(side_feed(&e->host, p, len), 0);
		hull_yamux_sent(e->guest, len);
	}
}

static void talk(struct env *e)
{
	for (int i = 0; i < 4; i++) {
		to_guest(e, SIZE_MAX / 2);
		to_host(e);
	}
}

static void say(struct env *e, const void *data, size_t len)
{
	assert_int_equal(hull_yamux_write(e->s, data, len), len);
}

static void host_opens(struct env *e, const char *line)
{
	assert_int_equal(hull_yamux_open(e->host.y, &e->s, NULL), 0);
	say(e, line, strlen(line));
}

static void says_id(struct env *e, const char *id)
{
	char buf[300] = {0};

	buf[3] = (char)strlen(id);
	memcpy(buf + 4, id, strlen(id));
	say(e, buf, 4 + strlen(id));
}

/* Events at the host, with zero bytes and the stream's number shown as dots. */
static void host_sees(struct env *e, const char *want)
{
	char *log;

	talk(e);
	if (e->host.data_id)
		hull_strbuf_adds(&e->host.log, "\n");
	e->host.data_id = 0;
	log = e->host.log.data;
	for (size_t i = 0; i < e->host.log.len; i++)
		if (!log[i])
			log[i] = '.';
	assert_string_equal(hull_strbuf_str(&e->host.log), want);
	hull_strbuf_clear(&e->host.log);
}

static void claimed(struct env *e, const char *id)
{
	host_opens(e, "CONNECT 1026\n");
	says_id(e, id);
	talk(e);
	hull_strbuf_clear(&e->host.log);
	e->host.data_id = 0;
	e->ch = hull_stream_claim(e->agent.channels, id, &owner_ops, e);
	assert_non_null(e->ch);
}

/* ---- tests ---- */

static void calls(void **state)
{
	struct env *e = *state;

	host_opens(e, "CONNECT 1024\nhello");
	host_sees(e, "data 1 OK 1\nhello\n");
	assert_int_equal(rpc_live, 1);
	say(e, "more", 4);
	host_sees(e, "data 1 more\n");
	hull_yamux_shutdown(e->s);
	host_sees(e, "eof 1\n");
	assert_int_equal(rpc_live, 0);
}

static void bytes_one_by_one(void **state)
{
	struct env *e = *state;

	host_opens(e, "CONNECT 1024\nhello");
	to_guest(e, 1);
	host_sees(e, "data 1 OK 1\nhello\n");
	host_opens(e, "CONNECT 1026\n");
	says_id(e, "x-1");
	say(e, "data", 4);
	to_guest(e, 1);
	host_sees(e, "data 3 OK 3\n...\003x-1\n");
	e->ch = hull_stream_claim(e->agent.channels, "x-1", &owner_ops, e);
	e->appetite = 100;
	hull_stream_resume(e->ch);
	assert_string_equal(hull_strbuf_str(&e->got), "data");
}

static void a_broken_connection_is_reset(void **state)
{
	struct env *e = *state;

	rpc_fails = true;
	host_opens(e, "CONNECT 1024\nhello");
	host_sees(e, "data 1 OK 1\n\nreset 1\n");
	assert_int_equal(rpc_live, 0);
}

static void what_is_no_handshake_is_reset(void **state)
{
	static const char *const lines[] = {"CONNECT 1025\n", "HELLO\n", "CONNECT \n",
					    "CONNECT 99999999999999999999999999999999999999"};
	struct env *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char want[32];

		host_opens(e, lines[i]);
		snprintf(want, sizeof(want), "reset %zu\n", 2 * i + 1);
		host_sees(e, want);
	}
	host_opens(e, "CONNECT 1026\n");
	say(e, "\0\0\0\0", 4);
	host_sees(e, "data 9 OK 9\n\nreset 9\n");
	host_opens(e, "CONNECT 1026\n");
	say(e, "\177\0\0\0", 4);
	host_sees(e, "data 11 OK 11\n\nreset 11\n");
}

static void names_are_unique_while_unclaimed(void **state)
{
	struct env *e = *state;

	host_opens(e, "CONNECT 1026\n");
	says_id(e, "a");
	host_sees(e, "data 1 OK 1\n...\001a\n");
	assert_true(hull_stream_is_unclaimed(e->agent.channels, "a"));
	host_opens(e, "CONNECT 1026\n");
	says_id(e, "a");
	host_sees(e, "data 3 OK 3\n...\031stream \"a\" already exists\neof 3\n");
	assert_non_null(hull_stream_claim(e->agent.channels, "a", &owner_ops, e));
	assert_null(hull_stream_claim(e->agent.channels, "a", &owner_ops, e));
	host_opens(e, "CONNECT 1026\n");
	says_id(e, "a");
	host_sees(e, "data 5 OK 5\n...\001a\n");
}

static void the_unclaimed_go_with_the_host(void **state)
{
	struct env *e = *state;

	host_opens(e, "CONNECT 1026\n");
	says_id(e, "a");
	talk(e);
	hull_yamux_close(e->s);
	talk(e);
	assert_false(hull_stream_is_unclaimed(e->agent.channels, "a"));
}

static void what_is_not_used_is_offered_again(void **state)
{
	struct env *e = *state;

	claimed(e, "a");
	say(e, "onetwothree", 11);
	e->appetite = 3;
	talk(e);
	assert_string_equal(hull_strbuf_str(&e->got), "one");
	assert_true(hull_stream_pending(e->ch));
	say(e, "four", 4);
	hull_yamux_shutdown(e->s);
	talk(e);
	e->appetite = 3;
	hull_stream_resume(e->ch);
	assert_string_equal(hull_strbuf_str(&e->got), "onetwo");
	assert_int_equal(e->eofs, 0);
	e->appetite = 100;
	hull_stream_resume(e->ch);
	assert_string_equal(hull_strbuf_str(&e->got), "onetwothreefour");
	assert_int_equal(e->eofs, 1);
	hull_stream_release(e->ch);
	host_sees(e, "eof 1\n");
	assert_int_equal(hull_yamux_streams(e->guest), 0);
}

static void the_window_is_what_was_used(void **state)
{
	static char zeros[HULL_YAMUX_WINDOW + 1];
	struct env *e = *state;
	size_t sent = 0;

	claimed(e, "a");
	for (int i = 0; i < 20; i++) {
		sent += (size_t)hull_yamux_write(e->s, zeros, sizeof(zeros) - sent);
		talk(e);
	}
	/* The handshake was part of the first window; its bytes alone give nothing back. */
	assert_in_range(sent, HULL_YAMUX_WINDOW - 64, HULL_YAMUX_WINDOW);
	assert_int_equal(e->got.len, 0);
	e->appetite = SIZE_MAX;
	hull_stream_resume(e->ch);
	assert_int_equal(e->got.len, sent);
	talk(e);
	assert_true(hull_yamux_write(e->s, zeros, 1) == 1);
}

/* More than one window goes through, whoever uses the bytes. */
static void flows(struct env *e)
{
	static char zeros[64 << 10];
	size_t sent = 0;

	for (int i = 0; i < 100; i++) {
		sent += (size_t)hull_yamux_write(e->s, zeros, sizeof(zeros));
		talk(e);
	}
	assert_true(sent > 4 * HULL_YAMUX_WINDOW);
}

static void windows_come_back(void **state)
{
	struct env *e = *state;

	claimed(e, "a");
	e->appetite = SIZE_MAX;
	flows(e);
	e->lets_go = true;
	flows(e);
	assert_null(e->ch);
	hull_strbuf_clear(&e->host.log);
	host_opens(e, "CONNECT 1024\n");
	flows(e);
}

static void writing_stops_at_the_window(void **state)
{
	static char zeros[HULL_YAMUX_WINDOW * 2];
	struct env *e = *state;
	size_t sent = 0;

	claimed(e, "a");
	e->host.keep = true;
	for (int i = 0; i < 40; i++) {
		sent += hull_stream_write(e->ch, zeros, sizeof(zeros) - sent);
		talk(e);
	}
	assert_in_range(sent, HULL_YAMUX_WINDOW - 64, HULL_YAMUX_WINDOW);
	e->writables = 0;
	hull_yamux_consume(e->s, HULL_YAMUX_WINDOW - 64);
	talk(e);
	assert_int_equal(e->writables, 1);
	assert_true(hull_stream_write(e->ch, zeros, 1) == 1);
}

static void release_drops_what_still_comes(void **state)
{
	struct env *e = *state;

	claimed(e, "a");
	say(e, "unused", 6);
	talk(e);
	assert_true(hull_stream_write(e->ch, "bye", 3) == 3);
	hull_stream_release(e->ch);
	say(e, "more", 4);
	host_sees(e, "data 1 bye\neof 1\n");
	assert_int_equal(hull_yamux_streams(e->guest), 1);
	hull_yamux_shutdown(e->s);
	talk(e);
	assert_int_equal(hull_yamux_streams(e->guest), 0);
	assert_int_equal(e->gones, 0);
	assert_int_equal(e->got.len, 0);
}

static void release_while_getting_data(void **state)
{
	struct env *e = *state;

	claimed(e, "a");
	e->lets_go = true;
	say(e, "data", 4);
	hull_yamux_shutdown(e->s);
	host_sees(e, "eof 1\n");
	assert_int_equal(hull_yamux_streams(e->guest), 0);

	e->lets_go = false;
	claimed(e, "b");
	say(e, "data", 4);
	hull_yamux_shutdown(e->s);
	talk(e);
	e->lets_go = true;
	hull_stream_resume(e->ch);
	host_sees(e, "eof 3\n");
	assert_int_equal(hull_yamux_streams(e->guest), 0);
	assert_int_equal(e->eofs, 0);
}

static void abort_and_gone(void **state)
{
	struct env *e = *state;

	claimed(e, "a");
	hull_stream_abort(e->ch);
	host_sees(e, "reset 1\n");
	assert_int_equal(e->gones, 0);
	claimed(e, "b");
	hull_yamux_close(e->s);
	talk(e);
	assert_int_equal(e->gones, 1);
	claimed(e, "c");
	hull_yamux_free(steal_ptr(&e->guest));
	assert_int_equal(e->gones, 2);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(calls),
		test(bytes_one_by_one),
		test(a_broken_connection_is_reset),
		test(what_is_no_handshake_is_reset),
		test(names_are_unique_while_unclaimed),
		test(the_unclaimed_go_with_the_host),
		test(what_is_not_used_is_offered_again),
		test(the_window_is_what_was_used),
		test(windows_come_back),
		test(writing_stops_at_the_window),
		test(release_drops_what_still_comes),
		test(release_while_getting_data),
		test(abort_and_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
