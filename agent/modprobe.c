/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a module from the modules image or a share, see modprobe.h.
 *
 * The kernel starts this outside every session, in the initramfs as it was unpacked.  Everything it
 * mounts is in a namespace of its own and goes with it.  Links of the chain that may be missing (no
 * image attached, another kernel) end in a status, which the kernel passes on as "no such module".
 */
#define _GNU_SOURCE
#include "agent/modprobe.h"

#include "agent/modules.h"
#include "agent/mount.h"
#include "base/cleanup.h"
#include "base/moddep.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SELF "/init"
#define IMAGE_AT "/mnt"
/* A link to the directory that is used instead.  The kernel starts us where mounts that PID 1 has
 * made are not to be seen, but by way of its root they can be reached. */
#define OTHER_LINK "/lib/modules/hull/other"
#define OTHER_ROOT "/proc/1/root"
#define INDEX_MAX ((size_t)8 << 20)

void hull_modprobe_register(void)
{
	cleanup_close int fd = open("/proc/sys/kernel/modprobe", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) /* a kernel without modules has no such file */
		(void)!write(fd, SELF, strlen(SELF));
}

int hull_modprobe_from(const char *dir)
{
	(void)unlink(OTHER_LINK);
	return symlink(dir, OTHER_LINK) < 0 ? -errno : 0;
}

/* Whether the agent's own mounts are to be seen from where the kernel starts us is its affair. */
static int mount_unless_there(const char *type, const char *at)
{
	return mount(type, at, type, 0, NULL) < 0 && errno != EBUSY ? -errno : 0;
}

static int mount_image(void)
{
	cleanup_strbuf struct hull_strbuf device = HULL_STRBUF_INIT;
	struct hull_modules *m = NULL;
	int r;

	r = mount_unless_there("devtmpfs", "/dev");
	if (r == 0)
		r = mount_unless_there("sysfs", "/sys");
	if (r < 0)
		return r;
	if (hull_modules_open(&m, NULL) < 0)
		return -ENOMEM;
	hull_modules_load(m, "disk");
	hull_modules_load(m, "squashfs");
	(void)mkdir(IMAGE_AT, 0755);
	if (hull_mount_find_disk(HULL_MODULES_SERIAL, &device, NULL) < 0)
		return -ENODEV;
	return mount(hull_strbuf_str(&device), IMAGE_AT, "squashfs", MS_RDONLY, NULL) < 0 ? -errno
											  : 0;
}

/* The directory that has modules.dep. */
static int find_modules(struct hull_strbuf *dir)
{
	char other[PATH_MAX];
	struct utsname un;
	ssize_t n;
	int r;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	n = readlink(OTHER_LINK, other, sizeof(other) - 1);
	if (n > 0) {
		r = mount_unless_there("proc", "/proc");
		return r < 0 ? r : hull_strbuf_addf(dir, OTHER_ROOT "%.*s", (int)n, other);
	}
	r = mount_image();
	if (r < 0 || uname(&un) < 0)
		return r < 0 ? r : -errno;
	return hull_strbuf_addf(dir, IMAGE_AT "/%s", un.release);
}

static void read_index(const char *dir, const char *name, struct hull_strbuf *text)
{
	cleanup_free char *path = hull_path_join(dir, name);

	if (path) /* one that is missing is empty */
		(void)hull_file_read(path, INDEX_MAX, text);
}

int hull_modprobe_open(struct hull_modprobe *ret)
{
	int r = find_modules(&ret->dir);

	if (r < 0)
		return r;
	read_index(hull_strbuf_str(&ret->dir), "modules.alias", &ret->alias);
	read_index(hull_strbuf_str(&ret->dir), "modules.dep", &ret->dep);
	read_index(hull_strbuf_str(&ret->dir), "modules.softdep", &ret->softdep);
	return 0;
}

/* Whether the kernel has it already: the same name in its own spelling. */
static bool is_loaded(const char *file)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	size_t start;

	(void)hull_strbuf_adds(&path, "/sys/module/");
	start = path.len;
	(void)hull_strbuf_add(&path, base, strcspn(base, "."));
	if (path.failed)
		return false;
	for (size_t i = start; i < path.len; i++)
		if (path.data[i] == '-')
			path.data[i] = '_';
	return access(hull_strbuf_str(&path), F_OK) == 0;
}

/* What is said to a module.  A disk on the USB is ready when it is found: the second that the
 * driver gives it is for those that spin. */
static const char *options_of(const char *file)
{
	return strstr(file, "/usb-storage.ko") ? "delay_use=0" : "";
}

static int load_file(const char *dir, const char *file)
{
	cleanup_free char *path = hull_path_join(dir, file);
	int r = path ? hull_module_insert(path, options_of(file)) : -ENOMEM;

	return r == -EEXIST ? 0 : r;
}

int hull_modprobe_load(const struct hull_modprobe *m, const char *name)
{
	const struct hull_moddep texts = {hull_strbuf_str(&m->alias), hull_strbuf_str(&m->dep),
					  hull_strbuf_str(&m->softdep)};
	cleanup_strv struct hull_strv files = {0};
	int r = hull_moddep_files(&texts, name, &files), n = 0;

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		if (is_loaded(files.v[i]))
			continue;
		r = load_file(hull_strbuf_str(&m->dir), files.v[i]);
		n++;
	}
	return r < 0 ? r : n;
}

int hull_modprobe_main(int argc, char **argv)
{
	static struct hull_modprobe m; /* goes with the process */
	const char *name = argc > 1 ? argv[argc - 1] : "";

	if (argc != 4 || strcmp(argv[1], "-q") || strcmp(argv[2], "--"))
		return 2;
	return hull_modprobe_open(&m) < 0 || hull_modprobe_load(&m, name) < 0 ? 1 : 0;
}
