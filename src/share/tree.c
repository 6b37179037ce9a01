/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of a served tree: fields, rules, and adding to it.
 */
#define _GNU_SOURCE
#include "share/tree.h"

#include "base/cleanup.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define MAX_ENTRIES 512
#define MAX_MASKS 1024
#define MAX_MASK_TEXT ((size_t)256 << 10)

const char *const hull_tree_kind_names[] = {"bind", "dir", "link", NULL};
static_assert(ARRAY_SIZE(hull_tree_kind_names) == HULL_TREE_LINK + 2, "one name for each kind");

static const struct hull_field entry_table[] = {
	HULL_FIELD_ENUM(struct hull_tree_entry, kind, "kind", 0, enum hull_tree_kind,
			HULL_TREE_BIND, hull_tree_kind_names, "what is at the target"),
	HULL_FIELD_STRING(struct hull_tree_entry, target, "target", HULL_FIELD_REQUIRED,
			  PATH_MAX - 1, "path in the tree"),
	HULL_FIELD_STRING(struct hull_tree_entry, source, "source", 0, PATH_MAX - 1,
			  "path on the host, or text of the link"),
	HULL_FIELD_BOOL(struct hull_tree_entry, writable, "writable", 0, false,
			"let the guest write"),
	HULL_FIELD_BOOL(struct hull_tree_entry, recursive, "recursive", 0, false,
			"with what is mounted beneath the source"),
	HULL_FIELD_BOOL(struct hull_tree_entry, file, "file", 0, false,
			"the source is no directory"),
	HULL_FIELD_U64(struct hull_tree_entry, mode, "mode", 0, 0755, 0, 07777,
		       "permissions of the directory"),
};
static const struct hull_fields entry_fields = HULL_FIELDS(struct hull_tree_entry, entry_table);

static const struct hull_field mask_table[] = {
	HULL_FIELD_STRING(struct hull_tree_mask, target, "target", HULL_FIELD_REQUIRED,
			  PATH_MAX - 1, "path in the tree"),
	HULL_FIELD_STRING(struct hull_tree_mask, text, "text", 0, MAX_MASK_TEXT,
			  "what the guest reads instead"),
};
static const struct hull_fields mask_fields = HULL_FIELDS(struct hull_tree_mask, mask_table);

static const struct hull_field tree_table[] = {
	HULL_FIELD_LIST(struct hull_tree, entries, "entries", 0, &entry_fields, MAX_ENTRIES,
			"what the tree is made of, parents first"),
	HULL_FIELD_LIST(struct hull_tree, masks, "masks", 0, &mask_fields, MAX_MASKS,
			"what is hidden in it"),
};
const struct hull_fields hull_tree_fields = HULL_FIELDS(struct hull_tree, tree_table);

void hull_tree_init(struct hull_tree *t)
{
	hull_fields_init(&hull_tree_fields, t);
}

void hull_tree_fini(struct hull_tree *t)
{
	hull_fields_fini(&hull_tree_fields, t);
}

/* Absolute, not "/" itself, and made of names only: it can be walked one openat() at a time. */
static bool is_plain(const char *path)
{
	size_t len = path ? strlen(path) : 0;

	if (len < 2 || len >= PATH_MAX || path[0] != '/')
		return false;
	for (const char *name = path + 1;; name++) {
		size_t n = strcspn(name, "/");

		if (n == 0 || n > NAME_MAX || (n <= 2 && !strncmp(name, "..", n)))
			return false;
		name += n;
		if (!*name)
			return true;
	}
}

static int check_target(const char *target, struct hull_error **err)
{
	if (is_plain(target))
		return 0;
	return hull_fail(err, HULL_E_INVALID, "'%s' is no plain absolute path in the shared tree",
			 target ? target : "");
}

static int check_entry(const struct hull_tree_entry *e, struct hull_error **err)
{
	bool bind = e->kind == HULL_TREE_BIND;

	if (check_target(e->target, err) < 0)
		return -1;
	if (bind && (!e->source || e->source[0] != '/'))
		return hull_fail(err, HULL_E_INVALID, "share '%s': '%s' is no absolute path",
				 e->target, e->source ? e->source : "");
	if (e->kind == HULL_TREE_LINK && !e->source)
		return hull_fail(err, HULL_E_INVALID, "link '%s' points nowhere", e->target);
	if (e->kind == HULL_TREE_DIR && e->source)
		return hull_fail(err, HULL_E_INVALID, "directory '%s' takes no source", e->target);
	if (!bind && (e->writable || e->recursive || e->file))
		return hull_fail(err, HULL_E_INVALID,
				 "'%s': writable, recursive and file go with binds only",
				 e->target);
	return 0;
}

int hull_tree_validate(const struct hull_tree *t, struct hull_error **err)
{
	for (size_t i = 0; i < t->entries.n; i++)
		if (check_entry(&t->entries.v[i], err) < 0)
			return -1;
	for (size_t i = 0; i < t->masks.n; i++)
		if (check_target(t->masks.v[i].target, err) < 0)
			return -1;
	return 0;
}

static int add_entry(struct hull_tree *t, const struct hull_tree_entry *like,
		     struct hull_error **err)
{
	struct hull_tree_entry *e;

	if (check_entry(like, err) < 0)
		return -1;
	if (t->entries.n >= MAX_ENTRIES)
		return hull_fail(err, HULL_E_EXHAUSTED, "share '%s': more than %d shares",
				 like->target, MAX_ENTRIES);
	e = hull_vec_push(&t->entries);
	if (!e)
		return hull_fail_nomem(err);
	*e = *like;
	e->target = strdup(like->target);
	e->source = like->source ? strdup(like->source) : NULL;
	if (e->target && (e->source || !like->source))
		return 0;
	hull_fields_fini(&entry_fields, e);
	t->entries.n--;
	return hull_fail_nomem(err);
}

int hull_tree_bind(struct hull_tree *t, const char *source, const char *target, unsigned int flags,
		   struct hull_error **err)
{
	const struct hull_tree_entry e = {
		.kind = HULL_TREE_BIND,
		.target = (char *)(uintptr_t)target,
		.source = (char *)(uintptr_t)source,
		.writable = flags & HULL_TREE_WRITABLE,
		.recursive = flags & HULL_TREE_RECURSIVE,
		.file = flags & HULL_TREE_FILE,
		.mode = 0755,
	};

	return add_entry(t, &e, err);
}

int hull_tree_dir(struct hull_tree *t, const char *target, unsigned int mode,
		  struct hull_error **err)
{
	const struct hull_tree_entry e = {
		.kind = HULL_TREE_DIR,
		.target = (char *)(uintptr_t)target,
		.mode = mode,
	};

	return add_entry(t, &e, err);
}

int hull_tree_link(struct hull_tree *t, const char *text, const char *target,
		   struct hull_error **err)
{
	const struct hull_tree_entry e = {
		.kind = HULL_TREE_LINK,
		.target = (char *)(uintptr_t)target,
		.source = (char *)(uintptr_t)text,
		.mode = 0755,
	};

	return add_entry(t, &e, err);
}

int hull_tree_mask(struct hull_tree *t, const char *target, const char *text,
		   struct hull_error **err)
{
	struct hull_tree_mask *m;

	if (check_target(target, err) < 0)
		return -1;
	if (t->masks.n >= MAX_MASKS)
		return hull_fail(err, HULL_E_EXHAUSTED, "hide '%s': more than %d paths", target,
				 MAX_MASKS);
	if (text && strlen(text) > MAX_MASK_TEXT)
		return hull_fail(err, HULL_E_EXHAUSTED, "hide '%s': text of more than %zu bytes",
				 target, MAX_MASK_TEXT);
	m = hull_vec_push(&t->masks);
	if (!m)
		return hull_fail_nomem(err);
	m->target = strdup(target);
	m->text = text && *text ? strdup(text) : NULL;
	if (m->target && (m->text || !text || !*text))
		return 0;
	hull_fields_fini(&mask_fields, m);
	t->masks.n--;
	return hull_fail_nomem(err);
}
