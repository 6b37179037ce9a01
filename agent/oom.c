/* SPDX-License-Identifier: Apache-2.0
 *
 * The line "oom_kill N" of /proc/vmstat.
 */
#define _GNU_SOURCE
#include "agent/oom.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <string.h>

#define VMSTAT_MAX ((size_t)64 << 10)

uint64_t hull_oom_kills(void)
{
	static const char key[] = "\noom_kill ";
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	const char *p;

	if (hull_file_read("/proc/vmstat", VMSTAT_MAX, &text) < 0)
		return 0;
	p = strstr(hull_strbuf_str(&text), key);
	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}
