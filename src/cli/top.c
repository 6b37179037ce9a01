/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull top" on a terminal: the table of "hull stats" on a screen of its own, drawn anew in place
 * for each round, key and change of size.  Whatever ends it, the terminal is as it was.
 */
#define _GNU_SOURCE
#include "cli/stats.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/tty.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct top {
	struct hull_stats_job *job;
	struct hull_source *keys, *signals;
	bool by_memory, ended;
};

static int by_cpu(const void *a, const void *b)
{
	const struct hull_stats_row *x = a, *y = b;

	if (x->cpu_milli != y->cpu_milli)
		return x->cpu_milli < y->cpu_milli ? 1 : -1;
	return strcmp(x->vm->id, y->vm->id);
}

static uint64_t memory(const struct hull_stats_row *row)
{
	return row->stats->private_bytes + row->stats->shared_bytes;
}

static int by_memory(const void *a, const void *b)
{
	const struct hull_stats_row *x = a, *y = b;

	if (memory(x) != memory(y))
		return memory(x) < memory(y) ? 1 : -1;
	return strcmp(x->vm->id, y->vm->id);
}

/* Over what is there: to clear it first would flicker. */
static void draw(struct top *t)
{
	struct hull_stats_round *r = &t->job->last;
	unsigned int rows, columns;
	char line[HULL_STATS_LINE];

	hull_tty_size(STDOUT_FILENO, &rows, &columns);
	rows = rows ? rows : 24;
	columns = columns ? columns : 80;
	if (r->vms.n)
		qsort(r->rows, r->vms.n, sizeof(*r->rows), t->by_memory ? by_memory : by_cpu);
	hull_out("\033[H");
	snprintf(line, sizeof(line),
		 "hull top: %zu running, by %s (c: CPU time, m: memory, q: quit)", r->vms.n,
		 t->by_memory ? "memory" : "CPU time");
	hull_out("%.*s\033[K", (int)columns, line);
	if (rows > 1) {
		hull_stats_line(NULL, line);
		hull_out("\n\033[1m%.*s\033[m\033[K", (int)columns, line);
	}
	for (size_t i = 0; i < r->vms.n && i + 2 < rows; i++) {
		hull_stats_line(&r->rows[i], line);
		hull_out("\n%.*s\033[K", (int)columns, line);
	}
	hull_out("\033[J");
	if (hull_out_flush() < 0)
		t->ended = true;
}

static void end(struct top *t)
{
	t->ended = true;
	hull_loop_quit(t->job->loop, 0);
}

static void on_keys(void *ctx, uint32_t events)
{
	struct top *t = ctx;
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(t);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (keys[i] == 'q' || keys[i] == 'Q')
			end(t);
		else if (keys[i] == 'c' || keys[i] == 'm')
			t->by_memory = keys[i] == 'm';
	}
	if (!t->ended)
		draw(t);
}

static void on_signal(void *ctx, int signo)
{
	struct top *t = ctx;

	if (signo == SIGWINCH) {
		draw(t);
		return;
	}
	if (signo == SIGTSTP)
		return; /* the screen would stay */
	t->job->code = 128 + signo;
	end(t);
}

static int watch(struct top *t, struct hull_error **err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
	struct hull_loop *loop = t->job->loop;
	int r = hull_loop_add_signals(loop, signals, ARRAY_SIZE(signals), on_signal, t,
				      &t->signals);

	if (r == 0)
		r = hull_loop_add_fd(loop, STDIN_FILENO, EPOLLIN, on_keys, t, &t->keys);
	return r < 0 ? hull_fail_errno(err, -r, "watch the terminal") : 0;
}

int hull_top_show(struct hull_stats_job *j, struct hull_error **err)
{
	struct top t = {.job = j};
	int r;

	if (hull_stats_round(j, false, err) < 0)
		return -1;
	if (j->n_refs && !j->last.vms.n)
		return 0;
	if (hull_tty_console(STDIN_FILENO, err) < 0)
		return -1;
	hull_out_screen(true);
	r = watch(&t, err);
	if (r == 0)
		draw(&t);
	for (uint64_t n = 0; r == 0 && !t.ended && (!j->times || n < j->times); n++) {
		r = hull_stats_wait(j, err);
		if (r == 0 && !t.ended)
			r = hull_stats_round(j, true, err);
		if (r == 0 && !t.ended)
			draw(&t);
	}
	hull_source_remove(&t.keys);
	hull_source_remove(&t.signals);
	hull_out_screen(false);
	hull_tty_restore();
	return r;
}
