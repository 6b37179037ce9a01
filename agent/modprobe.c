/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a module from the modules image, see modprobe.h.
 *
 * The kernel starts this outside every session, in the initramfs as it was unpacked.  Everything it
 * mounts is in a namespace of its own and goes with it.  Links of the chain that may be missing (no
 * image attached, another kernel) end in a status, which the kernel passes on as "no such module".
 */
#define _GNU_SOURCE
#include "agent/modprobe.h"

#include "agent/moddep.h"
#include "agent/modules.h"
#include "agent/mount.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SELF "/init"
#define IMAGE_AT "/mnt"
#define INDEX_MAX ((size_t)8 << 20)

void hull_modprobe_register(void)
{
	cleanup_close int fd = open("/proc/sys/kernel/modprobe", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) /* a kernel without modules has no such file */
		(void)!write(fd, SELF, strlen(SELF));
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

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
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

static void read_index(const char *dir, const char *name, struct hull_strbuf *text)
{
	cleanup_free char *path = hull_path_join(dir, name);

	if (path) /* one that is missing is empty */
		(void)hull_file_read(path, INDEX_MAX, text);
}

static int load_file(const char *dir, const char *file)
{
	cleanup_free char *path = hull_path_join(dir, file);
	cleanup_close int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return -ENOENT;
	return syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST ? -errno : 0;
}

static int load(const char *name)
{
	cleanup_strbuf struct hull_strbuf alias = HULL_STRBUF_INIT, dep = HULL_STRBUF_INIT,
					  softdep = HULL_STRBUF_INIT, dir = HULL_STRBUF_INIT;
	cleanup_strv struct hull_strv files = {0};
	struct hull_moddep texts;
	struct utsname un;
	int r;

	if (uname(&un) < 0 || hull_strbuf_addf(&dir, IMAGE_AT "/%s", un.release) < 0)
		return -ENOMEM;
	read_index(hull_strbuf_str(&dir), "modules.alias", &alias);
	read_index(hull_strbuf_str(&dir), "modules.dep", &dep);
	read_index(hull_strbuf_str(&dir), "modules.softdep", &softdep);
	texts = (struct hull_moddep){hull_strbuf_str(&alias), hull_strbuf_str(&dep),
				     hull_strbuf_str(&softdep)};
	r = hull_moddep_files(&texts, name, &files);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = load_file(hull_strbuf_str(&dir), files.v[i]);
	return r;
}

int hull_modprobe_main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[argc - 1] : "";

	if (argc != 4 || strcmp(argv[1], "-q") || strcmp(argv[2], "--"))
		return 2;
	return mount_image() < 0 || load(name) < 0 ? 1 : 0;
}
