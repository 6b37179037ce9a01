/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving one file, see ignition.h.  It is read once: what becomes of it later, or is left of it
 * when the guest asks, changes nothing.
 */
#define _GNU_SOURCE
#include "monitor/ignition.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "monitor/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BACKLOG 16
#define SNIFF_MAX 512

static const struct hull_http_limits limits = {
	.connections = 16,
	.grace_ms = 250,
	.head_ms = 10000,
	.body_ms = 10000,
	.write_ms = 60000,
	.idle_ms = 60000,
	.request = {.line = 4096, .head = 16384, .body = 16384},
};

struct hull_ignition_server {
	struct hull_http_server *http;
	struct hull_strbuf file;
	const char *type;
};

/* What has a byte that no text has is none. */
static const char *guess_type(const struct hull_strbuf *file)
{
	const unsigned char *s = (const unsigned char *)hull_strbuf_str(file);

	if (file->len >= 3 && !memcmp(s, "\x1f\x8b\x08", 3))
		return "application/x-gzip";
	for (size_t i = 0; i < MIN(file->len, SNIFF_MAX); i++)
		if (s[i] < ' ' && !strchr("\t\n\f\r\x1b", s[i] ? s[i] : ' '))
			return "application/octet-stream";
	return "text/plain; charset=utf-8";
}

static void on_request(void *ctx, struct hull_http_call *call, const struct hull_http1_request *rq)
{
	const struct hull_ignition_server *s = ctx;
	const char *range = hull_http1_header(rq, "range");
	struct hull_http1_response r = {
		.status = 200,
		.type = s->type,
		.ranges = true,
		.body = hull_strbuf_str(&s->file),
		.body_len = s->file.len,
		.lasting = true,
	};
	uint64_t first = 0, len = 0;
	char text[96];

	/* "if-range" asks whether it is still the version that a part is there of: we can't tell.
	 */
	if (!range || hull_http1_header(rq, "if-range")) {
		hull_http_reply(call, &r);
		return;
	}
	switch (hull_http1_range(range, s->file.len, &first, &len)) {
	case HULL_HTTP1_PART_WHOLE:
		break;
	case HULL_HTTP1_PART_SOME:
		r.status = 206;
		r.body = hull_strbuf_str(&s->file) + first;
		r.body_len = len;
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%zu", first,
			 first + len - 1, s->file.len);
		r.range = text;
		break;
	case HULL_HTTP1_PART_NONE:
		r = (struct hull_http1_response){.status = 416, .range = text};
		snprintf(text, sizeof(text), "bytes */%zu", s->file.len);
		break;
	}
	hull_http_reply(call, &r);
}

static const struct hull_http_ops ops = {.request = on_request};

static void closep(struct hull_ignition_server **s)
{
	hull_ignition_close(*s);
}

int hull_ignition_open(struct hull_loop *loop, const struct hull_config *config,
		       struct hull_ignition_server **ret, struct hull_error **err)
{
	cleanup_with(closep) struct hull_ignition_server *s = NULL;
	cleanup_free char *path = NULL;
	int r;

	*ret = NULL;
	if (!config->ignition)
		return 0;
	s = calloc(1, sizeof(*s));
	path = hull_path_join(config->run_dir, HULL_IGNITION_SOCKET);
	if (!s || !path)
		return hull_fail_nomem(err);
	s->file.max = HULL_IGNITION_MAX + 1;
	r = hull_regular_read(config->ignition, HULL_IGNITION_MAX, &s->file);
	if (r == -EFBIG)
		return hull_fail(err, HULL_E_INVALID, "ignition: '%s' is larger than %zu MiB",
				 config->ignition, HULL_IGNITION_MAX >> 20);
	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID, "ignition: '%s' is not a regular file",
				 config->ignition);
	if (r < 0)
		return hull_fail_errno(err, -r, "ignition: read '%s'", config->ignition);
	s->type = guess_type(&s->file);
	if (hull_http_server_new(loop, &limits, &ops, s, &s->http, err) < 0)
		return -1;
	r = hull_unix_listen(path, BACKLOG, 0600);
	if (r >= 0)
		r = hull_http_server_listen(s->http, r);
	if (r < 0)
		return hull_fail_errno(err, -r, "ignition: listen on '%s'", path);
	*ret = steal_ptr(&s);
	return 0;
}

void hull_ignition_close(struct hull_ignition_server *s)
{
	if (!s)
		return;
	hull_http_server_free(s->http);
	hull_strbuf_fini(&s->file);
	free(s);
}
