/* SPDX-License-Identifier: Apache-2.0
 *
 * The module manifest from arbitrary bytes: names become file names, so they must be plain.
 */
#include "agent/manifest.h"
#include "base/cleanup.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *text = malloc(len + !len);
	struct hull_manifest_entry e;
	size_t pos = 0, before = 0;

	assert(text);
	if (len)
		memcpy(text, data, len);
	while (hull_manifest_next(text, len, &pos, &e)) {
		assert(pos > before && pos <= len);
		before = pos;
		assert(*e.stage && *e.module);
		assert(!strpbrk(e.stage, "/. \n") && !strpbrk(e.module, "/. \n"));
		assert(strlen(e.stage) <= HULL_MANIFEST_NAME_MAX);
		assert(strlen(e.module) <= HULL_MANIFEST_NAME_MAX);
	}
	return 0;
}
