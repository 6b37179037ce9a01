/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories, links and files, see node.h.
 */
#define _GNU_SOURCE
#include "agent/node.h"

#include "agent/inroot.h"
#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct options {
	mode_t mode; /* 0: as it comes */
	bool opaque;
};

static int parse_mode(const char *text, mode_t *ret)
{
	mode_t mode = 0;

	if (!*text || strlen(text) > 5)
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return -1;
		mode = mode * 8 + (mode_t)(*text - '0');
	}
	*ret = mode & 07777;
	return 0;
}

static int parse_options(const Hull__Agent__V1__MountEntry *e, struct options *ret,
			 struct hull_error **err)
{
	static const char mode[] = "mode=";

	for (size_t i = 0; i < e->n_options; i++) {
		const char *o = e->options[i];

		if (!strcmp(o, "opaque"))
			ret->opaque = true;
		else if (strncmp(o, mode, sizeof(mode) - 1) ||
			 parse_mode(o + sizeof(mode) - 1, &ret->mode) < 0)
			return hull_fail(err, HULL_E_INVALID, "'%s' is no option of a %s", o,
					 e->type);
	}
	return 0;
}

static int make_directory(int rootfd, const char *path, const struct options *o)
{
	cleanup_close int place = hull_inroot_mkdirs(rootfd, path), fd = -1;

	if (place < 0)
		return steal_fd(&place);
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (o->mode && fchmod(fd, o->mode) < 0) ||
	    (o->opaque && fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0))
		return -errno;
	return 0;
}

static int make_symlink(int rootfd, const char *path, const char *text)
{
	cleanup_free char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	cleanup_close int dir = -1;

	if (!slash || !slash[1])
		return copy ? -EINVAL : -ENOMEM;
	*slash = '\0';
	dir = hull_inroot_mkdirs(rootfd, *copy ? copy : "/");
	if (dir < 0)
		return steal_fd(&dir);
	return symlinkat(text, dir, slash + 1) < 0 ? -errno : 0;
}

static int make_file(int rootfd, const char *path, const char *text, const struct options *o)
{
	cleanup_close int fd = hull_inroot_rewrite(rootfd, path);
	int r;

	if (fd < 0)
		return steal_fd(&fd);
	r = hull_fd_write_all(fd, text, strlen(text));
	return r == 0 && o->mode && fchmod(fd, o->mode) < 0 ? -errno : r;
}

bool hull_node_is(const char *type)
{
	return !strcmp(type, "directory") || !strcmp(type, "symlink") || !strcmp(type, "file");
}

int hull_node_make(int rootfd, const char *path, const Hull__Agent__V1__MountEntry *e,
		   struct hull_error **err)
{
	struct options o = {0};
	int r;

	if (parse_options(e, &o, err) < 0)
		return hull_prefix(err, "make '%s'", e->target);
	if (*e->type == 'd')
		r = make_directory(rootfd, path, &o);
	else if (*e->type == 's')
		r = make_symlink(rootfd, path, e->source);
	else
		r = make_file(rootfd, path, e->source, &o);
	return r < 0 ? hull_fail_errno(err, -r, "make %s '%s'", e->type, e->target) : 0;
}
