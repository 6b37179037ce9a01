/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of forked children: see report.h.
 */
#define _GNU_SOURCE
#include "base/report.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <string.h>

static void send_record(int fd, struct hull_strbuf *b)
{
	/* Without memory the reader gets a record it can't understand, which is an error too. */
	(void)hull_fd_write_all(fd, hull_strbuf_str(b), b->failed ? 1 : b->len);
}

void hull_report_done(int fd, const void *data, size_t len)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	(void)hull_strbuf_add(&b, "+", 1);
	(void)hull_strbuf_add(&b, data, len);
	send_record(fd, &b);
}

void hull_report_error(int fd, const struct hull_error *err)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	const char *texts[] = {hull_error_cause(err), hull_error_message(err),
			       hull_error_hint(err)};
	char head[2] = {'-', (char)hull_error_code(err)};

	(void)hull_strbuf_add(&b, head, sizeof(head));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		(void)hull_strbuf_add(&b, texts[i], strlen(texts[i]) + 1);
	send_record(fd, &b);
}

int hull_report_parse(const char *rec, size_t len, const char **ret_data, size_t *ret_len,
		      struct hull_error **err)
{
	const char *texts[3], *p = rec + 2, *end = rec + len;

	if (len && rec[0] == '+') {
		*ret_data = rec + 1;
		*ret_len = len - 1;
		return 0;
	}
	if (len < 2 || rec[0] != '-')
		return hull_fail(err, HULL_E_AGENT, "helper process ended without a report");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));

		if (!nul)
			return hull_fail(err, HULL_E_AGENT, "helper process left a broken report");
		texts[i] = p;
		p = nul + 1;
	}
	return hull_fail_remote(err, (unsigned char)rec[1], texts[0], texts[1], texts[2]);
}
