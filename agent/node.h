/* SPDX-License-Identifier: Apache-2.0
 *
 * What a root needs besides mounts: directories, symbolic links and small files of its own, listed
 * among its mounts since some must be there before, some after others.
 */
#ifndef HULL_AGENT_NODE_H
#define HULL_AGENT_NODE_H

#include "base/error.h"
#include "hull/agent.pb-c.h"

#include <stdbool.h>

/* "directory", "symlink" or "file". */
bool hull_node_is(const char *type);
/* Makes it in the root at @path, with what is missing of its parents (0755).  The source is the
 * link's or the file's text.  Options: "mode=0755" but for links; "opaque" hides what an overlay's
 * lower layer has in a directory. */
int hull_node_make(int rootfd, const char *path, const Hull__Agent__V1__MountEntry *e,
		   struct hull_error **err);

#endif
