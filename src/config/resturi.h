/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a VM's REST service listens, as vfkit's --restful-uri writes it.  Pure; names of hosts stay
 * names.
 *
 *   none://            nowhere
 *   tcp://HOST:PORT    HOST may be empty or localhost: the loopback; vfkit takes http:// for it,
 * too unix:///PATH       a socket; escapes (%20) are resolved, what follows '?' is cut off
 */
#ifndef HULL_CONFIG_RESTURI_H
#define HULL_CONFIG_RESTURI_H

#include "config/config.h"

/* Into *ret, whose earlier content is freed on success.  @vfkit: all that vfkit takes. */
int hull_rest_uri_parse(const char *text, bool vfkit, struct hull_rest *ret,
			struct hull_error **err);
/* Whether only this host can reach it by TCP. */
bool hull_rest_is_loopback(const struct hull_rest *rest);
/* Whether its fields fit each other, and the address is one: names have been looked up by now. */
int hull_rest_check(const struct hull_rest *rest, struct hull_error **err);
/* "unix:///PATH", "tcp://HOST:PORT", "none://"; NULL without memory.  The caller frees. */
char *hull_rest_uri_text(const struct hull_rest *rest);

#endif
