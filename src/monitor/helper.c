/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and watching a helper, see helper.h.
 */
#define _GNU_SOURCE
#include "monitor/helper.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/tail.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REAP_MS 5000

struct hull_helper {
	struct hull_helper_env env;
	const char *what;
	struct hull_child child;
	struct hull_source *source;
	struct hull_tail *tail;
	bool killed;
};

/* The last line that is no chatter, of "lines\nseparated\nso". */
static char *last_words(const char *said, const char *chatter)
{
	const char *end = said + strlen(said), *start;

	for (;; end = start - 1) {
		start = memrchr(said, '\n', (size_t)(end - said));
		start = start ? start + 1 : said;
		if (end > start && strncmp(start, chatter, strlen(chatter)) != 0)
			return strndup(start, (size_t)(end - start));
		if (start == said)
			return strdup("");
	}
}

static void on_ended(void *ctx, int wstatus)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *words = NULL;
	struct hull_helper *h = ctx;
	const char *said = hull_tail_text(h->tail);
	char text[64];

	if (h->env.chatter && (words = last_words(said, h->env.chatter)))
		said = words;
	hull_source_remove(&h->source);
	hull_closep(&h->child.pidfd);
	if (!h->killed && (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus)))
		hull_fail_cause(&err, HULL_E_BACKEND, "helper-died", "%s %s%s%s", h->what,
				hull_wstatus_text(wstatus, text), *said ? ": " : "", said);
	h->env.ended(h->env.ctx, err);
}

static int spawn_it(struct hull_helper *h, const struct hull_spawn *spawn, struct hull_error **err)
{
	struct hull_fd_map fds[HULL_HELPER_FDS_MAX + 1];
	struct hull_spawn s = *spawn;
	cleanup_close int said = -1;

	assert(s.n_fds <= HULL_HELPER_FDS_MAX);
	if (hull_tail_new(h->env.loop, &h->tail, &said, err) < 0)
		return -1;
	memcpy(fds, s.fds, s.n_fds * sizeof(*fds));
	fds[s.n_fds] = (struct hull_fd_map){said, STDERR_FILENO};
	s.fds = fds;
	s.n_fds++;
	s.cwd = "/";
	s.cgroup_fd = h->env.cgroup_fd;
	s.new_session = true;
	s.die_with_parent = true;
	return hull_spawn(&s, &h->child, err);
}

int hull_helper_start(const struct hull_helper_env *env, const char *what,
		      const struct hull_spawn *spawn, struct hull_helper **ret,
		      struct hull_error **err)
{
	cleanup_with(hull_helper_freep) struct hull_helper *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return hull_fail_nomem(err);
	h->env = *env;
	h->what = what;
	h->child.pidfd = -1;
	if (spawn_it(h, spawn, err) < 0)
		return -1;
	r = hull_loop_add_child(env->loop, h->child.pidfd, on_ended, h, &h->source);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch %s", what);
	*ret = steal_ptr(&h);
	return 0;
}

bool hull_helper_runs(const struct hull_helper *h)
{
	return h->child.pidfd >= 0;
}

void hull_helper_kill(struct hull_helper *h)
{
	h->killed = true;
	if (h->child.pidfd >= 0)
		(void)hull_pidfd_kill(h->child.pidfd, SIGKILL);
}

void hull_helper_free(struct hull_helper *h)
{
	int wstatus;

	if (!h)
		return;
	hull_source_remove(&h->source);
	if (h->child.pidfd >= 0) {
		(void)hull_pidfd_kill(h->child.pidfd, SIGKILL);
		(void)hull_child_wait(h->child.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
		hull_closep(&h->child.pidfd);
	}
	hull_tail_free(h->tail);
	free(h);
}
