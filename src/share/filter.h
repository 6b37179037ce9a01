/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server of shares must never do to the host, whoever talks it into it: a seccomp filter,
 * beneath the one of virtiofsd, or of a hypervisor that serves them by itself.
 */
#ifndef HULL_SHARE_FILTER_H
#define HULL_SHARE_FILTER_H

#include "base/error.h"

#include <linux/filter.h>

/* For good, also across exec; needs no_new_privs. */
int hull_filter_install(struct hull_error **err);

struct hull_filter {
	struct sock_fprog program;
};

/* The same as a program, for a spawn (base/proc.h); for a hypervisor, which can't be told to leave
 * extended attributes alone: it has none.  *ret is zeroed or finished before. */
int hull_filter_make(struct hull_filter *ret, struct hull_error **err);
void hull_filter_fini(struct hull_filter *f);

#endif
