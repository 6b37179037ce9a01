/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables and rules of resources.h.
 */
#define _GNU_SOURCE
#include "config/resources.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define PATH_MAX_LEN 4095
#define CPU_FEATURE_MAX 64 /* no name is nearly that long */

static const struct hull_field memory_backing_table[] = {
	HULL_FIELD_BOOL(struct hull_memory_backing, prealloc, "prealloc", 0, false,
			"all of it is there before the guest starts"),
	HULL_FIELD_SIZE(struct hull_memory_backing, hugepages, "hugepages", HULL_FIELD_SWITCH, 0, 0,
			64 * GIB,
			"of the host's huge pages, reserved for it: those of its default size, or "
			"of this one"),
	HULL_FIELD_BOOL(struct hull_memory_backing, lock, "lock", 0, false,
			"all of it is there before the guest starts, and is never swapped out"),
	HULL_FIELD_STRING(struct hull_memory_backing, dir, "dir", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "directory of the host in which it is a file without a name"),
};
const struct hull_fields hull_memory_backing_fields =
	HULL_FIELDS(struct hull_memory_backing, memory_backing_table);

bool hull_memory_backing_is_set(const struct hull_memory_backing *b)
{
	return b->prealloc || b->hugepages || b->lock || b->dir;
}

bool hull_memory_is_ready_first(const struct hull_memory_backing *b)
{
	return b->prealloc || b->lock;
}

static int check_backing(const struct hull_config *c, struct hull_error **err)
{
	const struct hull_memory_backing *b = &c->memory_backing;

	if (b->dir && *b->dir != '/')
		return hull_fail(err, HULL_E_INVALID,
				 "memory_backing.dir: '%s' is not an absolute path", b->dir);
	if (b->dir && b->hugepages)
		return hull_fail(err, HULL_E_INVALID,
				 "memory_backing.hugepages: not together with dir; one of a "
				 "hugetlbfs has them anyway");
	if (b->hugepages <= HULL_HUGEPAGES_HOST)
		return 0;
	if (b->hugepages & (b->hugepages - 1))
		return hull_fail(err, HULL_E_INVALID,
				 "memory_backing.hugepages: %" PRIu64
				 " is not the size of a page: no power of two",
				 b->hugepages);
	return 0;
}

bool hull_config_grows(const struct hull_config *c)
{
	return c->cpus_max > c->cpus || c->memory_max_bytes > c->memory_bytes;
}

static int check_limits(const struct hull_config *c, struct hull_error **err)
{
	if (c->cpus_max && c->cpus_max < c->cpus)
		return hull_fail(err, HULL_E_INVALID,
				 "cpus_max: %" PRIu64 " is less than the %" PRIu64 " of cpus",
				 c->cpus_max, c->cpus);
	if (c->memory_max_bytes && c->memory_max_bytes < c->memory_bytes)
		return hull_fail(err, HULL_E_INVALID,
				 "memory_max: %" PRIu64 " MiB is less than the %" PRIu64
				 " MiB of memory",
				 c->memory_max_bytes / MIB, c->memory_bytes / MIB);
	if (c->memory_max_bytes % MIB)
		return hull_fail(err, HULL_E_INVALID, "memory_max: must be a multiple of 1 MiB");
	return 0;
}

/* Which machine can't have what. */
static int check_growth(const struct hull_config *c, struct hull_error **err)
{
	const char *field = c->cpus_max > c->cpus ? "cpus_max" : "memory_max";

	if (c->machine == HULL_MACHINE_MICROVM && hull_config_grows(c))
		return hull_fail(err, HULL_E_INVALID,
				 "%s: machine 'microvm' can't be given more later; 'q35' can",
				 field);
	if (c->arch == HULL_ARCH_AARCH64 && c->cpus_max > c->cpus)
		return hull_fail(err, HULL_E_INVALID,
				 "cpus_max: machine 'virt' can't be given CPUs later");
	return 0;
}

bool hull_cpu_feature_is(const char *text)
{
	return (*text == '+' || *text == '-') && strlen(text) <= CPU_FEATURE_MAX &&
	       hull_is_word(text + 1, "._-");
}

static int check_features(const struct hull_config *c, struct hull_error **err)
{
	const struct hull_strv *f = &c->cpu_features;

	for (size_t i = 0; i < f->n; i++) {
		if (!hull_cpu_feature_is(f->v[i]))
			return hull_fail(err, HULL_E_INVALID,
					 "cpu_features[%zu]: '%s' is not +NAME or -NAME", i,
					 f->v[i]);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(f->v[i] + 1, f->v[k] + 1))
				return hull_fail(err, HULL_E_INVALID,
						 "cpu_features[%zu]: '%s' is there twice", i,
						 f->v[i] + 1);
	}
	return 0;
}

static int check_iommu(const struct hull_config *c, struct hull_error **err)
{
	enum hull_arch arch = c->iommu == HULL_IOMMU_SMMUV3 ? HULL_ARCH_AARCH64 : HULL_ARCH_X86_64;

	if (c->iommu == HULL_IOMMU_NONE)
		return 0;
	if (c->machine == HULL_MACHINE_MICROVM)
		return hull_fail(err, HULL_E_INVALID,
				 "iommu: machine 'microvm' has none; 'q35' has");
	if (c->arch != arch)
		return hull_fail(err, HULL_E_INVALID, "iommu: there is no '%s' of %s",
				 hull_iommu_names[c->iommu], hull_arch_names[c->arch]);
	return 0;
}

static int check_entropy(const struct hull_config *c, struct hull_error **err)
{
	if (c->rng_source && !c->rng)
		return hull_fail(err, HULL_E_INVALID, "rng_source: of no use without rng");
	if (c->rng_source && *c->rng_source != '/')
		return hull_fail(err, HULL_E_INVALID, "rng_source: '%s' is not an absolute path",
				 c->rng_source);
	return 0;
}

int hull_resources_check(const struct hull_config *c, struct hull_error **err)
{
	if (check_backing(c, err) < 0 || check_limits(c, err) < 0 || check_features(c, err) < 0)
		return -1;
	if (check_growth(c, err) < 0 || check_iommu(c, err) < 0)
		return -1;
	return check_entropy(c, err);
}
