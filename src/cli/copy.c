/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull cp", see copy.h: a tar stream between two processes that have nothing else to do.
 *
 *   out of a VM   agent's archiver ──stdout──▶ hull ──pipe──▶ child: unpacks      ("-": our own
 * stdout) into a VM     child: packs ──pipe──▶ hull ──stdin──▶ agent's archiver         ("-": our
 * own stdin)
 *
 * The child is a copy of this process, since files block.  Either end may fail, and the other one
 * then sees the stream's end: of two errors the one is told that is not such a consequence.
 */
#define _GNU_SOURCE
#include "cli/copy.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/report.h"
#include "base/strbuf.h"
#include "base/tail.h"
#include "base/unpack.h"
#include "cli/vms.h"
#include "vm/catalogue.h"
#include "vm/exec.h"
#include "vm/rundir.h"
#include "vm/use.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIND_MS 20000
#define PROGRESS_FIRST_NS HULL_NS_PER_S
#define PROGRESS_NS (200 * HULL_NS_PER_MS)

const struct hull_opt hull_cp_opts[] = {
	{'a', "archive", NULL, "keep owners, by number", NULL},
	{'L', "follow-link", NULL, "if SRC is a link, copy what it leads to", NULL},
	{'q', "quiet", NULL, "print nothing but errors", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_cp_details[] =
	"One of the two is VM:PATH, the other one a path of this host, or '-' for a tar stream.\n"
	"Into a directory that is there SRC goes by its name, or without it as DST/NAME; of a\n"
	"SRC that ends with '/.' the content goes there.  Anything else becomes DST.\n"
	"\n"
	"Examples:\n"
	"  hull cp web:/etc/hosts .\n"
	"  hull cp ./site web:/srv\n"
	"  hull cp web:/var/log - | tar t\n";

struct copy {
	bool owners, follow, quiet;
	bool into; /* the VM */
	char *ref;
	const char *inside, *outside; /* paths */
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_source *signals, *child_source;
	struct hull_used vm;
	struct hull_exec *exec;
	struct hull_tail *tail; /* what the guest's side says */
	struct hull_pack *pack; /* ours, if any */
	struct hull_unpack *unpack;
	struct hull_child child; /* pidfd -1: none, or over */
	int stream[2];		 /* owned: between the child and the VM */
	int report[2];		 /* owned: the child's */
	int words;		 /* owned: write end of tail */
	bool exec_over, child_over, ending;
	struct hull_error *exec_err, *guest_err, *child_err;
	int code;
};

/* ---- the child ---- */

static struct {
	uint64_t began_ns, shown_ns;
	const char *what;
} shown;

static void on_note(void *ctx, const char *text)
{
	const struct copy *c = ctx;
	cleanup_free char *line = strdup(text);

	hull_out_progress(NULL);
	/* A guest's name must not look like a line of ours. */
	for (char *p = line ? strchr(line, '\n') : NULL; p; p = strchr(p, '\n'))
		*p = ' ';
	if (!c->quiet)
		hull_out_note("hull: %s", line ? line : "out of memory");
}

static void on_progress(void *ctx, uint64_t files, uint64_t bytes)
{
	const struct copy *c = ctx;
	uint64_t now = hull_now_ns();
	char text[96];

	if (c->quiet || now - shown.began_ns < PROGRESS_FIRST_NS ||
	    now - shown.shown_ns < PROGRESS_NS)
		return;
	shown.shown_ns = now;
	snprintf(text, sizeof(text), "%llu files, %llu.%llu MB in %llu s",
		 (unsigned long long)files, (unsigned long long)(bytes / 1000000),
		 (unsigned long long)(bytes / 100000 % 10),
		 (unsigned long long)((now - shown.began_ns) / HULL_NS_PER_S));
	hull_out_progress(text);
}

static void work(void *ctx)
{
	static const struct hull_copy_ops ops = {.note = on_note, .progress = on_progress};
	cleanup_error struct hull_error *err = NULL;
	struct copy *c = ctx;
	int r;

	shown.began_ns = hull_now_ns();
	/* Its other end must be the parent's alone, or the stream would never end. */
	hull_closep(&c->stream[c->into ? 0 : 1]);
	r = c->into ? hull_pack_run(c->pack, c->stream[1], &ops, c, &err)
		    : hull_unpack_run(c->unpack, c->stream[0], &ops, c, &err);
	if (shown.shown_ns)
		hull_out_progress(NULL);
	if (r < 0)
		hull_report_error(c->report[1], err);
	else
		hull_report_done(c->report[1], NULL, 0);
}

/* ---- the end ---- */

static void quit(void *ctx)
{
	struct copy *c = ctx;

	hull_loop_quit(c->loop, 0);
}

static void end(struct copy *c)
{
	if (c->ending)
		return;
	c->ending = true;
	hull_exec_delete(c->exec, quit, c);
}

static void settle(struct copy *c)
{
	if (c->exec_over && c->child_over)
		end(c);
}

static void on_child(void *ctx, uint32_t events)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	struct copy *c = ctx;
	const char *data;
	size_t len;
	int wstatus;

	hull_source_remove(&c->child_source);
	(void)hull_child_reap(c->child.pidfd, &wstatus);
	hull_closep(&c->child.pidfd);
	hull_closep(&c->report[1]);
	(void)hull_fd_read_all(c->report[0], HULL_REPORT_MAX, &text);
	(void)hull_report_parse(hull_strbuf_str(&text), text.len, &data, &len, &c->child_err);
	c->child_over = true;
	/* Without a packer there is nothing more to come, without an unpacker nothing is wanted. */
	if (c->child_err && !c->exec_over)
		c->exec_over = true;
	settle(c);
}

/* The guest's last line is why it failed; the others are notes. */
static void take_words(struct copy *c, bool failed)
{
	cleanup_free char *text = strdup(hull_tail_text(c->tail));
	char *save = NULL, *line, *next;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line; line = next) {
		next = strtok_r(NULL, "\n", &save);
		if (failed && !next)
			hull_fail(&c->guest_err, HULL_E_AGENT, "VM '%s': %s", c->vm.name, line);
		else if (!c->quiet)
			hull_out_note("hull: VM '%s': %s", c->vm.name, line);
	}
	if (failed && !c->guest_err)
		hull_fail(&c->guest_err, HULL_E_AGENT, "VM '%s': the agent's archiver was ended",
			  c->vm.name);
}

static void on_done(void *ctx, const struct hull_exec_result *result,
		    const struct hull_error *error)
{
	struct copy *c = ctx;

	if (c->exec_over)
		return;
	c->exec_over = true;
	if (error)
		hull_fail_copy(&c->exec_err, error);
	else
		take_words(c, result->exit_status != 0);
	/* Now the child sees the end, if it has not yet. */
	hull_closep(&c->stream[0]);
	hull_closep(&c->stream[1]);
	settle(c);
}

static const struct hull_exec_ops exec_ops = {.done = on_done};

static void on_signal(void *ctx, int signo)
{
	struct copy *c = ctx;

	if (c->ending || !c->exec) {
		quit(c);
		return;
	}
	c->code = 128 + signo;
	end(c);
}

static bool is_consequence(const struct hull_error *err)
{
	const char *cause = hull_error_cause(err);

	return !strcmp(cause, "truncated") || !strcmp(cause, "reader-gone");
}

static int outcome(struct copy *c, struct hull_error **err)
{
	if (c->code)
		return 0;
	if (c->exec_err && hull_error_code(c->exec_err) == HULL_E_UNAVAILABLE)
		return hull_use_explain(c->store, c->loop, &c->vm, 0, c->exec_err, err);
	if (c->child_err && !is_consequence(c->child_err))
		return hull_error_move(err, &c->child_err);
	if (c->guest_err)
		return hull_error_move(err, &c->guest_err);
	if (c->exec_err && !strcmp(hull_error_cause(c->exec_err), "command-not-found"))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "VM '%s' was started by a hull that could not copy yet; 'hull "
				 "restart' helps",
				 c->vm.name);
	if (c->exec_err) {
		hull_prefix(&c->exec_err, "VM '%s'", c->vm.name);
		return hull_error_move(err, &c->exec_err);
	}
	return c->child_err ? hull_error_move(err, &c->child_err) : 0;
}

/* ---- the way there ---- */

static int start_child(struct copy *c, struct hull_error **err)
{
	int r;

	if (!c->pack && !c->unpack) {
		c->child_over = true;
		return 0;
	}
	if (pipe2(c->stream, O_CLOEXEC) < 0 || pipe2(c->report, O_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "make a pipe");
	r = hull_proc_fork(work, c, 0, &c->child);
	if (r < 0)
		return hull_fail_errno(err, -r, "start a process for the files");
	hull_closep(&c->stream[c->into ? 1 : 0]);
	r = hull_loop_add_fd(c->loop, c->child.pidfd, EPOLLIN, on_child, c, &c->child_source);
	return r < 0 ? hull_fail_errno(err, -r, "set up the event loop") : 0;
}

static int start_guest(struct copy *c, struct hull_error **err)
{
	const struct hull_exec_archive archive = {.path = c->inside,
						  .unpack = c->into,
						  .follow = c->follow,
						  .owners = c->owners,
						  .one = c->pack != NULL};
	bool child = c->pack || c->unpack;
	cleanup_strv struct hull_strv args = {0}, env = {0};
	char session[3 + HULL_ID_LEN + 1] = "cp-";
	struct hull_exec_options x = {
		.exec_id = session,
		.args = &args,
		.env = &env,
		.cwd = "/",
		.archive = &archive,
		.stdin_fd = !c->into ? -1
			    : child  ? c->stream[0]
				     : STDIN_FILENO,
		.stdout_fd = c->into ? -1
			     : child ? c->stream[1]
				     : STDOUT_FILENO,
	};

	if (hull_id_make(session + 3, err) < 0 ||
	    hull_tail_new(c->loop, &c->tail, &c->words, err) < 0)
		return -1;
	session[3 + HULL_SHORT_LEN] = '\0';
	x.stderr_fd = c->words;
	if (hull_strv_add(&args, c->into ? "hull-unpack" : "hull-pack") < 0 ||
	    hull_strv_add(&args, c->inside) < 0 || hull_strv_add(&env, "HOME=/") < 0)
		return hull_fail_nomem(err);
	return hull_exec_start(c->loop, c->vm.vsock, &x, &exec_ops, c, &c->exec, err);
}

/* What is ours of it, before anything happens in the VM. */
static int open_ours(struct copy *c, struct hull_error **err)
{
	const struct hull_unpack_options o = {
		.target = c->outside, .one = true, .owners = c->owners};

	if (!c->into && c->owners && geteuid() != 0) {
		hull_fail(err, HULL_E_DENIED, "--archive: only root can give files to others");
		hull_hint(err, "without it they are yours");
		return -1;
	}
	if (!strcmp(c->outside, "-")) {
		if (!c->into && isatty(STDOUT_FILENO)) {
			hull_fail(err, HULL_E_INVALID, "a tar stream is nothing for a terminal");
			hull_hint(err, "for example: hull cp %s:%s - | tar t", c->ref, c->inside);
			return -1;
		}
		return 0;
	}
	return c->into ? hull_pack_open(c->outside, c->follow, &c->pack, err)
		       : hull_unpack_open(&o, &c->unpack, err);
}

static int run(struct copy *c, struct hull_error **err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	uint64_t deadline = hull_deadline_ms(FIND_MS);
	int r;

	if (hull_catalogue_open(deadline, &c->store, err) < 0 || hull_loop_new(&c->loop, err) < 0 ||
	    hull_use_find(c->store, c->loop, c->ref, deadline, &c->vm, err) < 0 ||
	    open_ours(c, err) < 0)
		return -1;
	r = hull_loop_add_signals(c->loop, signals, ARRAY_SIZE(signals), on_signal, c, &c->signals);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	if (start_child(c, err) < 0 || start_guest(c, err) < 0)
		return -1;
	r = hull_loop_run(c->loop);
	return r < 0 ? hull_fail_errno(err, -r, "event loop") : outcome(c, err);
}

static void fini(struct copy *c)
{
	int wstatus;

	hull_exec_free(c->exec);
	hull_source_remove(&c->child_source);
	hull_source_remove(&c->signals);
	if (c->child.pidfd >= 0) {
		(void)hull_pidfd_kill(c->child.pidfd, SIGKILL);
		(void)hull_child_wait(c->child.pidfd, hull_deadline_ms(FIND_MS), &wstatus);
		hull_closep(&c->child.pidfd);
	}
	for (int i = 0; i < 2; i++) {
		hull_closep(&c->stream[i]);
		hull_closep(&c->report[i]);
	}
	hull_closep(&c->words);
	hull_tail_free(c->tail);
	hull_pack_free(c->pack);
	hull_unpack_free(c->unpack);
	hull_used_fini(&c->vm);
	hull_loop_free(c->loop);
	hull_store_close(c->store);
	hull_error_free(c->exec_err);
	hull_error_free(c->guest_err);
	hull_error_free(c->child_err);
	free(c->ref);
}

/* ---- words ---- */

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct copy *c = ctx;

	if (opt->id == 'a')
		c->owners = true;
	else if (opt->id == 'L')
		c->follow = true;
	else
		c->quiet = true;
	return 0;
}

/* The colon of "VM:PATH"; NULL for a path of the host's, which may have one after a slash. */
static const char *colon(const char *word)
{
	size_t n = strcspn(word, ":/");

	return n && word[n] == ':' && *word != '.' ? word + n : NULL;
}

static int take_operands(struct copy *c, char **words, int n, struct hull_error **err)
{
	const char *from = n == 2 ? colon(words[0]) : NULL, *to = n == 2 ? colon(words[1]) : NULL;
	const char *at = from ? from : to;

	if (n == 2 && from && to) {
		hull_fail(err, HULL_E_INVALID, "one of the two must be a path of this host");
		hull_hint(err, "from VM to VM: hull cp %s - | hull cp - %.*s:DIRECTORY", words[0],
			  (int)(to - words[1]), words[1]);
		return -1;
	}
	if (!at) {
		hull_fail(err, HULL_E_INVALID,
			  n == 2 ? "neither of the two is VM:PATH"
				 : "'hull cp' takes a source and a target");
		hull_hint(err, "for example: hull cp web:/etc/hosts .");
		return -1;
	}
	c->into = to != NULL;
	c->inside = at + 1;
	c->outside = words[c->into ? 0 : 1];
	if (!*c->inside || !*c->outside)
		return hull_fail(err, HULL_E_INVALID, "a path is missing");
	c->ref = strndup(words[c->into ? 1 : 0], (size_t)(at - words[c->into ? 1 : 0]));
	return c->ref ? 0 : hull_fail_nomem(err);
}

int hull_cmd_cp(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct copy c = {.stream = {-1, -1}, .report = {-1, -1}, .words = -1, .child.pidfd = -1};
	int rest, r = hull_opts_parse_mixed(verb, argc, argv, on_option, &c, &rest, &err);

	if (r == 0)
		r = take_operands(&c, argv + rest, argc - rest, &err);
	if (r < 0)
		c.code = HULL_EXIT_USAGE;
	else if (r == 0 && run(&c, &err) < 0)
		c.code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	fini(&c);
	return c.code;
}
