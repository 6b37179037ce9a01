/* SPDX-License-Identifier: Apache-2.0
 *
 * Who writes a console's log.  One in the run directory, which goes with the VM, the monitor writes
 * itself.  One that is kept is on a disk, whose writes may take as long as the disk wants (others
 * write too, a file system is frozen); so it has a process of its own, which the monitor sends what
 * was printed and when.  What that one does not take in time is kept up to a bound, then left out,
 * and the log says how much is missing.
 *
 *   monitor ──socket: frames──▶ hull-log ──▶ console.log, console.times
 *
 * The writer ends with its socket: what a monitor has said before it was killed is still written.
 * While it does that it holds the directory's lock, for which the next one waits.
 */
#ifndef HULL_MONITOR_LOGGER_H
#define HULL_MONITOR_LOGGER_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define HULL_LOGGER_QUEUE ((size_t)1 << 20) /* of the writer's, in the monitor */

struct hull_logger;

/* In directory @dir, which is there. */
int hull_logger_new(struct hull_loop *loop, const char *dir, bool kept,
		    struct hull_logger **ret_logger, struct hull_error **err);
/* What is queued is dropped. */
void hull_logger_free(struct hull_logger *logger);
/* Just printed. */
void hull_logger_add(struct hull_logger *logger, const char *data, size_t len);
/* No more follows.  True if not all of it has been written: @done comes when it has. */
bool hull_logger_finish(struct hull_logger *logger, void (*done)(void *ctx), void *ctx);

#endif
