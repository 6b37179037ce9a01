/* SPDX-License-Identifier: Apache-2.0
 *
 * Results as callers see them: a struct and all that it points to in one piece of memory, which
 * is measured first and filled then, by the same walk.
 */
#ifndef HULL_LIB_PIECE_H
#define HULL_LIB_PIECE_H

#include "base/error.h"

#include <stddef.h>

/* Where the next part goes.  While @at is NULL parts are only measured. */
struct hull_piece {
	char *at;
	size_t size;
};

/* NULL while measuring. */
void *hull_piece_take(struct hull_piece *p, size_t size, size_t align);
#define HULL_PIECE_TAKE(p, type, n) ((type *)hull_piece_take(p, (n) * sizeof(type), _Alignof(type)))
/* A copy; NULL stays NULL. */
const char *hull_piece_put(struct hull_piece *p, const char *s);

/* The walk over @from: twice.  What it returned the second time, which hull_free() frees; NULL
 * and an error without memory. */
typedef void *(*hull_piece_fn)(struct hull_piece *p, const void *from);
void *hull_piece_make(hull_piece_fn walk, const void *from, struct hull_error **err);

#endif
