/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment a command is given: a list of NAME=VALUE in which a later assignment replaces an
 * earlier one, from words of a command line and from files.  Values may be secrets: no error quotes
 * one.
 */
#ifndef HULL_CONFIG_ENVIRON_H
#define HULL_CONFIG_ENVIRON_H

#include "base/error.h"
#include "base/vec.h"

#include <stddef.h>

#define HULL_ENVIRON_MAX 4096			/* variables */
#define HULL_ENVIRON_FILE_MAX ((size_t)1 << 20) /* bytes, as much as the agent takes in all */

/* The caller's own value of a variable; NULL if it has none. */
typedef const char *(*hull_environ_own_fn)(const char *name);

/* "NAME=VALUE", or "NAME", which takes the variable out. */
int hull_environ_apply(struct hull_strv *env, const char *word, struct hull_error **err);
/* The same with the caller's value for a bare NAME: *ret_word is for hull_environ_apply(). */
int hull_environ_resolve(const char *word, hull_environ_own_fn own, char **ret_word,
			 struct hull_error **err);
/* The text of a file, one assignment a line.  Blank lines and those that begin with '#' are
 * skipped, as is white space before a name; a bare NAME takes the caller's value if there is one.
 * There is no quoting: whatever follows the first '=' is the value. */
int hull_environ_read(struct hull_strv *env, const char *text, size_t len, hull_environ_own_fn own,
		      struct hull_error **err);

#endif
