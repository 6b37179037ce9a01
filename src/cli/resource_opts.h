/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of those options of "hull run" that say how much of the host's memory and processors
 * the machine may have, and what of their kind.
 */
#ifndef HULL_CLI_RESOURCE_OPTS_H
#define HULL_CLI_RESOURCE_OPTS_H

#include "base/error.h"
#include "config/config.h"

int hull_size_parse(const char *value, uint64_t *slot, struct hull_error **err);
/* A size that a machine's memory can have. */
int hull_memory_parse(const char *value, uint64_t *slot, struct hull_error **err);
/* Host CPUs such as 1.5, into thousandths. */
int hull_cpu_limit_parse(const char *value, uint64_t *slot, struct hull_error **err);
/* "+NAME,-NAME...": added to the list, where the last word about a name counts. */
int hull_cpu_features_parse(const char *value, struct hull_strv *list, struct hull_error **err);
/* "prealloc,hugepages[=SIZE],lock,dir=DIR", any of them: instead of what was said before. */
int hull_memory_backing_parse(const char *value, struct hull_memory_backing *ret,
			      struct hull_error **err);

#endif
