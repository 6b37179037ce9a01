/* SPDX-License-Identifier: Apache-2.0
 *
 * The QMP client against scripted peers: negotiation, order, errors, bounds, and giving up in
 * the middle.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "corpus.h"
#include "proto/qmp.h"

#include "../fuzz/fuzz-qmp.c"

#define GREETING                                                                           \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, " \
	"\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define ACCEPTED "{\"return\": {}, \"id\": 0}\r\n"
#define CAPABILITIES "{\"execute\":\"qmp_capabilities\",\"id\":0}\n"

struct client {
	struct hull_qmp *q;
	struct hull_strbuf out, log; /* log: what the callbacks saw, in order */
};

static void client_output(void *ctx, const void *data, size_t len)
{
	hull_strbuf_add(&((struct client *)ctx)->out, data, len);
}

static void client_ready(void *ctx, unsigned int major, unsigned int minor, unsigned int micro)
{
	hull_strbuf_addf(&((struct client *)ctx)->log, "ready %u.%u.%u;", major, minor, micro);
}

static void client_event(void *ctx, const char *name, const struct hull_json *data)
{
	cleanup_free char *text = hull_json_text(data);

	hull_strbuf_addf(&((struct client *)ctx)->log, "%s %s;", name, data ? text : "-");
}

static void client_reply(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	cleanup_free char *text = hull_json_text(result);
	struct client *c = ctx;

	if (error)
		hull_strbuf_addf(&c->log, "%s %s;", hull_code_name(hull_error_code(error)),
				 hull_error_message(error));
	else
		hull_strbuf_addf(&c->log, "ok %s;", text);
}

static const struct hull_qmp_ops client_ops = {client_output, client_ready, client_event};

static void client_init(struct client *c)
{
	*c = (struct client){0};
	assert_int_equal(hull_qmp_new(&client_ops, c, &c->q, NULL), 0);
}

static void client_fini(struct client *c)
{
	hull_qmp_free(c->q);
	hull_strbuf_fini(&c->out);
	hull_strbuf_fini(&c->log);
}

static void feed(struct client *c, const char *text)
{
	cleanup_error struct hull_error *err = NULL;

	if (hull_qmp_feed(c->q, text, strlen(text), &err) < 0)
		fail_msg("'%s': %s", text, hull_error_message(err));
}

static void feed_refused(struct client *c, const char *text, const char *message)
{
	cleanup_error struct hull_error *err = NULL, *again = NULL;

	assert_int_equal(hull_qmp_feed(c->q, text, strlen(text), &err), -1);
	assert_string_equal(hull_error_message(err), message);
	assert_int_equal(hull_qmp_feed(c->q, GREETING, strlen(GREETING), &again), -1);
}

static void execute(struct client *c, const char *command, struct hull_json *args)
{
	assert_int_equal(hull_qmp_execute(c->q, command, args, client_reply, c, NULL), 0);
}

static void test_negotiation(void **state)
{
	struct client c;

	client_init(&c);
	execute(&c, "cont", NULL);
	assert_string_equal(hull_strbuf_str(&c.out), "");
	feed(&c, GREETING);
	assert_string_equal(hull_strbuf_str(&c.out), CAPABILITIES);
	assert_string_equal(hull_strbuf_str(&c.log), "");
	feed(&c, ACCEPTED);
	assert_string_equal(hull_strbuf_str(&c.out),
			    CAPABILITIES "{\"execute\":\"cont\",\"id\":1}\n");
	assert_string_equal(hull_strbuf_str(&c.log), "ready 7.2.22;");
	client_fini(&c);
}

static void test_split_input(void **state)
{
	static const char text[] = GREETING ACCEPTED "{\"id\": 1, \"return\": {\"a\": 1}}\r\n";
	struct client c;

	client_init(&c);
	execute(&c, "query-status", NULL);
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		assert_int_equal(hull_qmp_feed(c.q, text + i, 1, NULL), 0);
	assert_string_equal(hull_strbuf_str(&c.log), "ready 7.2.22;ok {\"a\":1};");
	client_fini(&c);
}

static void test_commands_and_events(void **state)
{
	struct hull_json *args = hull_json_object();
	struct client c;

	client_init(&c);
	feed(&c, GREETING ACCEPTED);
	hull_strbuf_clear(&c.out);
	hull_strbuf_clear(&c.log);
	assert_int_equal(hull_json_set(args, "id", hull_json_string("d1")), 0);
	execute(&c, "device_del", args);
	execute(&c, "stop", NULL);
	assert_string_equal(hull_strbuf_str(&c.out),
			    "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"d1\"},\"id\":1}\n"
			    "{\"execute\":\"stop\",\"id\":2}\n");
	feed(&c,
	     "{\"event\": \"STOP\", \"timestamp\": {}}\n"
	     "{\"return\": {}, \"id\": 2}\n"
	     "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"no\\n'd1'\"}, \"id\": 1}\n"
	     "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}\n");
	assert_string_equal(hull_strbuf_str(&c.log),
			    "STOP -;ok {};NOT_FOUND QMP 'device_del': no 'd1';"
			    "SHUTDOWN {\"guest\":true};");
	client_fini(&c);
}

static void test_not_qmp(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"{}\n", "QMP: peer did not send a greeting"},
		{"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7}}}}\n",
		 "QMP: peer did not send a greeting"},
		{"{\"return\": {}}\n", "QMP: peer did not send a greeting"},
		{"HTTP\n", "QMP: JSON line 1, column 1: unexpected character"},
		{GREETING "{\"return\": {}, \"id\": 1}\n",
		 "QMP: reply to a command that was not sent"},
		{GREETING ACCEPTED "{\"return\": {}, \"id\": 1}\n",
		 "QMP: reply to a command that was not sent"},
		{GREETING ACCEPTED ACCEPTED, "QMP: reply to a command that was not sent"},
		{GREETING ACCEPTED "{\"return\": {}}\n", "QMP: reply without an id"},
		{GREETING ACCEPTED "{}\n", "QMP: message that is neither event nor reply"},
		{GREETING ACCEPTED "{\"error\": {\"desc\": \"parse error\"}}\n",
		 "QMP 'unknown command': parse error"},
		{GREETING "{\"error\": {\"desc\": \"no\"}, \"id\": 0}\n",
		 "QMP 'qmp_capabilities': no"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct client c;

		client_init(&c);
		if (i == 4) /* held back, so no answer to it can be due */
			execute(&c, "stop", NULL);
		feed_refused(&c, cases[i].text, cases[i].message);
		client_fini(&c);
	}
}

static void test_line_bound(void **state)
{
	size_t len = ((size_t)1 << 20) + 1;
	char *huge = malloc(len);

	memset(huge, ' ', len);
	for (int ended = 0; ended < 2; ended++) {
		cleanup_error struct hull_error *err = NULL;
		struct client c;

		client_init(&c);
		feed(&c, GREETING ACCEPTED);
		/* Exactly the maximum is accepted as a beginning. */
		assert_int_equal(hull_qmp_feed(c.q, huge, len - 1, NULL), 0);
		assert_int_equal(hull_qmp_feed(c.q, "x\n", ended ? 2 : 1, &err), -1);
		assert_string_equal(hull_error_message(err), "QMP: line too long");
		client_fini(&c);
	}
	/* The same in one piece: blank, and so no message, but only one of them is too long. */
	for (int over = 0; over < 2; over++) {
		cleanup_error struct hull_error *err = NULL;
		struct client c;

		client_init(&c);
		feed(&c, GREETING ACCEPTED);
		huge = realloc(huge, len + 1);
		memset(huge, ' ', len + 1);
		huge[len - 1 + (size_t)over] = '\n';
		assert_int_equal(hull_qmp_feed(c.q, huge, len + (size_t)over, &err), -1);
		assert_string_equal(hull_error_message(err),
				    over ? "QMP: line too long"
					 : "QMP: JSON line 1, column 1048577: unexpected end");
		client_fini(&c);
	}
	free(huge);
}

static void test_free_answers_all(void **state)
{
	struct client c;

	client_init(&c);
	execute(&c, "stop", NULL);
	execute(&c, "cont", NULL);
	hull_qmp_free(steal_ptr(&c.q));
	assert_string_equal(hull_strbuf_str(&c.log), "UNAVAILABLE QMP 'stop': connection closed;"
						     "UNAVAILABLE QMP 'cont': connection closed;");
	client_fini(&c);
}

static void free_on_reply(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct client *c = ctx;

	hull_strbuf_adds(&c->log, error ? "error;" : "ok;");
	hull_qmp_free(steal_ptr(&c->q));
}

static void test_free_in_callback(void **state)
{
	struct client c;

	client_init(&c);
	for (int i = 0; i < 2; i++)
		assert_int_equal(hull_qmp_execute(c.q, "quit", NULL, free_on_reply, &c, NULL), 0);
	feed(&c, GREETING ACCEPTED "{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n");
	assert_null(c.q);
	assert_string_equal(hull_strbuf_str(&c.log), "ready 7.2.22;ok;error;");
	client_fini(&c);
}

static void test_too_much_before_ready(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	char word[1001];
	struct client c;
	int n = 0;

	client_init(&c);
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	while (hull_qmp_execute(c.q, word, NULL, NULL, NULL, &err) == 0)
		assert_true(++n < 2000);
	assert_int_equal(hull_error_code(err), HULL_E_EXHAUSTED);
	feed(&c, GREETING ACCEPTED);
	assert_true(c.out.len > 1000 * (size_t)n);
	client_fini(&c);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("qmp") >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_split_input),
		cmocka_unit_test(test_commands_and_events),
		cmocka_unit_test(test_not_qmp),
		cmocka_unit_test(test_line_bound),
		cmocka_unit_test(test_free_answers_all),
		cmocka_unit_test(test_free_in_callback),
		cmocka_unit_test(test_too_much_before_ready),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
