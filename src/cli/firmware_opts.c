/* SPDX-License-Identifier: Apache-2.0
 *
 * From --firmware's words to the description, see firmware_opts.h.
 */
#define _GNU_SOURCE
#include "cli/firmware_opts.h"

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/path_opts.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_CODE, KEY_CREATE, KEY_STORE, KEY_TEMPLATE };
static const char *const keys[] = {"code", "create", "store", "template", NULL};

static int set_option(char *word, struct hull_firmware *f, struct hull_error **err)
{
	char *value = strchr(word, '='), **slots[] = {&f->code, NULL, &f->store, &f->template};
	int key;

	if (value)
		*value++ = '\0';
	key = hull_name_index("option of firmware", word, keys, err);
	if (key < 0)
		return -1;
	if (key == KEY_CREATE) {
		f->create = true;
		return value ? hull_fail(err, HULL_E_INVALID, "'create' takes no value") : 0;
	}
	if (!value || !*value)
		return hull_fail(err, HULL_E_INVALID, "'%s' needs a file: %s=FILE", word, word);
	return hull_maybe_file_parse(value, slots[key], err);
}

static void clear(struct hull_firmware *f)
{
	free(f->store);
	free(f->code);
	free(f->template);
	*f = (struct hull_firmware){0};
}

int hull_firmware_parse(const char *value, struct hull_firmware *ret, struct hull_error **err)
{
	cleanup_free char *copy = strdup(value);
	char *rest = copy, *word;
	int kind;

	if (!copy)
		return hull_fail_nomem(err);
	word = strsep(&rest, ",");
	kind = hull_name_index("firmware", word, hull_firmware_kind_names, err);
	if (kind < 0)
		return -1;
	clear(ret);
	ret->kind = (enum hull_firmware_kind)kind;
	while ((word = strsep(&rest, ",")))
		if (*word && set_option(word, ret, err) < 0)
			return -1;
	if (!ret->code != !ret->template)
		return hull_fail(err, HULL_E_INVALID, "'code' and 'template' belong together");
	if (ret->kind == HULL_FIRMWARE_NONE && (ret->store || ret->create || ret->code))
		return hull_fail(err, HULL_E_INVALID, "'none' has no options");
	return ret->create && !ret->store
		       ? hull_fail(err, HULL_E_INVALID, "'create' needs 'store=FILE'")
		       : 0;
}
