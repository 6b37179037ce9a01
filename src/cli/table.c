/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables, see table.h.
 */
#define _GNU_SOURCE
#include "cli/table.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

void hull_table_add(struct hull_table *t, enum hull_out_style style, const char *fmt, ...)
{
	enum hull_out_style *slot = hull_vec_push(&t->styles);
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	(void)hull_strv_take(&t->cells, text);
	if (slot)
		*slot = style;
	else
		t->cells.failed = true;
}

void hull_table_init(struct hull_table *t, const char *const *headings, size_t columns)
{
	*t = (struct hull_table){.columns = columns};
	for (size_t i = 0; i < columns; i++)
		hull_table_add(t, HULL_OUT_STRONG, "%s", headings[i]);
}

int hull_table_print(const struct hull_table *t, struct hull_error **err)
{
	cleanup_free size_t *width = calloc(t->columns, sizeof(*width));

	if (!width || t->cells.failed)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < t->cells.n; i++)
		width[i % t->columns] = MAX(width[i % t->columns], strlen(t->cells.v[i]));
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % t->columns;

		hull_out_styled(t->styles.v[i], "%s", t->cells.v[i]);
		if (column == t->columns - 1)
			hull_out("\n");
		else
			hull_out("%*s", (int)(width[column] - strlen(t->cells.v[i])) + 2, "");
	}
	return 0;
}

void hull_table_fini(struct hull_table *t)
{
	hull_strv_fini(&t->cells);
	free(t->styles.v);
}
