/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operation was made of: spans of time on the host's CLOCK_MONOTONIC.  Phases (depth 0)
 * follow each other without gaps; parts (depth 1) lie inside the phase before them in the list.
 */
#ifndef HULL_BASE_TIMELINE_H
#define HULL_BASE_TIMELINE_H

#include "base/vec.h"

#include <stdint.h>

struct hull_span {
	char *name; /* owned */
	enum hull_where { HULL_AT_HULL, HULL_AT_MONITOR, HULL_AT_HYPERVISOR, HULL_AT_GUEST } where;
	unsigned int depth;
	uint64_t start_ns, end_ns;
};
extern const char *const hull_where_names[]; /* ended by NULL */

struct hull_timeline {
	HULL_VEC(struct hull_span) spans;
};

/* Without memory the span is left out: time then shows up as unattributed. */
void hull_timeline_add(struct hull_timeline *t, enum hull_where where, unsigned int depth,
		       const char *name, uint64_t start_ns, uint64_t end_ns);
/* What of [from, to) no phase covers. */
uint64_t hull_timeline_unattributed(const struct hull_timeline *t, uint64_t from, uint64_t to);
void hull_timeline_fini(struct hull_timeline *t);

#endif
