/* SPDX-License-Identifier: Apache-2.0
 *
 * The tail of tail.h: a connection that only reads, and a buffer cut from the front.
 */
#define _GNU_SOURCE
#include "base/tail.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <unistd.h>

struct hull_tail {
	struct hull_conn *conn; /* NULL once the child has closed its end */
	struct hull_strbuf text;
};

static void on_data(void *ctx, const char *data, size_t len)
{
	struct hull_tail *t = ctx;

	(void)hull_strbuf_add(&t->text, data, len); /* without memory the tail is shorter */
	if (t->text.len > HULL_TAIL_MAX)
		hull_strbuf_drop(&t->text, t->text.len - HULL_TAIL_MAX);
}

static void on_closed(void *ctx, int errnum)
{
	struct hull_tail *t = ctx;

	hull_conn_free(steal_ptr(&t->conn));
}

static const struct hull_conn_ops conn_ops = {.data = on_data, .closed = on_closed};

int hull_tail_new(struct hull_loop *loop, struct hull_tail **ret_tail, int *ret_write_fd,
		  struct hull_error **err)
{
	struct hull_tail *t = calloc(1, sizeof(*t));
	int p[2], r;

	if (!t)
		return hull_fail_nomem(err);
	if (pipe2(p, O_CLOEXEC) < 0) {
		r = errno;
		free(t);
		return hull_fail_errno(err, r, "make a pipe for error messages");
	}
	r = hull_conn_new(loop, p[0], 0, &conn_ops, t, &t->conn);
	if (r < 0) {
		close(p[1]);
		free(t);
		return hull_fail_errno(err, -r, "watch error messages");
	}
	*ret_tail = t;
	*ret_write_fd = p[1];
	return 0;
}

void hull_tail_free(struct hull_tail *t)
{
	if (!t)
		return;
	hull_conn_free(t->conn);
	hull_strbuf_fini(&t->text);
	free(t);
}

const char *hull_tail_text(struct hull_tail *t)
{
	char buf[4096];
	ssize_t n;

	while (t->conn && (n = read(hull_conn_fd(t->conn), buf, sizeof(buf))) > 0)
		on_data(t, buf, (size_t)n);
	for (size_t i = 0; i < t->text.len; i++)
		if ((unsigned char)t->text.data[i] < ' ' && t->text.data[i] != '\n')
			t->text.data[i] = ' ';
	while (t->text.len && t->text.data[t->text.len - 1] == '\n')
		t->text.data[--t->text.len] = '\0';
	return hull_strbuf_str(&t->text);
}
