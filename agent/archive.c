/* SPDX-License-Identifier: Apache-2.0
 *
 * The archiver, see archive.h.
 */
#define _GNU_SOURCE
#include "agent/archive.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/unpack.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One line, whatever is in names. */
static void say(void *ctx, const char *text)
{
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;

	if (hull_strbuf_addf(&line, "%s\n", text) < 0)
		return;
	for (size_t i = 0; i + 1 < line.len; i++)
		if (line.data[i] == '\n')
			line.data[i] = ' ';
	(void)hull_fd_write_all(STDERR_FILENO, line.data, line.len);
}

static const struct hull_copy_ops ops = {.note = say};

static _Noreturn void end(int r, const struct hull_error *err)
{
	if (r < 0)
		say(NULL, hull_error_message(err));
	_exit(r < 0);
}

/* The copy of the agent has its descriptors: other sessions' pipes must not stay open with it. */
static void keep_only(int fd)
{
	if (fd > 3)
		(void)syscall(SYS_close_range, 3, fd - 1, 0);
	(void)syscall(SYS_close_range, fd + 1, ~0U, 0);
}

int hull_archive_run(const struct hull_archive *a, int report_fd, struct hull_error **err)
{
	const struct hull_unpack_options o = {
		.target = a->path, .one = a->one, .owners = a->owners, .set_id = a->owners};
	struct hull_unpack *unpack = NULL;
	struct hull_pack *pack = NULL;
	struct hull_error *late = NULL;
	int r;

	keep_only(report_fd);
	r = a->unpack ? hull_unpack_open(&o, &unpack, err)
		      : hull_pack_open(a->path, a->follow, &pack, err);
	if (r < 0)
		return -1;
	close(report_fd);
	(void)umask(0); /* modes are the archive's, and there may be no /proc to change them by */
	r = a->unpack ? hull_unpack_run(unpack, STDIN_FILENO, &ops, NULL, &late)
		      : hull_pack_run(pack, STDOUT_FILENO, &ops, NULL, &late);
	end(r, late);
}
