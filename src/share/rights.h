/* SPDX-License-Identifier: Apache-2.0
 *
 * The namespaces hull-share works in, and giving up what it had to do so.
 *
 *   root:      own mount namespace; ends as the spec's uid and gid, which own nothing but, where
 *              that is what is served, the shares.
 *   otherwise: own user and mount namespace in which the caller is 0 and nobody else exists; ends
 *              with the caller's rights outside.  Supplementary groups can't be dropped there:
 *              masks cover what is known to be readable by groups only.
 *
 * Both end with the two capabilities virtiofsd starts with, which are gone once it serves.
 */
#ifndef HULL_SHARE_RIGHTS_H
#define HULL_SHARE_RIGHTS_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct hull_rights {
	bool root; /* the first case */
	/* The root directory is no mount but a directory of one, as after a plain chroot.  That
	 * mount can't be made private, so nothing may be mounted on it: only /proc is sure to be
	 * safe. */
	bool in_chroot;
};

/* Makes the mounts private. */
int hull_rights_enter(struct hull_rights *ret, struct hull_error **err);
/* Whether that would work: done in a child.  The error tells why not. */
int hull_rights_try(struct hull_error **err);
/* As many descriptors as the host lets us have: the daemon holds one for each file the guest
 * remembers. */
void hull_rights_raise_files(void);
/* For good.  @uid and @gid are used in the first case only. */
int hull_rights_drop(const struct hull_rights *rights, uid_t uid, gid_t gid,
		     struct hull_error **err);
/* What virtiofsd does before it serves: no capability is left. */
int hull_rights_drop_caps(struct hull_error **err);
/* How many capabilities the process holds or could get by exec. */
int hull_rights_count_caps(void);
/* SIGKILL when @parent, ours when we started, ends. */
int hull_rights_tie(pid_t parent, struct hull_error **err);

#endif
