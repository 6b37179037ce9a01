/* SPDX-License-Identifier: Apache-2.0
 *
 * finit_module() in manifest order.
 */
#define _GNU_SOURCE
#include "agent/modules.h"

#include "agent/manifest.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES_DIR "/lib/modules/hull"
#define PACKED 4 /* MODULE_INIT_COMPRESSED_FILE */

struct hull_modules {
	struct hull_strbuf manifest;
	struct hull_strv loaded; /* stages */
};

int hull_modules_open(struct hull_modules **ret_modules, struct hull_error **err)
{
	struct hull_modules *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return hull_fail_nomem(err);
	r = hull_file_read(MODULES_DIR "/load", HULL_MANIFEST_MAX, &m->manifest);
	if (r < 0 && r != -ENOENT) {
		hull_strbuf_fini(&m->manifest);
		free(m);
		return hull_fail_errno(err, -r, "read module manifest '%s/load'", MODULES_DIR);
	}
	*ret_modules = m;
	return 0;
}

static bool is_loaded(const struct hull_modules *m, const char *stage)
{
	for (size_t i = 0; i < m->loaded.n; i++)
		if (!strcmp(m->loaded.v[i], stage))
			return true;
	return false;
}

bool hull_modules_has_stage(const struct hull_modules *m, const char *stage)
{
	struct hull_manifest_entry e;
	size_t pos = 0;

	while (hull_manifest_next(hull_strbuf_str(&m->manifest), m->manifest.len, &pos, &e))
		if (!strcmp(e.stage, stage))
			return true;
	return false;
}

/* The kernel has to be told, and can undo it only if it was built for that. */
static bool is_packed(int fd)
{
	static const char *const magics[] = {"\x1f\x8b",
					     ("\xfd"
					      "7zXZ"),
					     "\x28\xb5\x2f\xfd"};
	char start[8] = "";

	if (pread(fd, start, sizeof(start) - 1, 0) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (!strncmp(start, magics[i], strlen(magics[i])))
			return true;
	return false;
}

int hull_module_insert(const char *path, const char *options)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return syscall(SYS_finit_module, fd, options, is_packed(fd) ? PACKED : 0) < 0 ? -errno : 0;
}

static void load_one(const char *name)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	int r;

	(void)hull_strbuf_addf(&path, MODULES_DIR "/%s.ko", name);
	r = hull_module_insert(hull_strbuf_str(&path), "");
	/* EEXIST: the kernel has it already, as a module or built in. */
	if (r == -ENOEXEC)
		hull_warn("modules", "load '%s': made for another kernel, ignoring", name);
	else if (r == -EOPNOTSUPP)
		hull_warn("modules",
			  "load '%s': it is packed, which needs CONFIG_MODULE_DECOMPRESS, ignoring",
			  name);
	else if (r < 0 && r != -EEXIST)
		hull_warn("modules", "load '%s': %s, ignoring", name, hull_strerror(-r));
}

void hull_modules_load(struct hull_modules *m, const char *stage)
{
	struct hull_manifest_entry e;
	size_t pos = 0;

	if (is_loaded(m, stage))
		return;
	while (hull_manifest_next(hull_strbuf_str(&m->manifest), m->manifest.len, &pos, &e))
		if (!strcmp(e.stage, stage))
			load_one(e.module);
	/* Without memory it is loaded again, which the kernel answers with EEXIST. */
	(void)hull_strv_add(&m->loaded, stage);
}

static bool has_pci(void)
{
	DIR *d = opendir("/sys/bus/pci/devices");
	struct dirent *e;
	bool found = false;

	if (!d)
		return false;
	while (!found && (e = readdir(d)))
		found = e->d_name[0] != '.';
	closedir(d);
	return found;
}

void hull_modules_load_bus(struct hull_modules *m)
{
	hull_modules_load(m, "base");
	hull_modules_load(m, has_pci() ? "pci" : "mmio");
}
