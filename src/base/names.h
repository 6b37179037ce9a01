/* SPDX-License-Identifier: Apache-2.0
 *
 * Words that must be one of some names, and the error for one that is none of them.
 */
#ifndef HULL_BASE_NAMES_H
#define HULL_BASE_NAMES_H

#include "base/error.h"

/* "unknown <what> '<value>'; did you mean '<nearest>'?" with all names, which end with NULL, as the
 * hint. Returns -1. */
int hull_fail_name(struct hull_error **err, const char *what, const char *value,
		   const char *const *names);
/* Index of @value in @names, or -1 with that error. */
int hull_name_index(const char *what, const char *value, const char *const *names,
		    struct hull_error **err);

#endif
