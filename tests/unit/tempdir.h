/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory for the files of a program of tests: made before the first of them, gone after the
 * last.
 */
#ifndef HULL_TESTS_TEMPDIR_H
#define HULL_TESTS_TEMPDIR_H

#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>

static char dir[] = "/tmp/hull-test-XXXXXX";

static inline void path_of(const char *name, char path[64])
{
	snprintf(path, 64, "%s/%s", dir, name);
}

static inline int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	return hull_path_remove_tree(dir);
}

#endif
