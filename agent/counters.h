/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest's kernel counts: parsers of two of its files.  Pure.
 */
#ifndef HULL_AGENT_COUNTERS_H
#define HULL_AGENT_COUNTERS_H

#include <stdint.h>

/* A line "NAME:   123 kB" of /proc/meminfo, in bytes; 0 if there is none. */
uint64_t hull_counters_memory(const char *meminfo, const char *name);
/* Adds up /proc/net/dev, but for the loopback. */
void hull_counters_net(const char *dev, uint64_t *ret_received, uint64_t *ret_sent);

#endif
