/* SPDX-License-Identifier: Apache-2.0
 *
 * Points in time as people type them: so long ago, or by date and clock.
 */
#ifndef HULL_BASE_WHEN_H
#define HULL_BASE_WHEN_H

#include <stdint.h>

/* "5m", "90s": before @now_ns.  "2026-11-26", "2026-11-26T07:30", "2026-11-26T07:30:01.5" (a space
 * is as good as the T), local unless "Z" or "+01:00" follows.  "@1764144000": seconds since 1970.
 * Nanoseconds of CLOCK_REALTIME: 0, or -EINVAL, -ERANGE; *ret_ns is untouched then. */
int hull_parse_when(const char *s, uint64_t now_ns, uint64_t *ret_ns);

#endif
