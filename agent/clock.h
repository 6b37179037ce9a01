/* SPDX-License-Identifier: Apache-2.0
 *
 * What a restored or cloned guest must be given anew: the time and randomness.
 */
#ifndef HULL_AGENT_CLOCK_H
#define HULL_AGENT_CLOCK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define HULL_ENTROPY_MAX ((size_t)4096)

int hull_clock_set(uint64_t realtime_ns, struct hull_error **err);
/* Mixes in, credits and reseeds: from then on nothing is drawn from the state before. */
int hull_entropy_add(const void *data, size_t len, struct hull_error **err);

#endif
