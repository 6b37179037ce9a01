/* SPDX-License-Identifier: Apache-2.0
 *
 * What is measured over a link to a guest, by the same loops whether the link is hull's or a bare
 * port: round trips, and bytes each way, alone or while the other saturates the link.
 */
#ifndef HULL_BENCH_MEASURE_H
#define HULL_BENCH_MEASURE_H

#include <stdbool.h>

struct bench_link {
	/* One call and its answer. */
	bool (*round_trip)(void *ctx);
	/* A descriptor that the guest fills (@in false) or empties as fast as it can, -1 if there
	 * is none. */
	int (*stream)(void *ctx, bool in);
	/* Any other command; prints a line.  May be NULL. */
	bool (*other)(void *ctx, const char *command);
	void *ctx;
};

/* Serves commands, a line each, until the end of standard input; answers are lines of JSON.
 *
 *   calls N [out|in]   N round trips, alone or beside a saturated stream: {"ns": [...]}
 *   out MS | in MS     a stream for so long: {"bytes": n, "ns": n}
 *
 * False when something failed; standard error says what. */
bool bench_serve(const struct bench_link *link);

#endif
