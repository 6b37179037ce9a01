/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a program runs as: "name|uid[:group|gid]" looked up in the passwd and group files of its
 * own root.  No NSS: those two files are all there is, and they may be hostile.
 *
 * A name comes before a number.  Without a group it is the user's own and all he is a member of;
 * with one it is that group alone.  A uid that no line names is allowed, with group 0.
 */
#ifndef HULL_AGENT_USERS_H
#define HULL_AGENT_USERS_H

#include "base/error.h"

#include <stddef.h>
#include <sys/types.h>

#define HULL_USERS_FILE_MAX ((size_t)1 << 20)
#define HULL_USERS_SPEC_MAX 256
#define HULL_USERS_GROUPS_MAX 1024

struct hull_user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned: supplementary */
	size_t n_groups;
	char *home; /* owned; NULL if no line names the user */
};

/* Pure: from the contents of the two files. */
int hull_users_resolve(const char *spec, const char *passwd, size_t passwd_len, const char *group,
		       size_t group_len, struct hull_user *ret_user, struct hull_error **err);
/* From <root>/etc/passwd and <root>/etc/group; a missing file is an empty one. */
int hull_users_lookup(int rootfd, const char *spec, struct hull_user *ret_user,
		      struct hull_error **err);
void hull_user_fini(struct hull_user *u);

#endif
