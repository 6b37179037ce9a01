/* SPDX-License-Identifier: Apache-2.0
 *
 * A command for a VM before it goes there: what its environment lacks, and where the guest is going
 * to find it.  The search along PATH asks the share daemon about
 * every directory before the right one, 6 ms in all under emulation; where the guest's root is the
 * host's, looking here answers the same at once.
 */
#ifndef HULL_VM_COMMAND_H
#define HULL_VM_COMMAND_H

#include "config/config.h"

struct hull_strbuf;
struct hull_strv;

/* The host's account of that name or number, if there is one. */
struct hull_account {
	uint32_t uid, gid;
	char home[4096];
};
bool hull_account_find(const char *user, struct hull_account *ret);
/* What nobody has said: PATH, LANG, with a terminal TERM as the caller's; and for root of a guest
 * that has the host's accounts (@host_home) HOME, and that as *cwd (NULL: not said either). */
int hull_command_complete(struct hull_strv *env, char **cwd, bool host_home, bool terminal,
			  struct hull_error **err);

/* The path of @name for an environment with PATH in it; leaves @ret empty where nothing is certain:
 * another root, no such file, or a share that may hold one that comes first. */
void hull_command_locate(const struct hull_config *config, const char *name,
			 const struct hull_strv *env, struct hull_strbuf *ret);

#endif
