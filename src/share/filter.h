/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon of shares must never do to the host, whoever talks it into it: a seccomp filter,
 * beneath virtiofsd's own.
 */
#ifndef HULL_SHARE_FILTER_H
#define HULL_SHARE_FILTER_H

#include "base/error.h"

/* For good, also across exec; needs no_new_privs. */
int hull_filter_install(struct hull_error **err);

#endif
