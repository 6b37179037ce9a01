/* SPDX-License-Identifier: Apache-2.0
 *
 * The last of what a child writes to a pipe, kept for the error message that may need it.
 */
#ifndef HULL_BASE_TAIL_H
#define HULL_BASE_TAIL_H

#include "base/loop.h"

#define HULL_TAIL_MAX ((size_t)8 << 10)

struct hull_tail;

/* *ret_write_fd is for the child: close it once that has been spawned. */
int hull_tail_new(struct hull_loop *loop, struct hull_tail **ret_tail, int *ret_write_fd,
		  struct hull_error **err);
void hull_tail_free(struct hull_tail *tail);
/* Reads what is there, then: printable text, borrowed until the next call, without a newline at
 * its end. */
const char *hull_tail_text(struct hull_tail *tail);

#endif
