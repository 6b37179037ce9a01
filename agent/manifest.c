/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the module manifest.
 */
#include "agent/manifest.h"

#include <string.h>

static bool is_name(const char *s, size_t len)
{
	if (!len || len > HULL_MANIFEST_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i] | 0x20;

		if (!(c >= 'a' && c <= 'z') && !(s[i] >= '0' && s[i] <= '9') && s[i] != '_' &&
		    s[i] != '-')
			return false;
	}
	return true;
}

static size_t skip(const char *line, size_t len, size_t at, bool blanks)
{
	while (at < len && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r') == blanks)
		at++;
	return at;
}

static bool parse_line(const char *line, size_t len, struct hull_manifest_entry *e)
{
	size_t a = skip(line, len, 0, true), b = skip(line, len, a, false);
	size_t c = skip(line, len, b, true), d = skip(line, len, c, false);

	if (skip(line, len, d, true) != len || !is_name(line + a, b - a) ||
	    !is_name(line + c, d - c))
		return false;
	memset(e, 0, sizeof(*e));
	memcpy(e->stage, line + a, b - a);
	memcpy(e->module, line + c, d - c);
	return true;
}

bool hull_manifest_next(const char *text, size_t len, size_t *pos,
			struct hull_manifest_entry *ret_entry)
{
	while (*pos < len) {
		const char *line = text + *pos, *nl = memchr(line, '\n', len - *pos);
		size_t n = nl ? (size_t)(nl - line) : len - *pos;

		*pos += n + (nl ? 1 : 0);
		if (parse_line(line, n, ret_entry))
			return true;
	}
	return false;
}
