/* SPDX-License-Identifier: Apache-2.0
 *
 * How often the guest's kernel has killed a process for lack of memory.  The count is the whole
 * guest's: to know it for each session would take the memory controller, which is not on unless
 * something is to be limited, since accounting every page costs each start 5 ms under emulation.
 */
#ifndef HULL_AGENT_OOM_H
#define HULL_AGENT_OOM_H

#include <stdint.h>

/* Since the guest's start; 0 from a kernel that doesn't count. */
uint64_t hull_oom_kills(void);

#endif
