/* SPDX-License-Identifier: Apache-2.0
 *
 * One command in a running VM: opens its streams, creates and starts the session or attaches to one
 * that is there, moves its standard streams, collects its status.  Everything happens on the
 * caller's loop.
 */
#ifndef HULL_VM_EXEC_H
#define HULL_VM_EXEC_H

#include "base/caps.h"
#include "base/loop.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct hull_exec;

/* The agent's archiver, as in agent.proto. */
struct hull_exec_archive {
	const char *path;
	bool unpack, follow, owners, one;
};

/* For a descriptor: nothing is moved, the stream itself is handed out (hull_exec_take_stream()). */
#define HULL_EXEC_HAND_OUT (-2)

struct hull_exec_options {
	const char *exec_id; /* unique within the VM */
	const struct hull_strv *args, *env;
	const char *cwd, *user; /* "" for the defaults of agent.proto */
	const char *path;	/* where args[0] most likely is; NULL: not known */
	bool terminal;
	unsigned int rows, columns;
	uint64_t pids_limit; /* processes and threads at once; 0: no limit */
	struct hull_caps caps;
	int stdin_fd;	  /* -1: none */
	int stdout_fd;	  /* -1: nobody is attached, the agent keeps the last of it */
	int stderr_fd;	  /* with a terminal everything comes on stdout */
	bool stdin_later; /* with stdin_fd -1: somebody may attach and have some */
	const struct hull_exec_archive *archive; /* instead of a program; NULL: none */
	bool escape;				 /* look for HULL_STDIO_ESCAPE in the input */
};

struct hull_exec_result {
	unsigned int exit_status; /* 0-255; 128 + signal */
	unsigned int signal;
	bool oom;
};

struct hull_exec_ops {
	void (*started)(void *ctx);
	/* Once: result on success, else error; UNAVAILABLE when the VM went away (which tells why).
	 * Free it afterwards, not inside. */
	void (*done)(void *ctx, const struct hull_exec_result *result,
		     const struct hull_error *error);
	/* The user has typed the escape: it is to go on without us.  May be NULL without it. */
	void (*escaped)(void *ctx);
};

int hull_exec_start(struct hull_loop *loop, const char *vsock_path,
		    const struct hull_exec_options *options, const struct hull_exec_ops *ops,
		    void *ctx, struct hull_exec **ret, struct hull_error **err);
/* To one that somebody else has made; of the options only exec_id, terminal, its size, the
 * descriptors and escape count.  What the agent has kept of its output comes first (@replay).  Also
 * one that has ended is done() like this, with its status. */
int hull_exec_attach(struct hull_loop *loop, const char *vsock_path,
		     const struct hull_exec_options *options, bool replay,
		     const struct hull_exec_ops *ops, void *ctx, struct hull_exec **ret,
		     struct hull_error **err);
/* From started() on: a socket that is standard stream @which, 0 to 2, and is the caller's; -1: it
 * was not to be handed out, or was already.  It does not count for done(). */
int hull_exec_take_stream(struct hull_exec *exec, int which);
/* Ends what of it still runs, and its status is forgotten: @fn once, whether that worked or not.
 * One that never came to be, because its name was taken for example, is nobody's to end. */
void hull_exec_delete(struct hull_exec *exec, void (*fn)(void *ctx), void *ctx);
/* Before started(): remembered and delivered then. */
void hull_exec_signal(struct hull_exec *exec, int signo);
void hull_exec_resize(struct hull_exec *exec, unsigned int rows, unsigned int columns);
/* Lets go: the command runs on in the VM. */
void hull_exec_free(struct hull_exec *exec);

#endif
