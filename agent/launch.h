/* SPDX-License-Identifier: Apache-2.0
 *
 * The processes of a session.
 *
 *   agent ─┬─ tiny init: pid 1 of a new pid namespace, in a new mount namespace.  Makes the root
 *          │  and a fresh /proc, then reaps.  Killing it kills everything of the session.
 *          └─ the program: forked by the agent into that pid namespace, joins the mount namespace
 *             when the root is ready, becomes the user, execs.
 *
 * A program that were pid 1 itself would not be killed by signals it has no handler for; one that
 * were tiny init's child would hide its wait status from us.
 */
#ifndef HULL_AGENT_LAUNCH_H
#define HULL_AGENT_LAUNCH_H

#include "base/caps.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

struct hull_archive;

struct hull_launch {
	const char *root;  /* NULL: the initramfs */
	const char *path;  /* where args[0] most likely is, or "" */
	char *const *args; /* NULL-terminated, at least one */
	char *const *env;  /* NULL-terminated */
	const char *cwd;   /* "": the user's home, or / */
	const char *user;  /* see users.h */
	bool terminal;	   /* stdio is one, to be controlled by the program */
	int stdio[3];	   /* the program's ends; borrowed, all above 2 */
	int cgroup;	   /* directory to be born in; -1: none */
	struct hull_caps caps;
	const struct hull_archive *archive; /* instead of a program; NULL: none */
};

struct hull_launched {
	pid_t init, program;	 /* program 0: there is none, and the report says why */
	int init_fd, program_fd; /* pidfds, owned by the caller */
	/* Owned by the caller: ends without a byte once the program has been executed, else has
	 * what went wrong as a report (report.h). */
	int report_fd;
};

int hull_launch(const struct hull_launch *l, struct hull_launched *ret_launched,
		struct hull_error **err);
/* Sends @signo to all processes in the pid namespace but tiny init, by a child of ours. */
int hull_launch_signal_all(int init_fd, int signo, struct hull_error **err);

#endif
