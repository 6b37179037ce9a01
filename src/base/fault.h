/* SPDX-License-Identifier: Apache-2.0
 *
 * Fault points: places where tests have a process die, stop or fail, by name.  They exist in builds
 * with tests; in others they are nothing.
 *
 *   HULL_FAULT=[PROGRAM/]POINT[:N]=ACTION   at the Nth (1st) time that a PROGRAM comes to POINT
 *     kill         it is killed
 *     stop         it is stopped, until somebody continues it
 *     error:NAME   the call fails so: ENOSPC, ENOMEM, EIO, EMFILE, EACCES
 *   HULL_FAULT_LOG=FILE                     a line "PROGRAM/POINT:N" for each, as it is reached
 */
#ifndef HULL_BASE_FAULT_H
#define HULL_BASE_FAULT_H

#ifdef HULL_FAULTS
/* 0, or the -errno that the caller is to fail with. */
int hull_fault(const char *point);
#else
static inline int hull_fault(const char *point)
{
	return 0;
}
#endif

#endif
