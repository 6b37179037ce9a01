/* SPDX-License-Identifier: Apache-2.0
 *
 * What a guest is told of the host's name service.  The addresses are not among it: the guest asks
 * its network's provider, who passes questions on.
 */
#ifndef HULL_MONITOR_RESOLV_H
#define HULL_MONITOR_RESOLV_H

#include "base/vec.h"

#include <stdbool.h>

#define HULL_RESOLV_SEARCH_MAX 6

struct hull_resolv {
	bool v4, v6; /* there is a name server of that family */
	struct hull_strv search;
};

/* Of a resolv.conf; what is malformed or too much is left out.  0 or -ENOMEM; *ret is to be
 * finished in any case. */
int hull_resolv_parse(const char *text, struct hull_resolv *ret);
void hull_resolv_fini(struct hull_resolv *r);

#endif
