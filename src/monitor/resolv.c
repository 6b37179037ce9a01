/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading resolv.conf(5).
 */
#define _GNU_SOURCE
#include "monitor/resolv.h"

#include "base/cleanup.h"
#include "base/inet.h"

#include <string.h>

#define DOMAIN_MAX_LEN 253
#define BLANK " \t\r"

static bool is_domain(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	return len && len <= DOMAIN_MAX_LEN && !s[len];
}

static void add_nameserver(struct hull_resolv *r, char *text)
{
	struct hull_ip ip;

	text[strcspn(text, "%")] = '\0'; /* a zone of v6 */
	if (hull_parse_ip(text, &ip) < 0)
		return;
	if (ip.family == AF_INET)
		r->v4 = true;
	else
		r->v6 = true;
}

/* The last "search" or "domain" line counts. */
static void set_search(struct hull_resolv *r, char **rest)
{
	char *word;

	hull_strv_fini(&r->search);
	while ((word = strtok_r(NULL, BLANK, rest)))
		if (r->search.n < HULL_RESOLV_SEARCH_MAX && is_domain(word))
			hull_strv_add(&r->search, word);
}

static void parse_line(struct hull_resolv *r, char *line)
{
	char *rest = NULL, *key, *value;

	if (*line == '#' || *line == ';')
		return;
	key = strtok_r(line, BLANK, &rest);
	if (!key)
		return;
	if (!strcmp(key, "nameserver")) {
		value = strtok_r(NULL, BLANK, &rest);
		if (value)
			add_nameserver(r, value);
	} else if (!strcmp(key, "search") || !strcmp(key, "domain")) {
		set_search(r, &rest);
	}
}

int hull_resolv_parse(const char *text, struct hull_resolv *ret)
{
	cleanup_free char *copy = strdup(text);

	*ret = (struct hull_resolv){0};
	if (!copy)
		return -ENOMEM;
	for (char *line = copy, *end; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		parse_line(ret, line);
	}
	return ret->search.failed ? -ENOMEM : 0;
}

void hull_resolv_fini(struct hull_resolv *r)
{
	hull_strv_fini(&r->search);
}
