/* SPDX-License-Identifier: Apache-2.0
 *
 * A command in a VM on behalf of this process: what "hull run", "hull exec" and "hull attach" have
 * in common.  Its standard streams are ours; signals go to it, and so does the size of our
 * terminal; the second signal of the same kind within two seconds gives up on it.  What giving up
 * means is its owner's to say.
 */
#ifndef HULL_CLI_COMMAND_H
#define HULL_CLI_COMMAND_H

#include "cli/command_opts.h"
#include "config/config.h"
#include "vm/exec.h"

struct hull_command_ops {
	/* Once: the exit code; or why there is none, UNAVAILABLE where the VM went away. */
	void (*ended)(void *ctx, int code, const struct hull_error *error);
	/* A signal that does not go to the command: before its start, after its end or over, or the
	 * second. */
	void (*give_up)(void *ctx, int signo);
	/* Its time is up. */
	void (*late)(void *ctx, const struct hull_error *error);
	/* To be left alone, at the user's keys; NULL: those are not looked for. */
	void (*detach)(void *ctx);
	/* May be NULL. */
	void (*started)(void *ctx);
};

struct hull_command {
	struct hull_loop *loop;
	const struct hull_command_opts *o;
	const struct hull_command_ops *ops;
	void *ctx;
	struct hull_source *signals, *timer;
	struct hull_exec *exec;
	bool terminal;	/* it has one, whose size is ours */
	bool host_root; /* its system directories are this host's */
	bool started;
	bool over; /* set by the owner too: signals are not for it any more */
	int last_signal;
	uint64_t last_signal_ns;
	uint64_t started_ns, exited_ns; /* CLOCK_MONOTONIC; 0: not yet */
};

/* Watches signals, and the time from now on. */
int hull_command_watch(struct hull_command *c, struct hull_loop *loop,
		       const struct hull_command_opts *o, const struct hull_command_ops *ops,
		       void *ctx, struct hull_error **err);
/* In the VM at @vsock that @config describes.  @detached: without our streams; it is over once it
 * has started. */
int hull_command_start(struct hull_command *c, const char *vsock, const struct hull_config *config,
		       const char *session, bool detached, struct hull_error **err);
/* To one that is there, and has a terminal or not. */
int hull_command_attach(struct hull_command *c, const char *vsock, const char *session,
			bool terminal, bool replay, struct hull_error **err);
void hull_command_fini(struct hull_command *c);

/* 125, or where it could not be executed 126 or 127. */
int hull_command_exit_code(const struct hull_error *err);

#endif
