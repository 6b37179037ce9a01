/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull stats" and "hull top": what VMs use, in rounds.  A round is what all of them have used so
 * far, with what they have since the round before (stats.c); top.c is the same on a screen.
 */
#ifndef HULL_CLI_STATS_H
#define HULL_CLI_STATS_H

#include "cli/cli.h"
#include "cli/vms.h"
#include "vm/stats.h"

extern const struct hull_opt hull_stats_opts[], hull_top_opts[];
extern const char hull_stats_details[], hull_top_details[];
int hull_cmd_stats(const struct hull_verb *verb, int argc, char **argv);
int hull_cmd_top(const struct hull_verb *verb, int argc, char **argv);

struct hull_stats_row {
	const struct hull_record *vm;
	const struct hull_vm_stats *stats;
	int64_t cpu_milli; /* thousandths of a processor since the round before; -1: not known */
};

struct hull_stats_round {
	struct hull_records vms;
	struct hull_vm_stats *stats; /* one for each */
	struct hull_stats_row *rows; /* likewise, to be sorted as one likes */
};

#define HULL_STATS_LINE 512

struct hull_stats_job {
	struct hull_store *store;
	struct hull_loop *loop;
	char **refs; /* none: all that run */
	size_t n_refs;
	uint64_t interval_ms;
	uint64_t times; /* 0: for ever */
	enum hull_vms_format format;
	int code;
	struct hull_stats_round last;
};

/* Replaces job->last.  What is wrong with one of those that were named goes to standard error,
 * unless
 * @quiet; where there is nothing wrong with the others they are in it. */
int hull_stats_round(struct hull_stats_job *job, bool quiet, struct hull_error **err);
/* A line of the table, of which the first (NULL) has the headings; in @buf. */
void hull_stats_line(const struct hull_stats_row *row, char buf[HULL_STATS_LINE]);
/* Waits, on the loop: 0, or -1. */
int hull_stats_wait(struct hull_stats_job *job, struct hull_error **err);
/* Plain lines, or JSON, round after round; the first is only what the second is compared with. */
int hull_stats_print(struct hull_stats_job *job, struct hull_error **err);
/* On the terminal, until somebody has enough of it. */
int hull_top_show(struct hull_stats_job *job, struct hull_error **err);

#endif
