/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of cases for tests, a line each for what is given and what is to come of it.
 */
#ifndef HULL_TESTS_VECTORS_H
#define HULL_TESTS_VECTORS_H

#include "unit.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <stdlib.h>

/* Fails at the line that @r, which has a file and a line, has come to. */
#define bad(r, ...)                                           \
	do {                                                  \
		print_error("%s:%d: ", (r)->file, (r)->line); \
		print_error(__VA_ARGS__);                     \
		print_error("\n");                            \
		fail();                                       \
	} while (0)

/* The file is in the directory that the environment calls @variable. */
static inline void read_vectors(const char *variable, const char *name, struct hull_strbuf *ret)
{
	const char *dir = getenv(variable);
	cleanup_free char *path = dir ? hull_path_join(dir, name) : NULL;

	if (!path)
		fail_msg("%s is not set", variable);
	assert_int_equal(hull_file_read(path, 1 << 20, ret), 0);
}

#endif
