/* SPDX-License-Identifier: Apache-2.0
 *
 * What a VM has of the host beyond so many CPUs and so much memory: what its memory is made of, how
 * much of both it may get later, what its CPUs and devices can do, where its entropy is from.
 * Tables and rules of those members of the description.
 */
#ifndef HULL_CONFIG_RESOURCES_H
#define HULL_CONFIG_RESOURCES_H

#include "config/config.h"

extern const struct hull_fields hull_memory_backing_fields;

/* Whether it asks for anything: then the memory is a file of ours. */
bool hull_memory_backing_is_set(const struct hull_memory_backing *backing);
/* Whether all of the memory is there before the guest starts. */
bool hull_memory_is_ready_first(const struct hull_memory_backing *backing);

/* Whether the machine must have room for more of something than it starts with. */
bool hull_config_grows(const struct hull_config *config);

/* Whether it is "+NAME" or "-NAME". */
bool hull_cpu_feature_is(const char *text);

/* One of the checks of the whole. */
int hull_resources_check(const struct hull_config *config, struct hull_error **err);

#endif
