/* SPDX-License-Identifier: Apache-2.0
 *
 * One piece of memory for a result, see piece.h.
 */
#define _GNU_SOURCE
#include "lib/piece.h"

#include <stdlib.h>
#include <string.h>

void *hull_piece_take(struct hull_piece *p, size_t size, size_t align)
{
	size_t pad = -p->size & (align - 1);
	char *part = p->at ? p->at + pad : NULL;

	p->size += pad + size;
	if (part)
		p->at = part + size;
	return part;
}

const char *hull_piece_put(struct hull_piece *p, const char *s)
{
	size_t size = s ? strlen(s) + 1 : 0;
	char *copy = size ? hull_piece_take(p, size, 1) : NULL;

	return copy ? memcpy(copy, s, size) : NULL;
}

void *hull_piece_make(hull_piece_fn walk, const void *from, struct hull_error **err)
{
	struct hull_piece p = {0};
	char *memory;

	(void)walk(&p, from);
	memory = malloc(p.size + 1); /* a list of nothing is one, too */
	if (!memory) {
		hull_fail_nomem(err);
		return NULL;
	}
	p = (struct hull_piece){.at = memory};
	return walk(&p, from);
}
