/* SPDX-License-Identifier: Apache-2.0
 *
 * What a start was made of.  The guest tells its own spans on its own clock, with Setup's answer.
 *
 * Where its clock stands on ours follows from causes coming before effects: it began Setup after we
 * had sent it, and answered, as it had greeted, before we heard of it.  Half way between those
 * bounds is less than a millisecond off.  A guest can say what it likes: names are checked, and
 * times are cut off at what we have seen for ourselves.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/os.h"

#include <string.h>

#define SPANS_MAX 32
#define NAME_MAX_LEN 32
#define GREETED "ports"	 /* the guest's span that its greeting ends */
#define SETUP "identity" /* the first of those that belong to Setup */

typedef Hull__Agent__V1__SetupResponse Response;

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789 -");

	return n && n <= NAME_MAX_LEN && !s[n];
}

static const Hull__Agent__V1__Span *find(const Response *r, const char *name)
{
	for (size_t i = 0; i < r->n_spans; i++)
		if (!strcmp(r->spans[i]->name, name))
			return r->spans[i];
	return NULL;
}

static bool is_sound(const Response *r)
{
	if (!r->n_spans || r->n_spans > SPANS_MAX || !find(r, GREETED) || !find(r, SETUP))
		return false;
	for (size_t i = 0; i < r->n_spans; i++)
		if (!is_name(r->spans[i]->name))
			return false;
	return true;
}

/* Host minus guest; wraps around as it likes. */
static uint64_t clock_offset(const struct hull_monitor *m, const Response *r, uint64_t now)
{
	uint64_t most = MIN(now - r->now_ns, m->greeted_ns - find(r, GREETED)->end_ns);
	uint64_t least = m->setup_ns - find(r, SETUP)->start_ns;

	return least < most ? least + (most - least) / 2 : most;
}

static uint64_t clamp(uint64_t t, uint64_t from, uint64_t to)
{
	return MIN(MAX(t, from), to);
}

static void add(struct hull_monitor *m, enum hull_where where, const char *name, uint64_t from,
		uint64_t to)
{
	hull_timeline_add(&m->timeline, where, 0, name, from, to);
}

/* Those of the guest's spans that ended before it greeted, or the others, as parts. */
static void add_parts(struct hull_monitor *m, const Response *r, bool before, uint64_t offset,
		      uint64_t from, uint64_t to)
{
	uint64_t greeted = find(r, GREETED)->end_ns;

	for (size_t i = 0; i < r->n_spans; i++) {
		const Hull__Agent__V1__Span *s = r->spans[i];

		if ((s->end_ns <= greeted) == before)
			hull_timeline_add(&m->timeline, HULL_AT_GUEST, 1, s->name,
					  clamp(s->start_ns + offset, from, to),
					  clamp(s->end_ns + offset, from, to));
	}
}

static void add_start(struct hull_monitor *m)
{
	add(m, HULL_AT_MONITOR, "prepare", m->asked_ns, m->spawned_ns);
	add(m, HULL_AT_HYPERVISOR, "hypervisor", m->spawned_ns, m->runs_ns);
}

void hull_monitor_timeline_guest(struct hull_monitor *m, const void *setup_response)
{
	const Response *r = setup_response;
	uint64_t now = hull_now_ns(), offset, agent;

	if (m->ready_ns) /* it has started once */
		return;
	add_start(m);
	if (!is_sound(r)) {
		add(m, HULL_AT_GUEST, "kernel and agent", m->runs_ns, m->greeted_ns);
		add(m, HULL_AT_GUEST, "setup", m->greeted_ns, now);
		return;
	}
	offset = clock_offset(m, r, now);
	agent = clamp(r->spans[0]->start_ns + offset, m->runs_ns, m->greeted_ns);
	add(m, HULL_AT_GUEST, "kernel", m->runs_ns, agent);
	add(m, HULL_AT_GUEST, "agent", agent, m->greeted_ns);
	add_parts(m, r, true, offset, agent, m->greeted_ns);
	add(m, HULL_AT_GUEST, "setup", m->greeted_ns, now);
	add_parts(m, r, false, offset, m->greeted_ns, now);
}

void hull_monitor_timeline_no_guest(struct hull_monitor *m)
{
	if (!m->ready_ns)
		add_start(m);
}
