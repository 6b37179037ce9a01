/* SPDX-License-Identifier: Apache-2.0
 *
 * What a session may, where it is not everything: capabilities, and what guards them.
 *
 * A capability that is dropped leaves the bounding sets of all processes of the session, so that
 * no program brings it back.  But the owner of the kernel's settings can have programs run outside
 * of the session, and whoever may mount can undo what forbids that: a session without CAP_SYS_ADMIN
 * sees them read-only, one with it can get at everything else.
 */
#ifndef HULL_AGENT_RIGHTS_H
#define HULL_AGENT_RIGHTS_H

#include "base/error.h"

#include <sys/types.h>

struct hull_launch;

/* In the session's mount namespace, when its root is there: makes what leads out of it read-only.
 */
int hull_rights_guard(const struct hull_launch *l, struct hull_error **err);
/* For its pid 1: gives up what no process of the session may have. */
int hull_rights_confine_init(const struct hull_launch *l, struct hull_error **err);
/* For its program: the first before it becomes its user, the second after that. */
int hull_rights_prepare(const struct hull_launch *l, struct hull_error **err);
int hull_rights_take(const struct hull_launch *l, uid_t uid, struct hull_error **err);

#endif
