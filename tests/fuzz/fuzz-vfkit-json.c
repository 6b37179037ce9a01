/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as vfkit's JSON: what is read must be written, and be read again to the same writing.
 */
#include "base/cleanup.h"
#include "config/vfkit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_vfkit struct hull_vfkit first = {0}, second = {0};
	cleanup_strv struct hull_strv notes = {0}, args = {0};
	cleanup_free char *text = NULL, *again = NULL;
	cleanup_error struct hull_error *err = NULL, *unrendered = NULL;

	if (hull_vfkit_from_json((const char *)data, len, &first, &notes, &err) < 0) {
		if (!err)
			abort();
		return 0;
	}
	if (hull_vfkit_to_json(&first, &text, NULL) < 0 ||
	    hull_vfkit_from_json(text, strlen(text), &second, NULL, NULL) < 0)
		abort();
	/* Magic that is off is not written. */
	for (size_t i = 0; i < first.devices.n; i++)
		if (first.devices.v[i].kind == HULL_DEVICE_NET)
			second.devices.v[i].net.magic = first.devices.v[i].net.magic;
	if (hull_vfkit_to_json(&second, &again, NULL) < 0 || strcmp(text, again) != 0)
		abort();
	if ((hull_vfkit_render(&first, &args, &unrendered) < 0) != (unrendered != NULL))
		abort();
	return hull_vfkit_unrendered(&first, &notes) < 0 ? abort(), 0 : 0;
}
