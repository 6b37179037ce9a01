/* SPDX-License-Identifier: Apache-2.0
 *
 * Options about memory and processors, see resource_opts.h.
 */
#define _GNU_SOURCE
#include "cli/resource_opts.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/path_opts.h"
#include "config/resources.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define MEMORY_MIN (64 * MIB)

int hull_size_parse(const char *value, uint64_t *slot, struct hull_error **err)
{
	if (hull_parse_size(value, slot) == 0)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' is not a size", value);
	hull_hint(err, "write it like 512M or 2G");
	return -1;
}

int hull_memory_parse(const char *value, uint64_t *slot, struct hull_error **err)
{
	uint64_t bytes;

	if (hull_size_parse(value, &bytes, err) < 0)
		return -1;
	if (bytes < MEMORY_MIN || bytes % MIB) {
		hull_fail(err, HULL_E_INVALID, "'%s' is too little memory, or not whole MiB",
			  value);
		hull_hint(err,
			  bytes >= MEMORY_MIN / MIB && bytes < MIB &&
					  !value[strspn(value, "0123456789")]
				  ? "a bare number is bytes: did you mean '%sM'?"
				  : "a VM needs at least 64M, and whole MiB",
			  value);
		return -1;
	}
	*slot = bytes;
	return 0;
}

int hull_cpu_limit_parse(const char *value, uint64_t *slot, struct hull_error **err)
{
	uint64_t milli;

	if (hull_parse_milli(value, &milli) < 0 || milli < HULL_CONFIG_MIN_CPU_LIMIT ||
	    milli > 1000 * HULL_CONFIG_MAX_CPUS) {
		hull_fail(err, HULL_E_INVALID, "'%s' is not a number of CPUs", value);
		hull_hint(err, "write it like 0.5 or 2, from 0.01 to %d", HULL_CONFIG_MAX_CPUS);
		return -1;
	}
	*slot = milli;
	return 0;
}

static int add_feature(struct hull_strv *list, const char *word, struct hull_error **err)
{
	if (!hull_cpu_feature_is(word)) {
		hull_fail(err, HULL_E_INVALID, "'%s' is no feature to switch", word);
		hull_hint(err, "write it like +avx2 or -avx2");
		return -1;
	}
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i] + 1, word + 1) != 0)
			continue;
		list->v[i][0] = *word;
		return 0;
	}
	return hull_strv_add(list, word) < 0 ? hull_fail_nomem(err) : 0;
}

int hull_cpu_features_parse(const char *value, struct hull_strv *list, struct hull_error **err)
{
	cleanup_free char *copy = strdup(value);
	char *rest = copy, *word;

	if (!copy)
		return hull_fail_nomem(err);
	while ((word = strsep(&rest, ",")))
		if (*word && add_feature(list, word, err) < 0)
			return -1;
	return 0;
}

enum { WORD_DIR, WORD_HUGEPAGES, WORD_LOCK, WORD_PREALLOC };
static const char *const words[] = {"dir", "hugepages", "lock", "prealloc", NULL};

static int set_backing(char *word, struct hull_memory_backing *b, struct hull_error **err)
{
	char *value = strchr(word, '=');
	int i;

	if (value)
		*value++ = '\0';
	i = hull_name_index("word", word, words, err);
	if (i < 0)
		return -1;
	if (i == WORD_DIR)
		return value && *value
			       ? hull_dir_parse(value, &b->dir, err)
			       : hull_fail(err, HULL_E_INVALID, "'dir' needs a directory: dir=DIR");
	if (i == WORD_HUGEPAGES && value)
		return hull_size_parse(value, &b->hugepages, err);
	if (value)
		return hull_fail(err, HULL_E_INVALID, "'%s' takes no value", word);
	if (i == WORD_HUGEPAGES)
		b->hugepages = HULL_HUGEPAGES_HOST;
	b->lock |= i == WORD_LOCK;
	b->prealloc |= i == WORD_PREALLOC;
	return 0;
}

int hull_memory_backing_parse(const char *value, struct hull_memory_backing *ret,
			      struct hull_error **err)
{
	cleanup_free char *copy = strdup(value);
	struct hull_memory_backing b = {0};
	char *rest = copy, *word;
	int r = copy ? 0 : hull_fail_nomem(err);

	while (r == 0 && (word = strsep(&rest, ",")))
		if (*word)
			r = set_backing(word, &b, err);
	if (r < 0) {
		free(b.dir);
		return -1;
	}
	free(ret->dir);
	*ret = b;
	return 0;
}
