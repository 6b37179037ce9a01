/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands in VMs that run, and files into and out of them.
 *
 * A session is a command in a VM.  It belongs to the VM's agent, not to whoever began it: it goes
 * on when that one ends, keeps the last of its output, and its status until it is deleted.  A
 * handle on it may be used by any number of threads at the same time, none of which waits for
 * another; hull_session_free() must be the last, and come before hull_vms_free().
 *
 * What hull/vms.h says of blocking, threads, processes and naming holds here too.  Of struct
 * hull_verb_options timeout and cancel count; by default a call has 20 seconds.  STATE: the VM does
 * not run, or is paused; UNSUPPORTED: it has no agent of hull's; UNAVAILABLE, and other codes with
 * the reason: it ended meanwhile.
 */
#ifndef HULL_SESSIONS_H
#define HULL_SESSIONS_H

#include <hull/vms.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct hull_session;

/* ---- beginning one, and finding it again ---- */

/* A standard stream of a command, as the caller has it: a socket, which blocks.  What is written to
 * that of IN is the command's input, which ends with shutdown(fd, SHUT_WR); it can be read to its
 * end once nobody takes more (the command has ended, or closed its input), and what is written then
 * is dropped; after the VM's end that is EPIPE, and SIGPIPE but for MSG_NOSIGNAL.  Those of OUT and
 * ERR end when there is no more, and hold up the command while they are not read. */
#define HULL_STREAM_IN 1
#define HULL_STREAM_OUT 2
#define HULL_STREAM_ERR 4

/* How a command is run; NULL, and zero in every member, mean the defaults. */
struct hull_vms_exec_options {
	size_t size;
	uint64_t timeout_ms; /* for it to have started; default 60 s */
	struct hull_cancel *cancel;
	const char *session; /* its name, as a VM's; default: one is made */
	/* "NAME=VALUE", ends with NULL.  PATH, LANG, HOME and with a terminal TERM are added. */
	const char *const *env;
	const char *workdir;  /* default: the user's home */
	const char *user;     /* name or number, ":" and a group's; default: root */
	uint64_t streams;     /* those that the caller gets; the others: no input, and output is
			       * kept for hull_vms_attach(), the last 64 KiB of it */
	uint64_t input_later; /* without HULL_STREAM_IN: input is open, for who attaches */
	uint64_t terminal;    /* it has one, and all its output comes with HULL_STREAM_OUT */
	uint64_t rows, columns;
	uint64_t pids_limit; /* processes and threads at once; 0: no limit */
	const char *caps;    /* capabilities, as "hull exec --cap" takes them */
};

/* Starts a command, found along PATH; @args ends with NULL.  NOT_FOUND and DENIED: the command, by
 * its cause; EXISTS: the name.  After TIMEOUT and CANCELED it may have been started. */
int hull_vms_exec(struct hull_vms *vms, const char *ref, const char *const *args,
		  const struct hull_vms_exec_options *options, struct hull_session **ret_session,
		  struct hull_error **err);

struct hull_vms_attach_options {
	size_t size;
	uint64_t timeout_ms;
	struct hull_cancel *cancel;
	uint64_t streams;   /* none: nobody else is disturbed */
	uint64_t no_replay; /* not what it has said so far */
};

/* A session by its name.  Whoever had the streams that the caller gets has them no more: theirs
 * end. Also one that has ended, as long as it was not deleted.  NOT_FOUND; STATE: it was not
 * started. */
int hull_vms_attach(struct hull_vms *vms, const char *ref, const char *name,
		    const struct hull_vms_attach_options *options,
		    struct hull_session **ret_session, struct hull_error **err);

#define HULL_SESSION_CREATED 0 /* never started */
#define HULL_SESSION_STARTING 1
#define HULL_SESSION_RUNNING 2
#define HULL_SESSION_STOPPED 3

struct hull_session_info {
	size_t size; /* of this struct, as the library knows it: it may grow at its end */
	const char *name;
	uint32_t state;		 /* HULL_SESSION_... */
	uint32_t status;	 /* of one that has stopped: 0 to 255 */
	uint64_t pid;		 /* in the guest; 0: it does not run */
	uint64_t terminal;	 /* it has one */
	const char *const *args; /* ends with NULL */
	size_t n_args;
};

/* All of a VM, oldest first, in a list that ends with NULL.  One piece of memory. */
int hull_vms_sessions(struct hull_vms *vms, const char *ref,
		      const struct hull_verb_options *options,
		      struct hull_session_info ***ret_infos, size_t *ret_n,
		      struct hull_error **err);

/* ---- one session ---- */

/* By which hull_vms_attach() finds it.  Borrowed, as long as the handle. */
const char *hull_session_name(const struct hull_session *session);
/* That of one of HULL_STREAM_...; -1: it was not asked for.  Borrowed: hull_session_free() closes
 * it, which ends no input, and lets the command go on. */
int hull_session_fd(const struct hull_session *session, uint32_t stream);

struct hull_session_end {
	size_t size;		/* set by the caller: members behind it are not touched */
	uint64_t status;	/* 0 to 255; 128 + signal where one ended it */
	uint64_t signal;	/* 0: it ended by itself */
	uint64_t out_of_memory; /* the guest had killed something for lack of memory */
};

/* Waits until it has ended, and tells how, as often as one likes; by default without a limit.
 * @ret_end may be NULL.  Its output may not all have been read then. */
int hull_session_wait(struct hull_session *session, const struct hull_verb_options *options,
		      struct hull_session_end *ret_end, struct hull_error **err);
/* To the command itself, not what that has started.  STATE: it has ended. */
int hull_session_signal(struct hull_session *session, int signo,
			const struct hull_verb_options *options, struct hull_error **err);
/* Of its terminal. */
int hull_session_resize(struct hull_session *session, uint32_t rows, uint32_t columns,
			const struct hull_verb_options *options, struct hull_error **err);
/* Ends what of it still runs, and forgets it: its status, and output that was not read.  A VM keeps
 * 1024 of them at most.  One that is no more is no error. */
int hull_session_delete(struct hull_session *session, const struct hull_verb_options *options,
			struct hull_error **err);
/* Lets go of it: a command that runs goes on.  NULL is nothing. */
void hull_session_free(struct hull_session *session);

/* ---- files ---- */

struct hull_vms_copy_options {
	size_t size;
	uint64_t timeout_ms; /* default: no limit */
	struct hull_cancel *cancel;
	uint64_t owners; /* keep them, by number; out of a VM only for root */
	uint64_t follow; /* if the source is a link, what it leads to */
	/* Of what was left out, a line each; NULL: nobody is told. */
	void (*note)(void *ctx, const char *text);
	/* So much was done by now; NULL likewise.  Both are called by the calling thread. */
	void (*progress)(void *ctx, uint64_t files, uint64_t bytes);
	void *ctx;
};

/* A file or a tree of this host's into a VM, and out of one: with modes, times, links and holes.
 * Into a directory that is there it goes by its own name; of a source that ends with "/." the
 * content goes there; anything else becomes the target.  Nothing is written outside of that,
 * whatever the VM says.  What was copied stays where a call fails.  NOT_FOUND, EXISTS, DENIED;
 * AGENT: it failed in the VM. */
int hull_vms_copy_in(struct hull_vms *vms, const char *ref, const char *source, const char *target,
		     const struct hull_vms_copy_options *options, struct hull_error **err);
int hull_vms_copy_out(struct hull_vms *vms, const char *ref, const char *source, const char *target,
		      const struct hull_vms_copy_options *options, struct hull_error **err);
/* The same as a tar stream: read from @fd and unpacked in the directory @target of the VM, and
 * written to @fd.  CORRUPT, AGENT: it is none.  @fd stays the caller's; "progress" is not called.
 */
int hull_vms_unpack(struct hull_vms *vms, const char *ref, int fd, const char *target,
		    const struct hull_vms_copy_options *options, struct hull_error **err);
int hull_vms_pack(struct hull_vms *vms, const char *ref, const char *source, int fd,
		  const struct hull_vms_copy_options *options, struct hull_error **err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
