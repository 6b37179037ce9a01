/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest's root is made of.
 *
 * With daemons there is one tree below and one overlay.  With exports of the hypervisor (export.h)
 * each of the host's system directories comes by itself, and an overlay does not look into what is
 * mounted in its layers: so each has an overlay of its own, with what hides things in it put into
 * the upper layer beforehand, and the root around them is a plain directory.
 */
#define _GNU_SOURCE
#include "monitor/setup.h"
#include "monitor/state.h"

#include <stdio.h>
#include <string.h>

/* Where things are mounted in the guest before they become its root, or part of it. */
#define GUEST_LOWER "/run/hull/lower"
#define GUEST_RW "/run/hull/rw"
#define GUEST_ROOT "/run/hull/root"
#define GUEST_SHARE "/run/hull/share"

/* As much as the transport takes. */
#define NINEP "trans=virtio,version=9p2000.L,access=any,msize=512000,cache="

typedef const char *const options[HULL_SETUP_OPTIONS_MAX];

/* redirect_dir: else a directory from below can't be renamed (EXDEV). */
#define OVERLAY "redirect_dir=on"

/* What takes the changes. */
static void add_upper(struct hull_setup *s, const struct hull_config *c)
{
	static options memory = {"size=50%", "mode=0755"};
	static options disk = {"noatime", "noinit_itable"};

	if (!hull_config_scratch(c)) {
		hull_setup_mount(s, "tmpfs", "hull", GUEST_RW, memory);
		return;
	}
	hull_setup_stage(s, "disk");
	hull_setup_stage(s, "ext4");
	hull_setup_mount(s, "ext4", "serial:" HULL_SCRATCH_SERIAL, GUEST_RW, disk);
}

/* What lies below as well: the overlay alone could be made writable again by the guest's root. */
static void add_seal(struct hull_setup *s, const char *mount)
{
	if (s->rq.n_seal < HULL_SETUP_SEALED_MAX)
		s->sealed[s->rq.n_seal++] = (char *)mount;
	s->rq.seal = s->sealed;
}

/* The host's tree below, something writable above it, both as one root. */
static void add_tree(struct hull_setup *s, const struct hull_config *c)
{
	static options lower = {"ro"};
	static options overlay = {OVERLAY, "lowerdir=" GUEST_LOWER, "upperdir=" GUEST_RW "/upper",
				  "workdir=" GUEST_RW "/work"};

	hull_setup_mount(s, "virtiofs", HULL_ROOT_TAG, GUEST_LOWER, lower);
	add_upper(s, c);
	hull_setup_mount(s, "overlay", "hull", GUEST_ROOT, overlay);
	if (c->root.readonly) {
		add_seal(s, GUEST_ROOT);
		add_seal(s, GUEST_RW);
	}
}

/* ---- exports ---- */

/* Strict: nothing is kept but what is mapped, which must be for files to be mapped shared. */
static const char *ninep_options(struct hull_setup *s, enum hull_share_cache cache)
{
	static const char *const modes[] = {
		[HULL_SHARE_CACHE_STRICT] = "mmap",
		[HULL_SHARE_CACHE_AUTO] = "loose",
		[HULL_SHARE_CACHE_ALWAYS] = "loose",
		[HULL_SHARE_CACHE_NONE] = "none",
	};

	return hull_setup_text(s, NINEP "%s", modes[cache]);
}

/* The tree's own part of the root, with mount points for the rest. */
static void add_frame(struct hull_setup *s, const struct hull_tree *tree)
{
	static options plain = {"mode=0755"};

	hull_setup_mount(s, "directory", "", GUEST_RW "/root", plain);
	for (size_t i = 0; i < tree->entries.n; i++) {
		const struct hull_tree_entry *e = &tree->entries.v[i];
		const char *at = hull_setup_text(s, GUEST_RW "/root%s", e->target);
		options mode = {e->kind == HULL_TREE_DIR
					? hull_setup_text(s, "mode=%o", (unsigned int)e->mode)
					: "mode=0755"};

		if (e->kind == HULL_TREE_LINK)
			hull_setup_mount(s, "symlink", e->source, at, NULL);
		else
			hull_setup_mount(s, "directory", "", at, mode);
	}
}

/* Not to keep secrets, which is the host's affair (hull_exports_plan()): so that what is there can
 * be used. */
static void add_masks(struct hull_setup *s, const struct hull_exports *x, const char *dir,
		      const char *upper)
{
	static options opaque = {"mode=0755", "opaque"};
	static options readable = {"mode=0444"};
	size_t len = strlen(dir);

	for (size_t i = 0; i < x->masks.n; i++) {
		const struct hull_tree_mask *mask = x->masks.v[i].mask;
		const char *at;

		if (strncmp(mask->target, dir, len) != 0 || mask->target[len] != '/')
			continue;
		at = hull_setup_text(s, "%s%s", upper, mask->target + len);
		if (x->masks.v[i].dir)
			hull_setup_mount(s, "directory", "", at, opaque);
		else
			hull_setup_mount(s, "file", mask->text ? mask->text : "", at, readable);
	}
}

static void add_export(struct hull_setup *s, const struct hull_monitor *m, size_t i,
		       const char *dir)
{
	const char *lower = hull_setup_text(s, GUEST_LOWER "%zu", i);
	const char *upper = hull_setup_text(s, GUEST_RW "/%zu/upper", i);
	const char *at = hull_setup_text(s, GUEST_ROOT "%s", dir);
	options ninep = {"ro", ninep_options(s, m->config.root.cache)};
	options overlay = {OVERLAY, hull_setup_text(s, "lowerdir=%s", lower),
			   hull_setup_text(s, "upperdir=%s", upper),
			   hull_setup_text(s, "workdir=" GUEST_RW "/%zu/work", i)};

	hull_setup_mount(s, "9p", hull_setup_text(s, HULL_EXPORT_TAG "%zu", i), lower, ninep);
	add_masks(s, &m->exports, dir, upper);
	hull_setup_mount(s, "overlay", "hull", at, overlay);
	if (m->config.root.readonly)
		add_seal(s, at);
}

static void add_exports(struct hull_setup *s, const struct hull_monitor *m)
{
	const struct hull_tree *tree = &m->exports.root;
	size_t n = 0;

	add_upper(s, &m->config);
	add_frame(s, tree);
	hull_setup_mount(s, "bind", GUEST_RW "/root", GUEST_ROOT, NULL);
	for (size_t i = 0; i < tree->entries.n; i++)
		if (tree->entries.v[i].kind == HULL_TREE_BIND)
			add_export(s, m, n++, tree->entries.v[i].target);
	if (m->config.root.readonly)
		add_seal(s, GUEST_RW); /* the root's own file system too */
}

/* ---- shares ---- */

/* The share that --modules has made. */
static bool is_modules(const struct hull_config *c, const struct hull_share *share)
{
	return c->modules && share->readonly && !strcmp(share->source, c->modules);
}

/* Each daemon's tree is mounted as a whole; what is in it is bound to where it is wanted. */
static void add_shares(struct hull_setup *s, const struct hull_monitor *m)
{
	static options readonly = {"ro"};
	const struct hull_config *c = &m->config;

	for (size_t i = 0; i < m->shares.n_groups; i++)
		hull_setup_mount(s, "virtiofs", hull_setup_text(s, HULL_SHARE_TAG "%zu", i),
				 hull_setup_text(s, GUEST_SHARE "%zu", i), NULL);
	for (size_t i = 0; i < c->shares.n; i++) {
		const struct hull_share *share = &c->shares.v[i];
		char *source = hull_setup_text(s, GUEST_SHARE "%u/%zu", m->shares.group_of[i], i);

		hull_setup_bind(s, "bind", source,
				hull_setup_text(s, "%s%s", s->rq.root, share->target),
				share->readonly ? readonly : NULL);
		if (is_modules(c, share))
			s->rq.modules_dir = source;
	}
}

static void add_share_exports(struct hull_setup *s, const struct hull_monitor *m)
{
	const struct hull_config *c = &m->config;

	for (size_t i = 0; i < c->shares.n; i++) {
		const struct hull_share *share = &c->shares.v[i];
		options o = {ninep_options(s, c->share_cache), share->readonly ? "ro" : NULL};
		char *target = hull_setup_text(s, "%s%s", s->rq.root, share->target);

		hull_setup_bind(s, "9p",
				hull_setup_text(s, HULL_EXPORT_TAG "%zu", m->exports.n_root + i),
				target, o);
		if (is_modules(c, share))
			s->rq.modules_dir = target;
	}
}

void hull_setup_root(struct hull_setup *s, const struct hull_monitor *m)
{
	bool ninep = m->config.share_driver == HULL_SHARE_DRIVER_NINEP;

	/* The modules of 9p come on demand, from the modules image. */
	if (m->config.root.kind != HULL_ROOT_NONE || m->config.shares.n ||
	    hull_config_count(&m->config, HULL_DEVICE_FS))
		hull_setup_stage(s, "root");
	if (m->config.root.kind == HULL_ROOT_HOST) {
		if (ninep)
			add_exports(s, m);
		else
			add_tree(s, &m->config);
		s->rq.root = (char *)GUEST_ROOT;
		s->rq.api_mounts = true;
	}
	if (ninep)
		add_share_exports(s, m);
	else
		add_shares(s, m);
}
