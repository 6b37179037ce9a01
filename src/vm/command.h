/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the guest is going to find a command.  The search along PATH asks the share daemon about
 * every directory before the right one, 6 ms in all under emulation; where the guest's root is the
 * host's, looking here answers the same at once.
 */
#ifndef HULL_VM_COMMAND_H
#define HULL_VM_COMMAND_H

#include "config/config.h"

struct hull_strbuf;
struct hull_strv;

/* The path of @name for an environment with PATH in it; leaves @ret empty where nothing is certain:
 * another root, no such file, or a share that may hold one that comes first. */
void hull_command_locate(const struct hull_config *config, const char *name,
			 const struct hull_strv *env, struct hull_strbuf *ret);

#endif
