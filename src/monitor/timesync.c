/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to the guest's agent, see timesync.h.  The guest may answer whatever it likes, or
 * nothing.
 */
#define _GNU_SOURCE
#include "monitor/timesync.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/json.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/vports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 10000
#define ANSWER_MAX 4096
#define TOLD_MAX 200 /* of what the guest says, in our log */
#define QUEUE_MAX 4096

struct hull_timesync_client {
	struct hull_loop *loop;
	char *path;
	struct hull_conn *conn; /* NULL: none */
	struct hull_source *timer;
	struct hull_strbuf answer;
	bool asked; /* and not answered yet */
	bool old;   /* the connection has been of use before */
	bool again; /* the time has changed since it asked */
};

static void drop(struct hull_timesync_client *t)
{
	hull_conn_free(steal_ptr(&t->conn));
	hull_strbuf_clear(&t->answer);
	hull_source_arm(t->timer, 0);
	t->asked = t->old = false;
}

static void give_up(struct hull_timesync_client *t, const char *why)
{
	drop(t);
	t->again = false;
	hull_warn("timesync", "the guest's clock is not set: %s, ignoring", why);
}

static void ask(struct hull_timesync_client *t);

/* One that was fine before may have ended for no reason that concerns us: the agent is another. */
static void lost(struct hull_timesync_client *t, const char *why)
{
	bool asked = t->asked, old = t->old;

	if (asked && !old) {
		give_up(t, why);
		return;
	}
	drop(t);
	if (asked)
		ask(t);
}

static void on_closed(void *ctx, int errnum)
{
	lost(ctx, errnum ? hull_strerror(errnum) : "its agent does not listen, or hung up");
}

static void on_timer(void *ctx)
{
	lost(ctx, "its agent does not answer");
}

/* Without its control characters, and not all of it. */
static void tell_refusal(const struct hull_json *j, const char *line)
{
	const char *text = hull_json_str(hull_json_get(hull_json_get(j, "error"), "desc"));
	char shown[TOLD_MAX + 1];
	size_t n = 0;

	for (const char *s = text ? text : line; *s && n < TOLD_MAX; s++)
		shown[n++] = (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s;
	shown[n] = '\0';
	hull_warn("timesync", "the guest's clock is not set: its agent says: %s, ignoring", shown);
}

static void take_answer(struct hull_timesync_client *t, const char *line, size_t len)
{
	cleanup_json struct hull_json *j = NULL;

	(void)hull_json_parse(line, len, &j, NULL);
	if (hull_json_type(hull_json_get(j, "return")) != HULL_JSON_OBJECT)
		tell_refusal(j, line);
	t->asked = false;
	t->old = true;
	hull_source_arm(t->timer, 0);
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct hull_timesync_client *t = ctx;
	char *end;

	if (!t->asked) /* nothing was asked for */
		return;
	if (hull_strbuf_add(&t->answer, data, len) < 0) {
		give_up(t, "its agent's answer is too long");
		return;
	}
	end = memchr(t->answer.data, '\n', t->answer.len);
	if (!end)
		return;
	*end = '\0';
	take_answer(t, t->answer.data, (size_t)(end - t->answer.data));
	hull_strbuf_clear(&t->answer);
	if (t->again)
		ask(t);
}

static const struct hull_conn_ops conn_ops = {.data = on_data, .closed = on_closed};

static int connect_agent(struct hull_timesync_client *t)
{
	int fd = hull_unix_connect_now(t->path);

	return fd < 0 ? fd : hull_conn_new(t->loop, fd, QUEUE_MAX, &conn_ops, t, &t->conn);
}

static void ask(struct hull_timesync_client *t)
{
	char line[128];
	int len, r = t->conn ? 0 : connect_agent(t);

	t->again = false;
	if (r < 0) {
		give_up(t, r == -EAGAIN ? "nobody takes connections to it" : hull_strerror(-r));
		return;
	}
	len = snprintf(line, sizeof(line),
		       "{\"execute\": \"guest-set-time\", \"arguments\":{\"time\": %" PRIu64 "}}\n",
		       hull_realtime_ns());
	t->asked = true;
	hull_source_arm(t->timer, hull_deadline_ms(ANSWER_MS));
	(void)hull_conn_write(t->conn, line, (size_t)len); /* closed() follows */
}

void hull_timesync_tell(struct hull_timesync_client *t)
{
	if (t->asked)
		t->again = true;
	else
		ask(t);
}

int hull_timesync_new(struct hull_loop *loop, const struct hull_config *config,
		      struct hull_timesync_client **ret, struct hull_error **err)
{
	struct hull_timesync_client *t;
	int r = -ENOMEM;

	*ret = NULL;
	if (!hull_vports_timesync(config))
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t)
		return hull_fail_nomem(err);
	t->loop = loop;
	t->answer.max = ANSWER_MAX;
	t->path = hull_path_join(config->run_dir, HULL_TIMESYNC_SOCKET);
	if (t->path)
		r = hull_loop_add_timer(loop, on_timer, t, &t->timer);
	if (r < 0) {
		hull_timesync_free(t);
		return hull_fail_errno(err, -r, "timesync: set up a timer");
	}
	*ret = t;
	return 0;
}

void hull_timesync_free(struct hull_timesync_client *t)
{
	if (!t)
		return;
	hull_conn_free(t->conn);
	hull_source_remove(&t->timer);
	hull_strbuf_fini(&t->answer);
	free(t->path);
	free(t);
}
