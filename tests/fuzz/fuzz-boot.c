/* SPDX-License-Identifier: Apache-2.0
 *
 * A kernel's file and the lists of its modules from arbitrary bytes: the version becomes part of a
 * path, modules' files stand in the order to load them, each once.  Input: a kernel, or after "M"
 * the texts of modules.dep, .alias, .softdep and .builtin with NULs between them.
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/os.h"
#include "boot/stages.h"
#include "boot/version.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_version(const uint8_t *data, size_t len)
{
	char version[HULL_KERNEL_VERSION_MAX + 1] = "";
	cleanup_close int fd = hull_memfd("kernel", data, len);

	assert(fd >= 0);
	if (hull_kernel_version(fd, version) < 0)
		return;
	assert(*version >= '0' && *version <= '9');
	assert(strlen(version) <= HULL_KERNEL_VERSION_MAX && !strpbrk(version, "/ \n"));
}

static void check_stages(const char *text, size_t len)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_stages struct hull_stages s = {0};
	cleanup_config struct hull_config config;
	const char *texts[4] = {"", "", "", ""}, *end = text + len;
	struct hull_moddep dep;

	for (size_t i = 0; i < ARRAY_SIZE(texts) && text < end; i++, text += strlen(text) + 1)
		texts[i] = text;
	dep = (struct hull_moddep){.dep = texts[0], .alias = texts[1], .softdep = texts[2]};
	hull_config_init(&config);
	config.root.kind = HULL_ROOT_HOST;
	if (hull_stages_plan(&config, &dep, texts[3], &s, &err) < 0) {
		assert(*hull_error_message(err) && *hull_error_hint(err));
		return;
	}
	for (size_t i = 0; i < s.files.n; i++)
		for (size_t k = 0; k < i; k++)
			assert(strcmp(s.files.v[i], s.files.v[k]) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *copy = malloc(len + 1);

	assert(copy);
	memcpy(copy, data, len);
	copy[len] = '\0';
	if (len && *copy == 'M')
		check_stages(copy + 1, len - 1);
	else
		check_version(data, len);
	return 0;
}
