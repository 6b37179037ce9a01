/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading descriptions and completing them, see description.h.
 */
#define _GNU_SOURCE
#include "vm/description.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config.h"
#include "vm/dirs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Of the directory that relative paths are meant for. */
static char *real_dir(const char *path)
{
	cleanup_free char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (!copy)
		return NULL;
	if (slash)
		slash[slash == copy] = '\0';
	return realpath(slash ? copy : ".", NULL);
}

int hull_description_load(const char *path, struct hull_config *config, struct hull_strv *problems,
			  struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = {.max = HULL_DESCRIPTION_MAX + 1};
	bool standard = !strcmp(path, "-");
	cleanup_free char *dir = real_dir(path);
	int r = standard ? hull_fd_read_all(STDIN_FILENO, HULL_DESCRIPTION_MAX, &text)
			 : hull_file_read(path, HULL_DESCRIPTION_MAX, &text);

	if (r == 0 && !dir)
		r = -errno;
	if (r < 0)
		return hull_fail_errno(err, -r, "read '%s'", path);
	if (hull_config_read_user(hull_strbuf_str(&text), text.len, dir, config, problems, err) < 0)
		return hull_prefix(err, "'%s'", standard ? "standard input" : path);
	return 0;
}

/* The guest's kernel finds what its initramfs lacks there, when it misses it. */
static int add_modules(struct hull_config *c, const char *guest_dir, struct hull_error **err)
{
	cleanup_free char *path = NULL;
	struct hull_disk *d;

	if (hull_dirs_artefact(guest_dir, c->arch, HULL_ARTEFACT_MODULES, &path, err) < 0)
		return -1;
	d = hull_vec_push(&c->disks);
	if (!d)
		return hull_fail_nomem(err);
	d->path = steal_ptr(&path);
	d->readonly = true;
	d->serial = strdup(HULL_MODULES_SERIAL);
	return d->serial ? 0 : hull_fail_nomem(err);
}

int hull_description_complete(struct hull_config *c, const char *guest_dir, struct hull_error **err)
{
	bool ours = !c->kernel;

	if (c->firmware.kind != HULL_FIRMWARE_NONE || c->backend == HULL_BACKEND_MOCK)
		return 0; /* it boots what is on the disks, or nothing */
	if (ours &&
	    hull_dirs_artefact(guest_dir, c->arch, HULL_ARTEFACT_KERNEL, &c->kernel, err) < 0)
		return -1;
	if (ours && c->agent == HULL_AGENT_HULL && !c->modules &&
	    add_modules(c, guest_dir, err) < 0)
		return -1;
	/* Somebody's own kernel without an agent boots whatever it was given. */
	if (!c->initrd && (ours || c->agent == HULL_AGENT_HULL) &&
	    hull_dirs_artefact(guest_dir, c->arch, HULL_ARTEFACT_INITRD, &c->initrd, err) < 0)
		return -1;
	return 0;
}

int hull_vfkit_read_image(void *ctx, const char *path, unsigned char *head, size_t *ret_len,
			  struct hull_error **err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, head, 4);

	if (n < 0)
		return hull_fail(err, HULL_E_INVALID, "open image '%s': %s", path,
				 hull_strerror(errno));
	*ret_len = (size_t)n;
	return 0;
}
