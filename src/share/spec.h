/* SPDX-License-Identifier: Apache-2.0
 *
 * What the monitor tells hull-share: the tree, who serves it, and how.  It travels as JSON on an
 * inherited descriptor, so that no path of the user's stands in anybody's argv.
 *
 * hull-share is started with
 *   3  a bound, listening Unix socket: the hypervisor may connect at once, the kernel holds it
 *   4  the spec, read to its end
 * and becomes virtiofsd.  It ends when the hypervisor disconnects, or with status 1 and one line on
 * standard error.
 */
#ifndef HULL_SHARE_SPEC_H
#define HULL_SHARE_SPEC_H

#include "config/config.h"
#include "share/tree.h"

#include <stddef.h>
#include <stdint.h>

#define HULL_SHARE_SOCKET_FD 3
#define HULL_SHARE_SPEC_FD 4
#define HULL_SHARE_SPEC_MAX ((size_t)8 << 20)

/* Two daemons, because neither their rights nor how long a guest may trust them are the same. */
enum hull_serve {
	HULL_SERVE_ROOT,   /* the host's system directories, with the rights of "others" */
	HULL_SERVE_SHARES, /* what the user shares, with the rights of whoever owns that */
};

struct hull_share_spec {
	enum hull_serve serve;
	struct hull_tree tree;
	char *top;    /* what of it the guest gets as its root, a target; NULL: all of it */
	char *daemon; /* virtiofsd */
	/* Whom the daemon runs as.  Used when started as root, which for a root must name somebody
	 * else; otherwise it is the caller, in a user namespace. */
	uint64_t uid, gid;
	/* SHARES: what the guest sees as the owner of what the daemon's user owns. */
	uint64_t shown_uid, shown_gid;
	enum hull_share_cache cache;
	bool xattr;
};

extern const struct hull_fields hull_share_spec_fields;
extern const char *const hull_serve_names[]; /* indexed by kind, ended by NULL */

void hull_share_spec_init(struct hull_share_spec *s);
void hull_share_spec_fini(struct hull_share_spec *s);
#define cleanup_share_spec __attribute__((cleanup(hull_share_spec_fini)))

int hull_share_spec_validate(const struct hull_share_spec *s, struct hull_error **err);
/* Initialises *ret, on failure too; the result is valid. */
int hull_share_spec_from_json(const char *text, size_t len, struct hull_share_spec *ret,
			      struct hull_error **err);
int hull_share_spec_to_json(const struct hull_share_spec *s, char **ret_text,
			    struct hull_error **err);

/* The daemon's command line: serve the tree, which is at @tree, on the listening socket @fd. */
int hull_share_argv(const struct hull_share_spec *s, int fd, const char *tree,
		    struct hull_strv *ret, struct hull_error **err);

#endif
