/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of spans.
 */
#define _GNU_SOURCE
#include "base/timeline.h"

#include "base/cleanup.h"

#include <string.h>

const char *const hull_where_names[] = {"hull", "monitor", "hypervisor", "guest", NULL};

void hull_timeline_add(struct hull_timeline *t, enum hull_where where, unsigned int depth,
		       const char *name, uint64_t start_ns, uint64_t end_ns)
{
	char *copy = strdup(name);
	struct hull_span *s = copy ? hull_vec_push(&t->spans) : NULL;

	if (s)
		*s = (struct hull_span){copy, where, depth, start_ns, MAX(start_ns, end_ns)};
	else
		free(copy);
}

uint64_t hull_timeline_unattributed(const struct hull_timeline *t, uint64_t from, uint64_t to)
{
	uint64_t at = from, gaps = 0;

	for (size_t i = 0; i < t->spans.n; i++) {
		const struct hull_span *s = &t->spans.v[i];

		if (s->depth)
			continue;
		if (s->start_ns > at)
			gaps += MIN(s->start_ns, to) - MIN(at, to);
		at = MAX(at, s->end_ns);
	}
	return gaps + (to > at ? to - at : 0);
}

void hull_timeline_fini(struct hull_timeline *t)
{
	for (size_t i = 0; i < t->spans.n; i++)
		free(t->spans.v[i].name);
	free(t->spans.v);
	*t = (struct hull_timeline){0};
}
