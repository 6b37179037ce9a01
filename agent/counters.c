/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of /proc/meminfo and /proc/net/dev, see counters.h.
 */
#define _GNU_SOURCE
#include "agent/counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t hull_counters_memory(const char *meminfo, const char *name)
{
	size_t len = strlen(name);
	uint64_t kib = 0;

	for (const char *line = meminfo; line && *line;) {
		if (!strncmp(line, name, len) && line[len] == ':')
			return sscanf(line + len + 1, "%" SCNu64, &kib) == 1 ? kib * 1024 : 0;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return 0;
}

void hull_counters_net(const char *dev, uint64_t *ret_received, uint64_t *ret_sent)
{
	*ret_received = *ret_sent = 0;
	for (const char *line = dev; line && *line;) {
		const char *end = strchrnul(line, '\n'),
			   *colon = memchr(line, ':', (size_t)(end - line));
		uint64_t in, out;

		line += strspn(line, " ");
		/* Bytes received, seven other figures, bytes sent. */
		if (colon && strncmp(line, "lo:", 3) != 0 &&
		    sscanf(colon + 1, "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &in,
			   &out) == 2) {
			*ret_received += in;
			*ret_sent += out;
		}
		line = *end ? end + 1 : end;
	}
}
