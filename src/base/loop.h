/* SPDX-License-Identifier: Apache-2.0
 *
 * One epoll loop for one thread: descriptors, timers, child processes, signals.
 *
 * Callbacks never block.  Any source may be removed from inside any callback, its own
 * included: memory is freed once the running dispatch has ended, and no callback of a removed
 * source runs any more.  The loop owns sources, never descriptors, except those it makes itself.
 */
#ifndef HULL_BASE_LOOP_H
#define HULL_BASE_LOOP_H

#include "base/error.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

struct hull_loop;
struct hull_source;

int hull_loop_new(struct hull_loop **ret_loop, struct hull_error **err);
void hull_loop_free(struct hull_loop *loop);

/* Dispatches until hull_loop_quit(); returns what was given there, or -errno. */
int hull_loop_run(struct hull_loop *loop);
void hull_loop_quit(struct hull_loop *loop, int result);
/* One round: waits at most @timeout_ms (-1: for ever).  0 or -errno. */
int hull_loop_step(struct hull_loop *loop, int timeout_ms);
/* For those who wait by other means: hull_loop_step() has something to do when this descriptor,
 * which is borrowed, is readable, and at that time (0: none), which any callback and whoever arms a
 * timer may change. */
int hull_loop_fd(const struct hull_loop *loop);
uint64_t hull_loop_deadline(const struct hull_loop *loop);

/* All adders: 0 and *ret_source (may be NULL if never to be removed), or -errno. */
typedef void (*hull_fd_fn)(void *ctx, uint32_t events);
int hull_loop_add_fd(struct hull_loop *loop, int fd, uint32_t events, hull_fd_fn fn, void *ctx,
		     struct hull_source **ret_source);
int hull_source_set_events(struct hull_source *source, uint32_t events);

/* A disarmed one-shot timer.  deadline_ns is CLOCK_MONOTONIC; 0 disarms. */
typedef void (*hull_timer_fn)(void *ctx);
int hull_loop_add_timer(struct hull_loop *loop, hull_timer_fn fn, void *ctx,
			struct hull_source **ret_source);
void hull_source_arm(struct hull_source *timer, uint64_t deadline_ns);

/* Calls @fn once, with the wait status as of waitpid(), when the child behind @pidfd has
 * ended; it has been reaped by then.  Remove the source afterwards; close pidfd yourself. */
typedef void (*hull_child_fn)(void *ctx, int wstatus);
int hull_loop_add_child(struct hull_loop *loop, int pidfd, hull_child_fn fn, void *ctx,
			struct hull_source **ret_source);

/* Blocks the signals of @set in this thread and hands them to @fn instead. */
typedef void (*hull_signal_fn)(void *ctx, int signo);
int hull_loop_add_signals(struct hull_loop *loop, const int *signals, size_t n, hull_signal_fn fn,
			  void *ctx, struct hull_source **ret_source);
/* The same, but what we were started to ignore (by nohup, or as a script's background job) stays
 * ignored: blocked, it would come all the same. */
int hull_loop_heed_signals(struct hull_loop *loop, const int *signals, size_t n, hull_signal_fn fn,
			   void *ctx, struct hull_source **ret_source);

/* NULL is fine; *source is set to NULL. */
void hull_source_remove(struct hull_source **source);

static inline void hull_loop_freep(struct hull_loop **loop)
{
	hull_loop_free(*loop);
	*loop = NULL;
}

#endif
