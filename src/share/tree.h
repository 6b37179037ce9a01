/* SPDX-License-Identifier: Apache-2.0
 *
 * What a guest gets to see of the host: one tree per VM, described as a list of entries (host
 * paths bound into it, plain directories, symbolic links) and of masks (paths hidden beneath an
 * entry).  Pure: nothing here mounts; build.h does.
 *
 * Targets are absolute paths inside the tree, without ".", ".." or symbolic links on the way.
 * Missing parents are made where the tree itself is, never on the host: an entry beneath a bound
 * directory needs its mount point to be there.
 */
#ifndef HULL_SHARE_TREE_H
#define HULL_SHARE_TREE_H

#include "base/error.h"
#include "base/vec.h"
#include "config/field.h"

#include <stdbool.h>
#include <stdint.h>

enum hull_tree_kind {
	HULL_TREE_BIND, /* a directory or file of the host */
	HULL_TREE_DIR,	/* an empty directory of the tree's own */
	HULL_TREE_LINK, /* a symbolic link of the tree's own */
};

struct hull_tree_entry {
	enum hull_tree_kind kind;
	char *target;
	char *source;	/* BIND: host path; LINK: its text; DIR: NULL */
	bool writable;	/* BIND: read-only without it */
	bool recursive; /* BIND: with what is mounted beneath the source */
	bool file;	/* BIND: the source is no directory */
	uint64_t mode;	/* DIR */
};

/* Whatever is at the target, if anything, is hidden: a directory by an empty one, all else by a
 * file with this text.  Everybody may read both: the guest must be able to copy them up. */
struct hull_tree_mask {
	char *target;
	char *text; /* NULL: nothing */
};

struct hull_tree {
	HULL_VEC(struct hull_tree_entry) entries; /* parents before what lies in them */
	HULL_VEC(struct hull_tree_mask) masks;
};

extern const struct hull_fields hull_tree_fields; /* JSON in and out */
extern const char *const hull_tree_kind_names[];  /* indexed by kind, ended by NULL */

void hull_tree_init(struct hull_tree *t);
void hull_tree_fini(struct hull_tree *t);
#define cleanup_tree __attribute__((cleanup(hull_tree_fini)))

/* The rules that no field table can state. */
int hull_tree_validate(const struct hull_tree *t, struct hull_error **err);

/* Append; the strings are copied. */
int hull_tree_dir(struct hull_tree *t, const char *target, unsigned int mode,
		  struct hull_error **err);
int hull_tree_link(struct hull_tree *t, const char *text, const char *target,
		   struct hull_error **err);
int hull_tree_mask(struct hull_tree *t, const char *target, const char *text,
		   struct hull_error **err);
#define HULL_TREE_WRITABLE 0x1u
#define HULL_TREE_RECURSIVE 0x2u
#define HULL_TREE_FILE 0x4u
int hull_tree_bind(struct hull_tree *t, const char *source, const char *target, unsigned int flags,
		   struct hull_error **err);

/* The directories programs need: /usr, and /bin /sbin /lib* as the host has them (the links of a
 * merged /usr as links, real directories bound).  @root is the host's root: "/", or a stand-in for
 * tests.  @at is where it goes in the tree: "/", or for instance "/os". */
int hull_tree_programs(struct hull_tree *t, const char *root, const char *at,
		       struct hull_error **err);
/* The default root of a VM: programs, /etc, empty directories where a system has its other ones,
 * and masks over what is secret or personal to the host, as far as it exists now. */
int hull_tree_host(struct hull_tree *t, const char *root, const char *at, struct hull_error **err);

#endif
