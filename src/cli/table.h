/* SPDX-License-Identifier: Apache-2.0
 *
 * A table for people: each column as wide as its widest cell, the last one not padded.
 */
#ifndef HULL_CLI_TABLE_H
#define HULL_CLI_TABLE_H

#include "base/vec.h"
#include "cli/cli.h"

struct hull_table {
	size_t columns;
	struct hull_strv cells; /* row by row; the first one is the headings */
	HULL_VEC(enum hull_out_style) styles;
};

void hull_table_init(struct hull_table *t, const char *const *headings, size_t columns);
/* The next cell; a lack of memory shows when it is printed. */
void hull_table_add(struct hull_table *t, enum hull_out_style style, const char *fmt, ...)
	HULL_PRINTF(3, 4);
int hull_table_print(const struct hull_table *t, struct hull_error **err);
void hull_table_fini(struct hull_table *t);
#define cleanup_table __attribute__((cleanup(hull_table_fini)))

#endif
