/* SPDX-License-Identifier: Apache-2.0
 *
 * A session's input and output between real pipes and terminals and a fake stream, whose window
 * the test sets.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "agent/channel.h"
#include "agent/pump.h"
#include "agent/terminal.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PIPE_LEN (256 << 10) /* what pump.c widens pipes to */

/* ---- the fake stream ---- */

struct hull_channel {
	const struct hull_stream_ops *ops;
	void *ctx;
	size_t window;
	struct hull_strbuf sent; /* by the guest */
	struct hull_strbuf kept; /* from the host, not used */
	bool eof, released, aborted;
};

static struct hull_channel *streams[4];
static size_t n_streams;

struct hull_channel *hull_stream_claim(struct hull_channels *cs, const char *id,
				       const struct hull_stream_ops *ops, void *ctx)
{
	struct hull_channel *ch = calloc(1, sizeof(*ch));

	ch->ops = ops;
	ch->ctx = ctx;
	ch->window = SIZE_MAX;
	streams[n_streams++] = ch;
	return ch;
}

void hull_stream_resume(struct hull_channel *ch)
{
	size_t n = ch->kept.len ? ch->ops->data(ch->ctx, ch->kept.data, ch->kept.len) : 0;

	hull_strbuf_drop(&ch->kept, ch->released ? ch->kept.len : n);
	if (!ch->kept.len && ch->eof && !ch->released)
		ch->ops->eof(ch->ctx);
}

bool hull_stream_pending(const struct hull_channel *ch)
{
	return ch->kept.len > 0;
}

size_t hull_stream_write(struct hull_channel *ch, const void *data, size_t len)
{
	len = MIN(len, ch->window);
	ch->window -= len;
	hull_strbuf_add(&ch->sent, data, len);
	return len;
}

void hull_stream_release(struct hull_channel *ch)
{
	if (ch)
		ch->released = true;
}

void hull_stream_abort(struct hull_channel *ch)
{
	if (ch)
		ch->released = ch->aborted = true;
}

static void host_sends(struct hull_channel *ch, const char *text)
{
	hull_strbuf_adds(&ch->kept, text);
	hull_stream_resume(ch);
}

/* ---- fixture ---- */

struct env {
	struct hull_loop *loop;
	struct hull_output out;
	struct hull_input in;
	int theirs; /* the program's end of what is tested */
	int slave;
};

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	*state = e;
	n_streams = 0;
	e->theirs = e->slave = -1;
	signal(SIGPIPE, SIG_IGN);
	if (hull_loop_new(&e->loop, NULL) < 0)
		return -1;
	hull_output_init(&e->out, e->loop);
	hull_input_init(&e->in, e->loop);
	return 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	hull_output_fini(&e->out);
	hull_input_fini(&e->in);
	hull_loop_free(e->loop);
	hull_closep(&e->theirs);
	hull_closep(&e->slave);
	for (size_t i = 0; i < n_streams; i++) {
		hull_strbuf_fini(&streams[i]->sent);
		hull_strbuf_fini(&streams[i]->kept);
		free(streams[i]);
	}
	free(e);
	return 0;
}

static void settle(struct env *e)
{
	for (int i = 0; i < 50; i++)
		assert_int_equal(hull_loop_step(e->loop, 0), 0);
}

static void start_output(struct env *e)
{
	cleanup_with(hull_stdio_fini) struct hull_stdio io = HULL_STDIO_INIT;

	assert_int_equal(hull_stdio_pipes(false, &io), 0);
	e->theirs = steal_fd(&io.theirs[1]);
	assert_true(fcntl(e->theirs, F_SETPIPE_SZ, PIPE_LEN) >= PIPE_LEN); /* as if it said much */
	assert_int_equal(hull_set_nonblock(e->theirs, true), 0);
	assert_int_equal(hull_output_start(&e->out, steal_fd(&io.ours[1])), 0);
}

static void start_input(struct env *e)
{
	cleanup_with(hull_stdio_fini) struct hull_stdio io = HULL_STDIO_INIT;

	assert_int_equal(hull_stdio_pipes(true, &io), 0);
	e->theirs = steal_fd(&io.theirs[0]);
	assert_int_equal(hull_set_nonblock(e->theirs, true), 0);
	assert_int_equal(hull_input_start(&e->in, steal_fd(&io.ours[0]), false), 0);
}

static void start_terminal(struct env *e)
{
	cleanup_with(hull_stdio_fini) struct hull_stdio io = HULL_STDIO_INIT;

	if (hull_stdio_terminal(24, 80, &io) < 0)
		skip();
	e->slave = steal_fd(&io.theirs[0]);
	assert_int_equal(hull_output_start(&e->out, steal_fd(&io.ours[1])), 0);
	assert_int_equal(hull_input_start(&e->in, steal_fd(&io.ours[0]), true), 0);
}

/* What the program writes: numbered bytes, as many as go; returns how many. */
static size_t writes(struct env *e, uint64_t from, size_t len)
{
	size_t done = 0;

	while (done < len) {
		char buf[4096];
		size_t n = MIN(sizeof(buf), len - done);
		ssize_t r;

		for (size_t i = 0; i < n; i++)
			buf[i] = (char)((from + done + i) * 31 >> 3);
		r = write(e->theirs, buf, n);
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	return done;
}

static void is_numbered(const struct hull_strbuf *b, uint64_t from)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] != (char)((from + i) * 31 >> 3))
			fail_msg("byte %zu of %zu is wrong", i, b->len);
}

static void reads(struct env *e, const char *want)
{
	char buf[256] = "";
	ssize_t n = read(e->theirs, buf, sizeof(buf) - 1);

	assert_true(n >= 0 || !*want);
	assert_string_equal(buf, want);
}

static void at_end(struct env *e)
{
	char c;

	assert_int_equal(read(e->theirs, &c, 1), 0);
}

/* ---- output ---- */

static void follows_and_ends(void **state)
{
	struct env *e = *state;

	hull_output_attach(&e->out, NULL, "a", true);
	start_output(e);
	assert_int_equal(writes(e, 0, 100000), 100000);
	settle(e);
	assert_int_equal(streams[0]->sent.len, 100000);
	is_numbered(&streams[0]->sent, 0);
	assert_false(streams[0]->released);
	hull_closep(&e->theirs);
	settle(e);
	assert_true(streams[0]->released && !streams[0]->aborted);
	/* Whoever comes later gets the ring and the end. */
	hull_output_attach(&e->out, NULL, "b", true);
	assert_int_equal(streams[1]->sent.len, HULL_RING_SIZE);
	is_numbered(&streams[1]->sent, 100000 - HULL_RING_SIZE);
	assert_true(streams[1]->released);
}

static void nobody_attached_never_blocks(void **state)
{
	struct env *e = *state;
	size_t done = 0;

	start_output(e);
	for (int i = 0; i < 100; i++) {
		done += writes(e, done, 50000);
		settle(e);
	}
	assert_int_equal(done, 5000000);
	hull_output_attach(&e->out, NULL, "a", true);
	assert_int_equal(streams[0]->sent.len, HULL_RING_SIZE);
	is_numbered(&streams[0]->sent, done - HULL_RING_SIZE);
	hull_output_attach(&e->out, NULL, "b", false);
	assert_true(streams[0]->aborted);
	assert_int_equal(streams[1]->sent.len, 0);
	writes(e, done, 10);
	settle(e);
	assert_int_equal(streams[1]->sent.len, 10);
	is_numbered(&streams[1]->sent, done);
}

static void a_full_window_holds_the_program(void **state)
{
	struct env *e = *state;
	size_t done = 0, last;

	hull_output_attach(&e->out, NULL, "a", true);
	streams[0]->window = 1000;
	start_output(e);
	do {
		last = done;
		done += writes(e, done, 100000);
		settle(e);
	} while (done != last);
	/* The window, the ring, the pipe. */
	assert_in_range(done, HULL_RING_SIZE, 1000 + HULL_RING_SIZE + (256 << 10));
	assert_int_equal(streams[0]->sent.len, 1000);
	/* In small steps nothing is lost. */
	while (streams[0]->sent.len < done) {
		streams[0]->window = 7777;
		streams[0]->ops->writable(streams[0]->ctx);
		settle(e);
	}
	assert_int_equal(streams[0]->sent.len, done);
	is_numbered(&streams[0]->sent, 0);
}

static void held_up_and_ended(void **state)
{
	struct env *e = *state;
	size_t done;

	hull_output_attach(&e->out, NULL, "a", true);
	streams[0]->window = 0;
	start_output(e);
	done = writes(e, 0, 200000);
	settle(e);
	hull_closep(&e->theirs);
	settle(e);
	assert_false(streams[0]->released);
	streams[0]->window = SIZE_MAX;
	streams[0]->ops->writable(streams[0]->ctx);
	settle(e);
	assert_int_equal(streams[0]->sent.len, done);
	is_numbered(&streams[0]->sent, 0);
	assert_true(streams[0]->released);
}

static void who_says_much_gets_a_wide_pipe(void **state)
{
	enum { SMALL = 64 << 10 };
	struct env *e = *state;

	hull_output_attach(&e->out, NULL, "a", true);
	start_output(e);
	assert_int_equal(fcntl(e->theirs, F_SETPIPE_SZ, SMALL), SMALL);
	assert_int_equal(writes(e, 0, 1000), 1000);
	settle(e);
	assert_int_equal(fcntl(e->theirs, F_GETPIPE_SZ), SMALL);
	assert_int_equal(writes(e, 1000, SMALL), SMALL);
	settle(e);
	assert_int_equal(fcntl(e->theirs, F_GETPIPE_SZ), PIPE_LEN);
	assert_int_equal(streams[0]->sent.len, 1000 + SMALL);
	is_numbered(&streams[0]->sent, 0);
}

static void a_client_that_goes_frees_the_program(void **state)
{
	struct env *e = *state;
	size_t done;

	hull_output_attach(&e->out, NULL, "a", true);
	streams[0]->window = 0;
	start_output(e);
	done = writes(e, 0, 200000);
	settle(e);
	streams[0]->ops->gone(streams[0]->ctx);
	settle(e);
	done += writes(e, done, 200000);
	settle(e);
	assert_int_equal(done, 400000);
	hull_output_attach(&e->out, NULL, "b", true);
	assert_int_equal(streams[1]->sent.len, HULL_RING_SIZE);
	is_numbered(&streams[1]->sent, done - HULL_RING_SIZE);
}

static void never_run(void **state)
{
	struct env *e = *state;

	hull_output_attach(&e->out, NULL, "a", true);
	hull_output_end(&e->out);
	assert_true(streams[0]->released);
}

/* ---- input ---- */

static void input_and_eof(void **state)
{
	struct env *e = *state;

	hull_input_attach(&e->in, NULL, "a");
	host_sends(streams[0], "before ");
	assert_true(hull_stream_pending(streams[0]));
	start_input(e);
	reads(e, "before ");
	host_sends(streams[0], "after");
	reads(e, "after");
	streams[0]->eof = true;
	hull_stream_resume(streams[0]);
	at_end(e);
	assert_true(streams[0]->released);
}

static void eof_before_the_start(void **state)
{
	struct env *e = *state;

	hull_input_attach(&e->in, NULL, "a");
	streams[0]->eof = true;
	host_sends(streams[0], "text");
	start_input(e);
	reads(e, "text");
	at_end(e);
}

static void a_slow_reader_holds_the_host(void **state)
{
	struct env *e = *state;
	cleanup_strbuf struct hull_strbuf big = HULL_STRBUF_INIT;
	size_t got = 0;
	char buf[8192];

	while (big.len < 1000000)
		hull_strbuf_adds(&big, "0123456789abcdefghijklmnopqrstuvwxyz\n");
	hull_input_attach(&e->in, NULL, "a");
	start_input(e);
	host_sends(streams[0], big.data);
	assert_in_range(big.len - streams[0]->kept.len, 4096, 256 << 10);
	streams[0]->eof = true;
	hull_input_close(&e->in); /* after what is pending */
	for (;;) {
		ssize_t n = read(e->theirs, buf, sizeof(buf));

		if (n == 0)
			break;
		if (n > 0) {
			assert_memory_equal(buf, big.data + got, n);
			got += (size_t)n;
		}
		settle(e);
	}
	assert_int_equal(got, big.len);
	assert_true(streams[0]->released);
}

static void closing_and_going(void **state)
{
	struct env *e = *state;

	hull_input_attach(&e->in, NULL, "a");
	start_input(e);
	/* The client's going is no EOF; another may take over. */
	streams[0]->ops->gone(streams[0]->ctx);
	hull_input_attach(&e->in, NULL, "b");
	host_sends(streams[1], "b");
	hull_input_attach(&e->in, NULL, "c");
	assert_true(streams[1]->aborted);
	host_sends(streams[2], "c");
	reads(e, "bc");
	hull_input_close(&e->in);
	at_end(e);
	assert_true(streams[2]->released && !streams[2]->aborted);
	/* What comes now is thrown away. */
	hull_input_attach(&e->in, NULL, "d");
	assert_true(streams[3]->released);
}

static void nobody_reads(void **state)
{
	struct env *e = *state;

	hull_input_attach(&e->in, NULL, "a");
	start_input(e);
	hull_closep(&e->theirs);
	settle(e);
	assert_true(streams[0]->released);
	/* Noticed by writing, too. */
	hull_input_attach(&e->in, NULL, "b");
	assert_true(streams[1]->released);
}

/* ---- terminal ---- */

static void reads_line(struct env *e, const char *want)
{
	char buf[256] = "";
	ssize_t n;

	settle(e);
	assert_int_equal(fcntl(e->slave, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	n = read(e->slave, buf, sizeof(buf) - 1);
	assert_int_equal(n, strlen(want));
	assert_string_equal(buf, want);
}

static void terminal_eof(void **state)
{
	struct env *e = *state;

	hull_input_attach(&e->in, NULL, "a");
	hull_output_attach(&e->out, NULL, "b", true);
	start_terminal(e);
	host_sends(streams[0], "line\n");
	reads_line(e, "line\n");
	/* In the middle of a line one ^D would only hand that over. */
	host_sends(streams[0], "rest");
	streams[0]->eof = true;
	hull_stream_resume(streams[0]);
	reads_line(e, "rest");
	reads_line(e, "");
	assert_true(streams[0]->released);
	/* It goes on for whoever attaches. */
	hull_input_attach(&e->in, NULL, "c");
	host_sends(streams[2], "more\n");
	reads_line(e, "more\n");
	hull_input_close(&e->in);
	reads_line(e, "");
	assert_string_equal(hull_strbuf_str(&streams[1]->sent), "line\r\nrestmore\r\n");
	assert_false(streams[1]->released);
	hull_closep(&e->slave);
	settle(e);
	assert_true(streams[1]->released);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(follows_and_ends),
		test(nobody_attached_never_blocks),
		test(a_full_window_holds_the_program),
		test(held_up_and_ended),
		test(who_says_much_gets_a_wide_pipe),
		test(a_client_that_goes_frees_the_program),
		test(never_run),
		test(input_and_eof),
		test(eof_before_the_start),
		test(a_slow_reader_holds_the_host),
		test(closing_and_going),
		test(nobody_reads),
		test(terminal_eof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
