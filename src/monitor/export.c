/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories as exports of the hypervisor, see export.h.
 */
#define _GNU_SOURCE
#include "monitor/export.h"

#include "base/cleanup.h"
#include "base/program.h"
#include "base/strbuf.h"
#include "share/rights.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- whether ---- */

/* The guest looks for a virtiofs by its tag, and nothing else would do. */
static int check_devices(const struct hull_config *config, const struct hull_error *why,
			 struct hull_error **err)
{
	size_t i = 0;

	while (i < config->devices.n && config->devices.v[i].kind != HULL_DEVICE_FS)
		i++;
	if (i == config->devices.n)
		return 0;
	hull_fail_cause(
		err, HULL_E_DENIED, "no-user-namespaces",
		"devices[%zu]: a device virtio-fs needs virtiofsd, which can't work here: %s", i,
		hull_error_message(why));
	hull_hint(err, "%s", hull_error_hint(why));
	return -1;
}

static int choose(struct hull_config *config, uint64_t caps, struct hull_error **ret_why,
		  struct hull_error **err)
{
	bool root = geteuid() == 0, needed = config->root.kind != HULL_ROOT_NONE ||
					     config->shares.n ||
					     hull_config_count(config, HULL_DEVICE_FS);

	*ret_why = NULL;
	if (config->share_driver == HULL_SHARE_DRIVER_NINEP && root && needed) {
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "share driver '9p' is for ordinary users: root's hypervisor has no right "
			  "to anybody's files");
		hull_hint(err, "leave out --share-driver");
		return -1;
	}
	if (config->share_driver == HULL_SHARE_DRIVER_NINEP && !(caps & HULL_CAP_EXPORTS))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "this hypervisor can't serve directories by itself");
	if (config->share_driver != HULL_SHARE_DRIVER_AUTO)
		return 0;
	config->share_driver = HULL_SHARE_DRIVER_VIRTIOFS;
	if (root || !needed || !(caps & HULL_CAP_EXPORTS) || hull_rights_try(ret_why) == 0)
		return 0;
	config->share_driver = HULL_SHARE_DRIVER_NINEP;
	return check_devices(config, *ret_why, err);
}

/* ---- what ---- */

void hull_exports_init(struct hull_exports *e)
{
	*e = (struct hull_exports){0};
	hull_tree_init(&e->root);
}

void hull_exports_fini(struct hull_exports *e)
{
	hull_tree_fini(&e->root);
	free(e->masks.v);
	hull_strv_fini(&e->env);
	hull_filter_fini(&e->filter);
}

static int check_shares(const struct hull_exports *e, const struct hull_config *config,
			struct hull_error **err)
{
	struct stat st;

	for (size_t i = 0; i < config->shares.n; i++) {
		const char *source = config->shares.v[i].source;

		if (stat(source, &st) < 0)
			return hull_fail_errno(err, errno, "share '%s'", source);
		if (S_ISDIR(st.st_mode))
			continue;
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "share '%s': a single file can't be shared over 9p", source);
		hull_hint(err, "share a directory with it; or see 'hull doctor' for what keeps "
			       "virtiofsd from working here");
		return -1;
	}
	if (e->n_root + config->shares.n > HULL_EXPORTS_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED,
				 "%zu shares are more than the %zu that can be served over 9p",
				 config->shares.n, HULL_EXPORTS_MAX - e->n_root);
	return 0;
}

/* What the tree would cover, the module in the hypervisor refuses to open.  What we can't find, it
 * can't either: it is the same user. */
static int hide(struct hull_exports *e, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf list = HULL_STRBUF_INIT;
	struct stat st;

	for (size_t i = 0; i < e->root.masks.n; i++) {
		struct hull_export_mask *m;

		if (lstat(e->root.masks.v[i].target, &st) < 0)
			continue;
		m = hull_vec_push(&e->masks);
		if (!m)
			return hull_fail_nomem(err);
		*m = (struct hull_export_mask){&e->root.masks.v[i], S_ISDIR(st.st_mode)};
		hull_strbuf_addf(&list, "%s%" PRIu64 ":%" PRIu64, list.len ? ":" : "",
				 (uint64_t)st.st_dev, (uint64_t)st.st_ino);
	}
	if (list.failed)
		return hull_fail_nomem(err);
	if (list.len)
		hull_strv_addf(&e->env, "HULL_SHARE_HIDDEN=%s", list.data);
	return 0;
}

static int make_environment(struct hull_exports *e, const struct hull_config *config,
			    struct hull_error **err)
{
	cleanup_free char *shim = NULL;

	if (hull_program_path("hull-virtiofsd.so", &shim, err) < 0)
		return -1;
	if (strpbrk(shim, " :"))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "'%s' can't be loaded into the hypervisor: its path has a space "
				 "or a colon",
				 shim);
	hull_strv_addf(&e->env, "LD_PRELOAD=%s", shim);
	hull_strv_addf(&e->env, "HULL_SHARE_IDS=%u:%u:%" PRIu64 ":%" PRIu64, geteuid(), getegid(),
		       config->owner_uid, config->owner_gid);
	if (hide(e, err) < 0)
		return -1;
	return e->env.failed ? hull_fail_nomem(err) : 0;
}

static int plan(struct hull_exports *e, const struct hull_config *config, struct hull_error **err)
{
	if (config->root.kind != HULL_ROOT_NONE && hull_tree_host(&e->root, "/", "/", err) < 0)
		return -1;
	for (size_t i = 0; i < e->root.entries.n; i++)
		e->n_root += e->root.entries.v[i].kind == HULL_TREE_BIND;
	if (check_shares(e, config, err) < 0 || make_environment(e, config, err) < 0)
		return -1;
	return hull_filter_make(&e->filter, err);
}

int hull_exports_plan(struct hull_exports *e, struct hull_share_plan *ret_shares,
		      struct hull_config *config, uint64_t caps, struct hull_error **ret_why,
		      struct hull_error **err)
{
	if (choose(config, caps, ret_why, err) < 0)
		return -1;
	return config->share_driver == HULL_SHARE_DRIVER_NINEP
		       ? plan(e, config, err)
		       : hull_share_plan(config, ret_shares, err);
}

/* ---- opening ---- */

static int open_export(const char *path, bool readonly, bool others,
		       struct hull_backend_exports *out, struct hull_error **err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return hull_fail_errno(err, errno, "share '%s'", path);
	out->v[out->n++] = (struct hull_backend_export){fd, readonly, others};
	return 0;
}

int hull_exports_open(const struct hull_exports *e, const struct hull_config *config,
		      struct hull_backend_exports *ret, struct hull_error **err)
{
	for (size_t i = 0; i < e->root.entries.n; i++) {
		const struct hull_tree_entry *entry = &e->root.entries.v[i];

		if (entry->kind == HULL_TREE_BIND &&
		    open_export(entry->source, true, true, ret, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < config->shares.n; i++)
		if (open_export(config->shares.v[i].source, config->shares.v[i].readonly, false,
				ret, err) < 0)
			return -1;
	ret->env = &e->env;
	ret->filter = &e->filter.program;
	return 0;
}
