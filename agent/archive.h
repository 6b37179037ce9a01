/* SPDX-License-Identifier: Apache-2.0
 *
 * The archiver: a session without a program, which packs files of the session's root to its
 * standard output, or makes some from its standard input.  A guest need not have a tar.
 */
#ifndef HULL_AGENT_ARCHIVE_H
#define HULL_AGENT_ARCHIVE_H

#include "base/error.h"

#include <stdbool.h>

/* As in agent.proto. */
struct hull_archive {
	char *path; /* owned */
	bool unpack, follow, owners, one;
};

/* In the session's child, in the place of exec: returns -1 where the path can't be used, else
 * closes @report_fd and does not return. */
int hull_archive_run(const struct hull_archive *a, int report_fd, struct hull_error **err);

#endif
