/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a VM description: what is accepted must print, and read again to the same print, and
 * can be told to vfkit.
 */
#include "base/cleanup.h"
#include "config/config.h"
#include "config/dialect.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_config struct hull_config first, second = {0};
	cleanup_vfkit struct hull_vfkit vm = {0};
	cleanup_strv struct hull_strv notes = {0};
	cleanup_free char *text = NULL, *again = NULL;
	cleanup_error struct hull_error *err = NULL, *invalid = NULL;

	if (hull_config_from_json((const char *)data, len, &first, &err) < 0) {
		if (!err)
			abort();
		return 0;
	}
	if ((hull_config_validate(&first, &invalid) < 0) != (invalid != NULL))
		abort();
	if (hull_config_to_json(&first, &text, NULL) < 0 ||
	    hull_config_from_json(text, strlen(text), &second, NULL) < 0 ||
	    hull_config_to_json(&second, &again, NULL) < 0 || strcmp(text, again) != 0)
		abort();
	if (hull_config_to_vfkit(&second, &vm, &notes, NULL) < 0)
		abort();
	return 0;
}
