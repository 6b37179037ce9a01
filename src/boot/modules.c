/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a directory of modules and writing an archive of some, see modules.h.
 */
#define _GNU_SOURCE
#include "boot/modules.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "boot/cpio.h"
#include "boot/initrd.h"
#include "boot/stages.h"
#include "boot/version.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_MAX ((size_t)16 << 20)
/* With debugging information modules are large; the guest keeps all of it in memory. */
#define MODULE_MAX ((size_t)256 << 20)
#define GUEST_DIR "lib/modules/hull"

struct work {
	struct hull_config *config;
	char version[HULL_KERNEL_VERSION_MAX + 1];
	char *dir; /* of that version */
	struct hull_strbuf alias, dep, softdep, builtin;
	struct hull_stages stages;
	bool version_seen; /* in a module */
	int fd;
};

static void work_fini(struct work *w)
{
	free(w->dir);
	hull_strbuf_fini(&w->alias);
	hull_strbuf_fini(&w->dep);
	hull_strbuf_fini(&w->softdep);
	hull_strbuf_fini(&w->builtin);
	hull_stages_fini(&w->stages);
	hull_closep(&w->fd);
}

static int read_version(struct work *w, struct hull_error **err)
{
	const char *path = w->config->kernel;
	cleanup_close int fd = -1;
	struct stat st;
	int r = hull_file_open(path, O_RDONLY, false, &st, &fd);

	if (r == -EINVAL)
		return hull_fail_cause(err, HULL_E_INVALID, "not-a-file",
				       "modules: kernel '%s' is not a regular file", path);
	if (r == 0)
		r = hull_kernel_version(fd, w->version);
	if (r == 0)
		return 0;
	if (r == -ENOENT && fd >= 0)
		return hull_fail(err, HULL_E_INVALID,
				 "modules: kernel '%s' does not tell its version", path);
	return hull_fail_errno(err, -r, "modules: read kernel '%s'", path);
}

/* The directory of the version, or one in which modules have been installed. */
static int find_dir(struct work *w, struct hull_error **err)
{
	const char *given = w->config->modules;
	cleanup_free char *direct = hull_path_join(given, "modules.dep");
	cleanup_free char *inside = NULL, *beside = NULL, *real = NULL;

	if (!direct || asprintf(&inside, "%s/lib/modules/%s", given, w->version) < 0 ||
	    !(beside = hull_path_join(inside, "modules.dep")))
		return hull_fail_nomem(err);
	if (access(direct, F_OK) == 0) {
		w->dir = strdup(given);
	} else if (access(beside, F_OK) == 0) {
		w->dir = steal_ptr(&inside);
	} else {
		hull_fail_cause(err, HULL_E_NOT_FOUND, "no-modules-dep",
				"modules: '%s' has neither modules.dep nor lib/modules/%s with it",
				given, w->version);
		hull_hint(err,
			  "'make modules_install INSTALL_MOD_PATH=DIR' makes such a directory, "
			  "'depmod -b DIR %s' its modules.dep",
			  w->version);
		return -1;
	}
	real = w->dir ? realpath(w->dir, NULL) : NULL; /* it may be a link */
	if (w->dir && !real)
		return hull_fail_errno(err, errno, "modules: open '%s'", w->dir);
	free(w->dir);
	w->dir = steal_ptr(&real);
	return w->dir ? 0 : hull_fail_nomem(err);
}

static int read_index(const struct work *w, const char *name, struct hull_strbuf *text,
		      struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(w->dir, name);
	int r = path ? hull_regular_read(path, INDEX_MAX, text) : -ENOMEM;

	/* Not every kernel has all of them. */
	return r < 0 && r != -ENOENT
		       ? hull_fail_errno(err, -r, "modules: read '%s/%s'", w->dir, name)
		       : 0;
}

static int plan(struct work *w, struct hull_error **err)
{
	struct hull_moddep texts;

	if (read_index(w, "modules.alias", &w->alias, err) < 0 ||
	    read_index(w, "modules.dep", &w->dep, err) < 0 ||
	    read_index(w, "modules.softdep", &w->softdep, err) < 0 ||
	    read_index(w, "modules.builtin", &w->builtin, err) < 0)
		return -1;
	texts = (struct hull_moddep){hull_strbuf_str(&w->alias), hull_strbuf_str(&w->dep),
				     hull_strbuf_str(&w->softdep)};
	if (hull_stages_plan(w->config, &texts, hull_strbuf_str(&w->builtin), &w->stages, err) < 0)
		return hull_prefix(err, "modules: '%s'", w->dir);
	w->config->machine = w->stages.machine;
	return 0;
}

static int fail_version(const struct work *w, const char *what, const char *version, size_t len,
			struct hull_error **err)
{
	(void)hull_fail_cause(err, HULL_E_INVALID, "wrong-version",
			      "modules: '%s' is for kernel %.*s, and '%s' is %s", what, (int)len,
			      version, w->config->kernel, w->version);
	hull_hint(err, "modules and kernel must come from the same build");
	return -1;
}

/* A module says for which kernel it was built, unless it is packed. */
static int check_module(struct work *w, const char *file, const struct hull_strbuf *data,
			struct hull_error **err)
{
	static const char key[] = "vermagic=";
	const char *p = data->len ? memmem(data->data, data->len, key, strlen(key)) : NULL;
	size_t len;

	if (!p)
		return 0;
	p += strlen(key);
	len = strcspn(p, " "); /* the buffer ends with a NUL */
	if (len != strlen(w->version) || memcmp(p, w->version, len))
		return fail_version(w, file, p, MIN(len, (size_t)HULL_KERNEL_VERSION_MAX), err);
	w->version_seen = true;
	return 0;
}

/* Where no module told it, the directory's name does. */
static int check_dir(const struct work *w, struct hull_error **err)
{
	const char *slash = strrchr(w->dir, '/'), *name = slash ? slash + 1 : w->dir;

	if (w->version_seen || !strcmp(name, w->version))
		return 0;
	return fail_version(w, w->dir, name, strlen(name), err);
}

/* ---- the archive ---- */

static int write_out(const struct work *w, struct hull_strbuf *out, struct hull_error **err)
{
	return hull_initrd_write(w->fd, out, err) < 0 ? hull_prefix(err, "modules") : 0;
}

static int add_module(struct work *w, const char *file, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf data = {.max = MODULE_MAX + 1};
	cleanup_strbuf struct hull_strbuf out = {.max = 2 * MODULE_MAX};
	cleanup_free char *path = hull_path_join(w->dir, file);
	char name[HULL_MODDEP_NAME_MAX], target[sizeof(GUEST_DIR "/.ko") + sizeof(name)];
	int r = path ? hull_regular_read(path, MODULE_MAX, &data) : -ENOMEM;

	if (r < 0)
		return hull_fail_errno(err, -r, "modules: read '%s/%s'", w->dir, file);
	if (check_module(w, path, &data, err) < 0)
		return -1;
	if (!hull_moddep_name(file, strlen(file), name))
		return hull_fail(err, HULL_E_INVALID, "modules: '%s' is no module's name", path);
	snprintf(target, sizeof(target), GUEST_DIR "/%s.ko", name);
	hull_cpio_add(&out, target, S_IFREG | 0644, hull_strbuf_str(&data), data.len);
	return write_out(w, &out, err);
}

static int write_archive(struct work *w, struct hull_error **err)
{
	static const char *const dirs[] = {"lib", "lib/modules", GUEST_DIR};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		hull_cpio_add(&out, dirs[i], S_IFDIR | 0755, "", 0);
	hull_cpio_add(&out, GUEST_DIR "/load", S_IFREG | 0644, hull_strbuf_str(&w->stages.manifest),
		      w->stages.manifest.len);
	if (write_out(w, &out, err) < 0)
		return -1;
	for (size_t i = 0; i < w->stages.files.n; i++)
		if (add_module(w, w->stages.files.v[i], err) < 0)
			return -1;
	hull_cpio_end(&out);
	return write_out(w, &out, err);
}

/* ---- the description ---- */

static int add_share(struct work *w, struct hull_error **err)
{
	struct hull_config *c = w->config;
	struct hull_share *s;

	if (c->root.kind == HULL_ROOT_NONE && !c->shares.n)
		return 0;
	s = hull_vec_push(&c->shares);
	if (!s)
		return hull_fail_nomem(err);
	s->readonly = true;
	s->source = strdup(w->dir);
	if (asprintf(&s->target, "/lib/modules/%s", w->version) < 0)
		s->target = NULL;
	return s->source && s->target ? 0 : hull_fail_nomem(err);
}

static int change_config(struct work *w, struct hull_error **err)
{
	struct hull_config *c = w->config;

	if (hull_initrd_use(c, w->fd, err) < 0 || add_share(w, err) < 0)
		return -1;
	free(c->modules);
	c->modules = steal_ptr(&w->dir);
	return hull_config_validate(c, err);
}

int hull_boot_modules(struct hull_config *config, int *ret_fd, struct hull_error **err)
{
	cleanup_with(work_fini) struct work w = {.config = config, .fd = -1};

	if (read_version(&w, err) < 0 || find_dir(&w, err) < 0 || plan(&w, err) < 0)
		return -1;
	if (hull_initrd_begin(config, &w.fd, err) < 0)
		return hull_prefix(err, "modules");
	if (write_archive(&w, err) < 0 || check_dir(&w, err) < 0 || change_config(&w, err) < 0)
		return -1;
	*ret_fd = steal_fd(&w.fd);
	return 0;
}
