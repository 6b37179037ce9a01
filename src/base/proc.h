/* SPDX-License-Identifier: Apache-2.0
 *
 * Spawning: one spec describes everything the child is to be (descriptors, identity, cgroup,
 * namespaces, limits); it is applied in the child between clone and exec.
 *
 * A child of ours is waited for by its pidfd.  The kernel gives every exec'd child SIGCHLD as its
 * exit signal, so a library that must leave its caller no SIGCHLD and nothing for wait() to see
 * spawns with detach.
 */
#ifndef HULL_BASE_PROC_H
#define HULL_BASE_PROC_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hull_strv;
struct sock_fprog;

/* In the environment of everything that belongs to a VM: the path of its run directory. */
#define HULL_PROC_MARK "HULL_VM"
/* Adds ours, if we have one, to the environment of a program we start.  0 or -ENOMEM. */
int hull_proc_pass_mark(struct hull_strv *env);

/* Child descriptor `to` becomes a copy of `from`.  0, 1, 2 that are not mapped are /dev/null;
 * every other descriptor is closed. */
struct hull_fd_map {
	int from, to;
};

struct hull_spawn {
	const char *path;  /* executable; no PATH search */
	char *const *argv; /* NULL-terminated */
	char *const *envp; /* NULL: the caller's */
	const char *cwd;   /* NULL: unchanged */
	const struct hull_fd_map *fds;
	size_t n_fds;
	int cgroup_fd; /* directory of a v2 cgroup to be born in; <= 0: none */
	bool set_ids;  /* become uid/gid with no supplementary groups, no capabilities */
	uid_t uid;
	gid_t gid;
	uint64_t keep_caps; /* with set_ids: bits of capabilities of ours to keep, over exec too */
	bool no_new_privs;
	const struct sock_fprog *filter; /* seccomp, for good; with no_new_privs.  NULL: none */
	bool die_with_parent;	/* SIGKILL when the calling thread ends, set after the uid change */
	bool new_session;	/* setsid */
	bool new_pid_ns;	/* as the first process of a pid namespace */
	bool detach;		/* not our child: reparented at once, no reaping needed */
	uint64_t rlimit_nofile; /* 0: unchanged */
};

struct hull_child {
	pid_t pid;
	int pidfd; /* owned; -1 with detach */
};

/* Returns once exec has succeeded; otherwise the error tells the step that failed in the child. */
int hull_spawn(const struct hull_spawn *spec, struct hull_child *ret_child,
	       struct hull_error **err);

/* @fn in a copy of this process that ends with it, and with this one.  For work that is system
 * calls and little else: threads of ours and what they hold locked are not in the copy.  0 or
 * -errno. */
int hull_proc_fork(void (*fn)(void *ctx), void *ctx, int cgroup_fd, struct hull_child *ret_child);

/* Runs @fn in a child with the identity of @spec (its other members do not count), which changes
 * nothing but itself.  What @fn returned (0 to 255), or -errno. */
int hull_proc_try(const struct hull_spawn *spec, int (*fn)(void *arg), void *arg);
/* Whether such a child may make a user namespace: tried, since sysctls, chroots, filters and
 * security modules may all forbid it. */
bool hull_proc_can_unshare_users(const struct hull_spawn *spec);

/* Reaps a child made by hull_spawn() (which only this can): 0 and *ret_wstatus as of waitpid(),
 * -EAGAIN if it runs still, or -errno. */
int hull_child_reap(int pidfd, int *ret_wstatus);
/* The same, waiting until deadline_ns (CLOCK_MONOTONIC); -ETIMEDOUT. */
int hull_child_wait(int pidfd, uint64_t deadline_ns, int *ret_wstatus);
int hull_pidfd_kill(int pidfd, int signo); /* 0 or -errno */
/* "exited with status 1", "was killed by signal 9 (KILL)": into a buffer of 64. */
const char *hull_wstatus_text(int wstatus, char buf[64]);

struct hull_proc_stat {
	char state; /* a letter: R, S, T, Z, ... */
	pid_t parent;
	uint64_t cpu_ns;    /* of all its threads */
	uint64_t waited_ns; /* of children that it has waited for */
	uint64_t start;	    /* clock ticks since boot */
};
/* What the kernel says of @pid: 0 or -errno. */
int hull_proc_stat(pid_t pid, struct hull_proc_stat *ret);
/* The kernel's start time of @pid in clock ticks since boot.  0 and *ret_start, or -errno. */
int hull_proc_start_time(pid_t pid, uint64_t *ret_start);

/* Names a process for ever. */
struct hull_process_id {
	pid_t pid; /* 0: none */
	uint64_t start;
	char boot[37]; /* the boot id */
};
/* Whether it is there, and more than a zombie, in a host whose boot id is @boot. */
bool hull_process_lives(const struct hull_process_id *id, const char *boot);
/* A pidfd, -ESRCH if it is gone, or -errno. */
int hull_process_open(const struct hull_process_id *id);

#endif
