/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays a fuzz target's seeds as a unit test: include the target's source, then call this with
 * its corpus' name.  The directory of all corpora comes in the environment as CORPUS.
 */
#ifndef HULL_TESTS_CORPUS_H
#define HULL_TESTS_CORPUS_H

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* How many seeds were replayed: assert that there are some. */
static inline int corpus_replay(const char *name)
{
	const char *all = getenv("CORPUS");
	cleanup_free char *dir = hull_path_join(all ? all : "tests/fuzz/corpus", name);
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) != NULL) {
		cleanup_strbuf struct hull_strbuf seed = HULL_STRBUF_INIT;
		cleanup_free char *path = hull_path_join(dir, e->d_name);

		if (e->d_name[0] == '.' || hull_file_read(path, 1 << 20, &seed) < 0)
			continue;
		(void)LLVMFuzzerTestOneInput((const uint8_t *)hull_strbuf_str(&seed), seed.len);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

#endif
