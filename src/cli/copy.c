/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull cp", see copy.h: words and what is shown; vm/copy.h does it.
 */
#define _GNU_SOURCE
#include "cli/copy.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/vms.h"
#include "vm/catalogue.h"
#include "vm/copy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIND_MS 20000
#define GRACE_MS 5000 /* of a copy that was broken off */
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
	struct hull_copy o;
	bool quiet;
	char *ref;
	const char *outside; /* "-": the stream itself */
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_source *signals;
	struct hull_used vm;
	uint64_t began_ns, shown_ns;
	unsigned int signalled; /* how often */
	int code;
};

/* ---- what is shown ---- */

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
	struct copy *c = ctx;
	uint64_t now = hull_now_ns();
	char text[96];

	if (c->quiet || now - c->began_ns < PROGRESS_FIRST_NS || now - c->shown_ns < PROGRESS_NS)
		return;
	c->shown_ns = now;
	snprintf(text, sizeof(text), "%llu files, %llu.%llu MB in %llu s",
		 (unsigned long long)files, (unsigned long long)(bytes / 1000000),
		 (unsigned long long)(bytes / 100000 % 10),
		 (unsigned long long)((now - c->began_ns) / HULL_NS_PER_S));
	hull_out_progress(text);
}

/* ---- doing it ---- */

static void on_signal(void *ctx, int signo)
{
	struct copy *c = ctx;

	c->signalled++;
	c->code = 128 + signo;
}

static unsigned int given_up(void *ctx)
{
	const struct copy *c = ctx;

	return c->signalled;
}

/* A descriptor instead of a path. */
static int take_stream(struct copy *c, struct hull_error **err)
{
	if (strcmp(c->outside, "-") != 0) {
		c->o.outside = c->outside;
		return 0;
	}
	c->o.fd = c->o.into ? STDIN_FILENO : STDOUT_FILENO;
	if (c->o.into || !isatty(STDOUT_FILENO))
		return 0;
	hull_fail(err, HULL_E_INVALID, "a tar stream is nothing for a terminal");
	hull_hint(err, "for example: hull cp %s:%s - | tar t", c->ref, c->o.inside);
	return -1;
}

static int run(struct copy *c, struct hull_error **err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	uint64_t deadline = hull_deadline_ms(FIND_MS);
	int r;

	if (hull_catalogue_open(deadline, &c->store, err) < 0 || hull_loop_new(&c->loop, err) < 0 ||
	    hull_use_find(c->store, c->loop, c->ref, deadline, &c->vm, err) < 0 ||
	    take_stream(c, err) < 0)
		return -1;
	r = hull_loop_heed_signals(c->loop, signals, ARRAY_SIZE(signals), on_signal, c,
				   &c->signals);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	c->began_ns = hull_now_ns();
	r = hull_copy_run(c->store, c->loop, &c->vm, &c->o, err);
	if (c->shown_ns)
		hull_out_progress(NULL);
	return r;
}

static void fini(struct copy *c)
{
	hull_source_remove(&c->signals);
	hull_used_fini(&c->vm);
	hull_loop_free(c->loop);
	hull_store_close(c->store);
	free(c->ref);
}

/* ---- words ---- */

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct copy *c = ctx;

	if (opt->id == 'a')
		c->o.owners = true;
	else if (opt->id == 'L')
		c->o.follow = true;
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
	c->o.into = to != NULL;
	c->o.inside = at + 1;
	c->outside = words[to ? 0 : 1];
	if (!*c->o.inside || !*c->outside)
		return hull_fail(err, HULL_E_INVALID, "a path is missing");
	c->ref = strndup(words[to ? 1 : 0], (size_t)(at - words[to ? 1 : 0]));
	return c->ref ? 0 : hull_fail_nomem(err);
}

int hull_cmd_cp(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct copy c = {.o = {.fd = -1,
			       .grace_ms = GRACE_MS,
			       .note = on_note,
			       .progress = on_progress,
			       .given_up = given_up,
			       .ctx = &c}};
	int rest, r = hull_opts_parse_mixed(verb, argc, argv, on_option, &c, &rest, &err);

	if (r == 0)
		r = take_operands(&c, argv + rest, argc - rest, &err);
	if (r < 0)
		c.code = HULL_EXIT_USAGE;
	else if (r == 0 && run(&c, &err) < 0 && !c.signalled)
		c.code = hull_exit_code(err);
	if (err && !c.signalled)
		hull_out_error(err);
	fini(&c);
	return c.code;
}
