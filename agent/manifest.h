/* SPDX-License-Identifier: Apache-2.0
 *
 * The initramfs's module manifest: lines "<stage> <module>" in load order.  Blank lines and lines
 * beginning with # say nothing; what else is malformed is skipped.
 */
#ifndef HULL_AGENT_MANIFEST_H
#define HULL_AGENT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#define HULL_MANIFEST_NAME_MAX 63
#define HULL_MANIFEST_MAX ((size_t)64 << 10)

struct hull_manifest_entry {
	char stage[HULL_MANIFEST_NAME_MAX + 1], module[HULL_MANIFEST_NAME_MAX + 1];
};

/* The next entry from *pos (0 at first) on; false at the end. */
bool hull_manifest_next(const char *text, size_t len, size_t *pos,
			struct hull_manifest_entry *ret_entry);

#endif
