/* SPDX-License-Identifier: Apache-2.0
 *
 * Making a throwaway disk, see scratch.h.
 */
#define _GNU_SOURCE
#include "monitor/scratch.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tail.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MKFS_FD 3
#define REAP_MS 5000

struct hull_scratch {
	void (*done)(void *ctx, const struct hull_error *error);
	void *ctx;
	int fd; /* owned: the file lives as long */
	char path[32];
	char *dir; /* where the file is, for messages */
	struct hull_child child;
	struct hull_source *source;
	struct hull_tail *tail;
};

static int fail_file(int errnum, const char *dir, struct hull_error **err)
{
	hull_fail_errno(err, errnum, "make a throwaway disk in '%s'", dir);
	if (errnum == ENOSPC || errnum == EDQUOT)
		hull_hint(err, "make room there, or leave out --scratch");
	else if (errnum == EFBIG)
		hull_hint(err,
			  "ask for less with --scratch, or raise the limit: 'ulimit -f' tells it");
	else
		hull_hint(err,
			  "make '%s' a directory that you may write to, or leave out --scratch",
			  dir);
	return -1;
}

static int open_file(const char *dir, uint64_t bytes, struct hull_error **err)
{
	cleanup_close int fd = hull_file_nameless(dir, "hull-scratch-", NULL);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		return fail_file(fd < 0 ? -fd : errno, dir, err);
	return steal_fd(&fd);
}

static void on_child_exit(void *ctx, int wstatus)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_scratch *s = ctx;
	const char *said = hull_tail_text(s->tail);
	char text[64];

	hull_source_remove(&s->source);
	hull_closep(&s->child.pidfd);
	if (wstatus && strstr(said, hull_strerror(ENOSPC)))
		(void)fail_file(ENOSPC, s->dir, &err);
	else if (wstatus)
		hull_fail_cause(&err, HULL_E_OS, "mkfs-failed",
				"make a throwaway disk: mkfs.ext4 %s%s%s",
				hull_wstatus_text(wstatus, text), *said ? ": " : "", said);
	if (wstatus && !*hull_error_hint(err))
		hull_hint(&err, "it can be done without: leave out --scratch");
	s->done(s->ctx, err);
}

const char *hull_scratch_mkfs(void)
{
	static const char *const places[] = {"/sbin/mkfs.ext4", "/usr/sbin/mkfs.ext4"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* No journal and no reserve: nothing of it is ever recovered. */
static int spawn(struct hull_scratch *s, struct hull_loop *loop, struct hull_error **err)
{
	char *argv[] = {(char *)"mkfs.ext4",
			(char *)"-q",
			(char *)"-F",
			(char *)"-m",
			(char *)"0",
			(char *)"-O",
			(char *)"^has_journal",
			(char *)"-E",
			(char *)"lazy_itable_init=1,nodiscard,root_owner=0:0",
			(char *)"/proc/self/fd/3",
			NULL};
	cleanup_close int said = -1;
	struct hull_spawn spawn = {
		.path = hull_scratch_mkfs(), .argv = argv, .cwd = "/", .die_with_parent = true};

	if (!spawn.path) {
		hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-program",
				"mkfs.ext4, which makes throwaway disks, is missing");
		hull_hint(err, "on Debian: apt install e2fsprogs; or leave out --scratch");
		return -1;
	}
	if (hull_tail_new(loop, &s->tail, &said, err) < 0)
		return -1;
	struct hull_fd_map fds[] = {{s->fd, MKFS_FD}, {said, STDERR_FILENO}};

	spawn.fds = fds;
	spawn.n_fds = ARRAY_SIZE(fds);
	return hull_spawn(&spawn, &s->child, err);
}

int hull_scratch_new(struct hull_loop *loop, const char *dir, uint64_t bytes,
		     void (*done)(void *ctx, const struct hull_error *error), void *ctx,
		     struct hull_scratch **ret, struct hull_error **err)
{
	struct hull_scratch *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return hull_fail_nomem(err);
	s->done = done;
	s->ctx = ctx;
	s->child.pidfd = -1;
	s->fd = -1;
	s->dir = strdup(dir);
	if (!s->dir) {
		(void)hull_fail_nomem(err);
		goto fail;
	}
	s->fd = open_file(dir, bytes, err);
	if (s->fd < 0 || spawn(s, loop, err) < 0)
		goto fail;
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->fd);
	r = hull_loop_add_child(loop, s->child.pidfd, on_child_exit, s, &s->source);
	if (r < 0) {
		hull_fail_errno(err, -r, "watch mkfs.ext4");
		goto fail;
	}
	*ret = s;
	return 0;
fail:
	hull_scratch_free(s);
	return -1;
}

const char *hull_scratch_path(const struct hull_scratch *s)
{
	return s->path;
}

void hull_scratch_free(struct hull_scratch *s)
{
	int wstatus;

	if (!s)
		return;
	hull_source_remove(&s->source);
	if (s->child.pidfd >= 0) {
		(void)hull_pidfd_kill(s->child.pidfd, SIGKILL);
		(void)hull_child_wait(s->child.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
		hull_closep(&s->child.pidfd);
	}
	hull_tail_free(s->tail);
	hull_closep(&s->fd);
	free(s->dir);
	free(s);
}
