/* SPDX-License-Identifier: Apache-2.0
 *
 * What a forked child tells its parent through a pipe: one record, then the end.
 *
 *     '+' data                                   done
 *     '-' code(1) cause NUL message NUL hint NUL    failed
 *
 * Nothing at all is for the reader to judge: a program that was started says nothing.
 */
#ifndef HULL_BASE_REPORT_H
#define HULL_BASE_REPORT_H

#include "base/error.h"

#include <stddef.h>

#define HULL_REPORT_MAX ((size_t)64 << 10)

/* In the child; a reader that is gone is no concern. */
void hull_report_done(int fd, const void *data, size_t len);
void hull_report_error(int fd, const struct hull_error *err);
/* 0 and the data (borrowed from @rec), or the child's error. */
int hull_report_parse(const char *rec, size_t len, const char **ret_data, size_t *ret_len,
		      struct hull_error **err);

#endif
