/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent as a whole: what its parts share.  One thread, one loop, nothing in it blocks; work
 * that may (mounts, modules, sync) happens in a forked child.  The one exception is Setup, before
 * which there is nothing to serve, and whose deadline is the host's.
 *
 *   port ── link ── channel ─┬─ rpc ── service ─┬─ setup, mount, clock, power
 *                            └─ named streams ──┴─ session ── launch
 *                                                    └─ pump
 */
#ifndef HULL_AGENT_AGENT_H
#define HULL_AGENT_AGENT_H

#include "agent/reaper.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_channels;
struct hull_coldplug;
struct hull_modules;
struct hull_ports;
struct hull_sessions;
struct hull_uevents;

/* When something of the agent's own start happened, on the guest's CLOCK_MONOTONIC. */
struct hull_span {
	const char *name; /* static */
	uint64_t start_ns, end_ns;
};

#define HULL_AGENT_SPANS 16

struct hull_agent {
	struct hull_loop *loop;
	struct hull_reaper reaper;
	struct hull_uevents *uevents;
	struct hull_modules *modules;
	struct hull_coldplug *coldplug;
	struct hull_channels *channels;
	struct hull_ports *ports;
	struct hull_sessions *sessions;
	char *root;	    /* owned: absolute path of the sessions' root, NULL: our own */
	char *api_root;	    /* owned: the root that has its API mounts */
	uint64_t linked_ns; /* the link's modules are loaded: next come its ports */
	bool greeted;	    /* a host has said hello on the control port and been answered */
	bool ending;
	struct hull_source *grace; /* of an end that waits for programs */
	struct hull_span spans[HULL_AGENT_SPANS];
	size_t n_spans;
};

/* Records one span; those beyond the table are dropped. */
void hull_agent_span(struct hull_agent *a, const char *name, uint64_t start_ns, uint64_t end_ns);
/* One line on the console, then sync and power off.  For what PID 1 can't go on without. */
_Noreturn void hull_agent_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
