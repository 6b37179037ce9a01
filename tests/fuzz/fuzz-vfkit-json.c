/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as vfkit's JSON: what is read must be written, and be read again to the same writing.
 * What can be made ours is written, and our own reader, which is stricter, says something to it.
 */
#include "base/cleanup.h"
#include "config/dialect.h"
#include "config/vfkit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void make_ours(struct hull_vfkit *vm)
{
	cleanup_config struct hull_config config, again;
	cleanup_strv struct hull_strv notes = {0};
	cleanup_free char *text = NULL;
	cleanup_error struct hull_error *err = NULL;

	hull_config_init(&config);
	hull_config_init(&again);
	if (hull_config_from_vfkit(vm, &config, &notes, &err) < 0) {
		if (!err)
			abort();
		return;
	}
	if (hull_config_to_json(&config, &text, NULL) < 0)
		abort();
	if ((hull_config_read_user(text, strlen(text), NULL, &again, NULL, &err) < 0) !=
	    (err != NULL))
		abort();
}

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
	if (hull_vfkit_unrendered(&first, &notes) < 0)
		abort();
	make_ours(&first);
	return 0;
}
