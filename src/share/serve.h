/* SPDX-License-Identifier: Apache-2.0
 *
 * The program hull-share: from a spec to a running virtiofsd, or to a report on what the guest
 * would see.
 */
#ifndef HULL_SHARE_SERVE_H
#define HULL_SHARE_SERVE_H

#include "share/rights.h"
#include "share/spec.h"

#include <stdbool.h>

struct hull_serve_opts {
	bool old_mounts; /* by mount(2) only, as on kernels before 5.12 */
};

/* These turn the calling process into something else, whether they succeed or not: it may only exit
 * afterwards.  serve() returns on failure only; prepare() is what comes before exec. */
int hull_share_prepare(const struct hull_share_spec *s, const struct hull_serve_opts *opts,
		       struct hull_rights *ret, struct hull_error **err);
int hull_share_serve(const struct hull_share_spec *s, const struct hull_serve_opts *opts,
		     struct hull_error **err);
/* Prints, with the daemon's final rights, a line about itself and one about each target of the spec
 * and each of @paths (NULL-terminated, in the tree):
 *   self uid=64001 gid=64001 groups=0 caps=0 mounts=12
 *   dir 0755 0:0 read=ok write=EROFS /os/etc
 *   file 0644 0:0 size=12 read=ok write=EROFS /os/etc/hosts
 *   link 0777 0:0 read=- write=- /os/bin -> usr/bin
 *   none read=ENOENT write=- /os/etc/wireguard */
int hull_share_check(const struct hull_share_spec *s, const struct hull_serve_opts *opts,
		     const char *const *paths, struct hull_error **err);

#endif
