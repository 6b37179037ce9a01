/* SPDX-License-Identifier: Apache-2.0
 *
 * cgroup v2 in the guest.
 */
#define _GNU_SOURCE
#include "agent/cgroup.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CGROUP_DIR "/sys/fs/cgroup"
#define DEPTH_MAX 32

void hull_guest_cgroup_init(void)
{
	(void)mount("cgroup2", CGROUP_DIR, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* Groups that exist have its files from then on. */
static int switch_on(const char *controller)
{
	cleanup_close int fd = open(CGROUP_DIR "/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, controller, strlen(controller)) < 0 ? -errno : 0;
}

static int dir_name(struct hull_strbuf *b, uint64_t number)
{
	return hull_strbuf_addf(b, CGROUP_DIR "/s%llu", (unsigned long long)number);
}

int hull_guest_cgroup_create(uint64_t number)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;

	if (dir_name(&path, number) < 0 || mkdir(hull_strbuf_str(&path), 0755) < 0)
		return -1;
	return open(hull_strbuf_str(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int hull_guest_cgroup_limit_pids(int fd, uint64_t most)
{
	cleanup_close int file = -1;
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)most);

	(void)switch_on("+pids"); /* if it can't be, the next says so */
	file = openat(fd, "pids.max", O_WRONLY | O_CLOEXEC);
	return file < 0 || write(file, text, (size_t)n) < 0 ? -errno : 0;
}

/* Programs may have made groups below their own. */
static int remove_groups(int parent, const char *name, int depth)
{
	struct dirent *e;
	DIR *d;
	int fd;

	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (depth == DEPTH_MAX)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			(void)remove_groups(fd, e->d_name, depth + 1);
	closedir(d);
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

void hull_guest_cgroup_remove(uint64_t number)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	int r;

	if (dir_name(&path, number) < 0)
		return;
	r = remove_groups(AT_FDCWD, hull_strbuf_str(&path), 0);
	if (r < 0)
		hull_warn("cgroup", "remove '%s': %s, ignoring", hull_strbuf_str(&path),
			  hull_strerror(-r));
}
