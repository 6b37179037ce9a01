/* SPDX-License-Identifier: Apache-2.0
 *
 * The spec as JSON, and the command line of virtiofsd (the C program of QEMU 7.2).
 */
#define _GNU_SOURCE
#include "share/spec.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#define MAX_ID (UINT32_MAX - 1) /* (uid_t)-1 means "unchanged" */

/* What virtiofsd keeps by itself.  A daemon with no right of its own must be told to let go of
 * each, since it gives up when it can't have one. */
static const char *const daemon_caps[] = {"chown",  "dac_override", "fowner", "fsetid",
					  "setgid", "setuid",	    "mknod",  "setfcap"};

const char *const hull_serve_names[] = {"root", "shares", NULL};
static_assert(ARRAY_SIZE(hull_serve_names) == HULL_SERVE_SHARES + 2, "one name for each");

static const struct hull_field spec_table[] = {
	HULL_FIELD_ENUM(struct hull_share_spec, serve, "serve", 0, enum hull_serve, HULL_SERVE_ROOT,
			hull_serve_names, "what the tree is"),
	HULL_FIELD_STRUCT(struct hull_share_spec, tree, "tree", HULL_FIELD_REQUIRED,
			  &hull_tree_fields, "what is served"),
	HULL_FIELD_STRING(struct hull_share_spec, top, "top", 0, PATH_MAX - 1,
			  "the target that is served, instead of all of the tree"),
	HULL_FIELD_STRING(struct hull_share_spec, daemon, "daemon", HULL_FIELD_REQUIRED,
			  PATH_MAX - 1, "path of virtiofsd"),
	HULL_FIELD_U64(struct hull_share_spec, uid, "uid", 0, 0, 0, MAX_ID,
		       "user the daemon runs as"),
	HULL_FIELD_U64(struct hull_share_spec, gid, "gid", 0, 0, 0, MAX_ID,
		       "group the daemon runs as"),
	HULL_FIELD_U64(struct hull_share_spec, shown_uid, "shown_uid", 0, 0, 0, MAX_ID,
		       "guest user shown as its files' owner"),
	HULL_FIELD_U64(struct hull_share_spec, shown_gid, "shown_gid", 0, 0, 0, MAX_ID,
		       "guest group likewise"),
	HULL_FIELD_ENUM(struct hull_share_spec, cache, "cache", 0, enum hull_share_cache,
			HULL_SHARE_CACHE_ALWAYS, hull_share_cache_names,
			"how long the guest trusts what it has read"),
	HULL_FIELD_BOOL(struct hull_share_spec, xattr, "xattr", 0, false,
			"pass extended attributes on"),
};
const struct hull_fields hull_share_spec_fields = HULL_FIELDS(struct hull_share_spec, spec_table);

void hull_share_spec_init(struct hull_share_spec *s)
{
	hull_fields_init(&hull_share_spec_fields, s);
}

void hull_share_spec_fini(struct hull_share_spec *s)
{
	hull_fields_fini(&hull_share_spec_fields, s);
}

static bool is_target(const struct hull_tree *t, const char *path)
{
	for (size_t i = 0; i < t->entries.n; i++)
		if (t->entries.v[i].target && !strcmp(t->entries.v[i].target, path))
			return true;
	return false;
}

int hull_share_spec_validate(const struct hull_share_spec *s, struct hull_error **err)
{
	if (!s->daemon || s->daemon[0] != '/')
		return hull_fail(err, HULL_E_INVALID, "daemon: '%s' is no absolute path",
				 s->daemon ? s->daemon : "");
	if (s->top && !is_target(&s->tree, s->top))
		return hull_fail(err, HULL_E_INVALID, "top: nothing is at '%s' in the tree",
				 s->top);
	return hull_tree_validate(&s->tree, err);
}

int hull_share_spec_from_json(const char *text, size_t len, struct hull_share_spec *ret,
			      struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;

	hull_share_spec_init(ret);
	if (hull_json_parse(text, len, &json, err) < 0 ||
	    hull_fields_from_json(&hull_share_spec_fields, ret, json, NULL, err) < 0)
		return -1;
	return hull_share_spec_validate(ret, err);
}

int hull_share_spec_to_json(const struct hull_share_spec *s, char **ret_text,
			    struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	char *text;

	if (hull_fields_to_json(&hull_share_spec_fields, s, &json, err) < 0)
		return -1;
	text = hull_json_text(json);
	if (!text)
		return hull_fail_nomem(err);
	*ret_text = text;
	return 0;
}

/* Options that are not here are so because of what was measured: worker threads, a longer queue
 * and readdirplus=no gain nothing on a read-only tree.  Submounts of a root are not announced: the
 * guest's overlay refuses a lower layer with automounts; those of shares are, since files of two
 * file systems may have the same inode number.  xattr costs a request per file at first use. */
int hull_share_argv(const struct hull_share_spec *s, int fd, const char *tree,
		    struct hull_strv *ret, struct hull_error **err)
{
	static const char *const caches[] = {
		[HULL_SHARE_CACHE_STRICT] = "auto,timeout=0",
		[HULL_SHARE_CACHE_AUTO] = "auto",
		[HULL_SHARE_CACHE_ALWAYS] = "always",
		[HULL_SHARE_CACHE_NONE] = "none",
	};
	cleanup_strbuf struct hull_strbuf caps = HULL_STRBUF_INIT;
	cleanup_strv struct hull_strv argv = {0};

	for (size_t i = 0; i < ARRAY_SIZE(daemon_caps); i++)
		hull_strbuf_addf(&caps, "%s-%s", i ? ":" : "modcaps=", daemon_caps[i]);
	hull_strv_add(&argv, s->daemon);
	hull_strv_addf(&argv, "--fd=%d", fd);
	hull_strv_add(&argv, "--rlimit-nofile=0"); /* done already */
	hull_strv_add(&argv, "-o");
	hull_strv_addf(&argv, "source=%s%s", tree, s->top ? s->top : "");
	hull_strv_add(&argv, "-o");
	hull_strv_addf(&argv, "sandbox=chroot,log_level=err,cache=%s%s%s,%s", caches[s->cache],
		       s->serve == HULL_SERVE_SHARES ? ",announce_submounts" : "",
		       s->xattr ? ",xattr" : "", hull_strbuf_str(&caps));
	if (argv.failed || caps.failed)
		return hull_fail_nomem(err);
	hull_strv_fini(ret);
	*ret = argv;
	argv = (struct hull_strv){0};
	return 0;
}
