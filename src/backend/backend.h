/* SPDX-License-Identifier: Apache-2.0
 *
 * What a hypervisor must offer to be a backend, and how its one user, the monitor, drives it.
 * Shared code asks for a capability, never for a backend's name.
 *
 * An instance is one hypervisor process, driven from the monitor's loop; nothing here blocks,
 * hull_inst_free() of a running one excepted.
 *
 *   new --start--> starting --events.ready--> running <--pause/resume--> paused
 *     running --the guest has ended, events.ending--> held --reset, events.reset--> starting
 *     any of these --hypervisor ended--> events.exited, once: then only free it
 */
#ifndef HULL_BACKEND_BACKEND_H
#define HULL_BACKEND_BACKEND_H

#include "base/error.h"
#include "base/vec.h"
#include "config/check.h"
#include "config/config.h"
#include "config/virtiofs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hull_loop;
struct sock_fprog;

/* What may be offered to users.  A capability with an operation of its own is set exactly where
 * that operation is: hull_backend_check(). */
#define HULL_CAP_PAUSE (UINT64_C(1) << 0)	 /* pause, resume */
#define HULL_CAP_POWERDOWN (UINT64_C(1) << 1)	 /* the guest can be asked to power off */
#define HULL_CAP_CONSOLE (UINT64_C(1) << 2)	 /* HULL_STREAM_CONSOLE */
#define HULL_CAP_SERIAL_LINK (UINT64_C(1) << 3)	 /* HULL_STREAM_CTL and _BULK carry the link */
#define HULL_CAP_HYBRID_VSOCK (UINT64_C(1) << 4) /* provides vsock.sock by itself */
#define HULL_CAP_VIRTIOFS (UINT64_C(1) << 5)	 /* takes vhost-user sockets of directories */
#define HULL_CAP_QCOW2 (UINT64_C(1) << 6)	 /* disks in that format */
#define HULL_CAP_STREAM_NET (UINT64_C(1) << 7)	 /* takes sockets of networks */
#define HULL_CAP_USER_NET (UINT64_C(1) << 8)	 /* carries user networks by itself */
#define HULL_CAP_EXPORTS (UINT64_C(1) << 9)	 /* serves directories by itself, over 9p */
#define HULL_CAP_GDB (UINT64_C(1) << 10)	 /* takes a socket for debuggers */
#define HULL_CAP_DUMP (UINT64_C(1) << 11)	 /* dump */
#define HULL_CAP_VHOST_VSOCK (UINT64_C(1) << 12) /* takes the kernel's vsock device */
#define HULL_CAP_SCREENSHOT (UINT64_C(1) << 13)	 /* screenshot */
#define HULL_CAP_INPUT (UINT64_C(1) << 14)	 /* send_keys, point */
#define HULL_CAP_BALLOON (UINT64_C(1) << 15)	 /* balloon */
#define HULL_CAP_RESET (UINT64_C(1) << 16)	 /* reset */
#define HULL_CAP_DISPLAY (UINT64_C(1) << 17)	 /* takes a socket for viewers of screens */
#define HULL_CAP_STATS (UINT64_C(1) << 18)	 /* stats */

/* The virtio-fs tags: of the root share, and of the others with their number behind it. */
#define HULL_ROOT_TAG HULL_FS_OWN_TAG "root"
#define HULL_SHARE_TAG HULL_FS_OWN_TAG "share"

/* The 9p tags, likewise, of the hypervisor's exports. */
#define HULL_EXPORT_TAG "hull.dir"
#define HULL_EXPORT_OTHERS "/proc/self/hull-others/"
#define HULL_EXPORTS_MAX 16

/* As many daemons serve a VM's shares at most; see monitor/share.h. */
#define HULL_SHARE_GROUPS_MAX 8

enum hull_stream { HULL_STREAM_CONSOLE, HULL_STREAM_CTL, HULL_STREAM_BULK };
#define HULL_STREAM_COUNT 3

/* Why a hypervisor has ended. */
enum hull_end {
	HULL_END_SHUTDOWN, /* the guest powered off */
	HULL_END_REBOOT,   /* the guest asked for a reboot, or triple faulted */
	HULL_END_PANIC,	   /* the guest's kernel panicked and could say so */
	HULL_END_QUIT,	   /* hull_inst_quit() */
	HULL_END_KILLED,   /* hull_inst_kill() */
	HULL_END_DIED,	   /* anything else: see the error */
};
/* "shutdown", "reboot", "panic", "quit", "killed", "hypervisor-died" */
const char *hull_end_name(enum hull_end end);

struct hull_backend_exit {
	enum hull_end end;
	int wstatus;		 /* as of waitpid() */
	const char *stderr_tail; /* the last of what it wrote there, "" if nothing; may be long */
	/* What went wrong, NULL where nothing did.  Borrowed. */
	const struct hull_error *error;
};

struct hull_backend_events {
	/* The hypervisor answers, and its guest runs; again after each reset.  With a debugger's
	 * socket that is when the debugger has let it. */
	void (*ready)(void *ctx);
	/* The guest has stopped or goes on, by request or by itself. */
	void (*paused)(void *ctx, bool paused);
	/* The end is near, and why: the process may take a moment to go.  Not always called.  Where
	 * the description has a panic_dump, or has the guest reboot, and it has ended by itself, it
	 * is held: until it is told to quit or killed it may be dumped, and reset if it is that
	 * which it has asked for. */
	void (*ending)(void *ctx, enum hull_end end);
	/* The machine has been reset, and does not run yet: ready() follows.  NULL without
	 * HULL_CAP_RESET. */
	void (*reset)(void *ctx);
	/* It has been reaped, and all it said has been read. */
	void (*exited)(void *ctx, const struct hull_backend_exit *exit);
	/* The guest's balloon leaves it so much memory now.  May be NULL. */
	void (*ballooned)(void *ctx, uint64_t bytes);
};

/* Who and where the hypervisor is to be. */
struct hull_backend_env {
	struct hull_loop *loop;
	const struct hull_backend_events *events;
	void *ctx;
	bool set_ids; /* become uid and gid, without any capability */
	uid_t uid;
	gid_t gid;
	int cgroup_fd; /* <= 0: none; borrowed, during start only */
	bool ipv6;     /* the host has it: so may user networks */
	bool again;    /* the same VM was started before: its logs are added to */
};

/* A directory of the host's that the hypervisor serves by itself: HULL_CAP_EXPORTS. */
struct hull_backend_export {
	int fd; /* of the directory */
	bool readonly;
	/* Only what everybody may read: it is opened as HULL_EXPORT_OTHERS with the descriptor, a
	 * name that works only with what exports.env brings (share/shim.c). */
	bool others;
};

struct hull_backend_exports {
	struct hull_backend_export v[HULL_EXPORTS_MAX];
	size_t n;
	/* What whoever serves them must have in its environment, and beneath it.  Borrowed. */
	const struct hull_strv *env;
	const struct sock_fprog *filter;
};

/* What the hypervisor is to be connected to: the ends of helpers that run already. */
struct hull_backend_sockets {
	int root;			   /* vhost-user */
	int shares[HULL_SHARE_GROUPS_MAX]; /* vhost-user */
	size_t n_shares;
	/* Of the description's networks, in order: frames as QEMU's "stream" has them.  -1: the
	 * hypervisor's own user network. */
	int networks[HULL_CONFIG_MAX_NETWORKS];
	int vports; /* vhost-user: the device of vsock ports */
	/* Of the description's devices, in order: the far ends of consoles (stream sockets), what
	 * network devices send their frames to, and the vhost-user sockets of directories.  -1: no
	 * such thing. */
	int devices[HULL_CONFIG_MAX_DEVICES];
	struct hull_backend_exports exports;
	int gdb;     /* listens for debuggers */
	int dump;    /* a pipe for the guest's memory */
	int display; /* listens for viewers of its screens, by VNC */
	/* A directory with a socket for each NBD device that is at a Unix socket, called as its
	 * index in the description: the hypervisor has no right to the server's own.  -1: it has.
	 */
	int nbd;
	int vsock; /* /dev/vhost-vsock, which has vsock_cid already */
	uint32_t vsock_cid;
};
void hull_backend_sockets_init(struct hull_backend_sockets *s); /* all -1 */
void hull_backend_sockets_close(struct hull_backend_sockets *s);
#define cleanup_sockets __attribute__((cleanup(hull_backend_sockets_close)))

struct hull_inst {
	const struct hull_backend_ops *ops;
};

/* Where x and y may point to, from the screen's left upper corner to the right lower one. */
#define HULL_POINTER_MAX 32767

/* What a pointing device does: in this order. */
struct hull_pointer {
	bool move;
	uint32_t x, y;
	/* Names of buttons, each list ended by NULL: left, middle, right, wheel-up, wheel-down. */
	const char *const *press, *const *release;
};

/* @err is NULL on success.  Called exactly once for each request that was accepted: while the
 * instance is being freed, if nothing came before. */
typedef void (*hull_inst_done_fn)(void *ctx, const struct hull_error *err);

/* What the guest has done with all of its disks. */
struct hull_inst_stats {
	uint64_t read_bytes, written_bytes, reads, writes;
};
/* Likewise; @stats is NULL where @err is not. */
typedef void (*hull_inst_stats_fn)(void *ctx, const struct hull_inst_stats *stats,
				   const struct hull_error *err);

struct hull_backend_ops {
	const char *name;
	uint64_t caps;
	/* What of the host it depends on; ended by a row without a name.  May be NULL. */
	const struct hull_check *checks;
	/* The command that would start @config here with such sockets, nothing being started or
	 * opened. */
	int (*command)(const struct hull_backend_env *env, const struct hull_config *config,
		       const struct hull_backend_sockets *sockets, struct hull_strv *ret_argv,
		       struct hull_error **err);
	/* Looks the hypervisor and the host over.  @config must outlive the instance. */
	int (*create)(const struct hull_backend_env *env, const struct hull_config *config,
		      struct hull_inst **ret_inst, struct hull_error **err);
	/* Takes those of the descriptors it uses, leaving -1.  On success events.exited will follow
	 * sooner or later. */
	int (*start)(struct hull_inst *inst, struct hull_backend_sockets *sockets,
		     struct hull_error **err);
	/* Hands over our end of a stream, once; -1 if there is no such stream. */
	int (*take_stream)(struct hull_inst *inst, enum hull_stream which);
	int (*pause)(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		     struct hull_error **err);
	int (*resume)(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		      struct hull_error **err);
	/* Asks the guest, which may not care. */
	int (*powerdown)(struct hull_inst *inst, struct hull_error **err);
	/* The hypervisor ends in order, the guest as if by pulling the plug. */
	int (*quit)(struct hull_inst *inst, struct hull_error **err);
	void (*kill)(struct hull_inst *inst);
	/* Resets the machine of a guest that is held since it has asked for that (HULL_END_REBOOT),
	 * and lets it run. */
	int (*reset)(struct hull_inst *inst, struct hull_error **err);
	/* Writes the memory of a guest that is held to sockets.dump, as an ELF core file.  Nothing
	 * may be left of it in the pipe when it is done but what the pipe can hold. */
	int (*dump)(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		    struct hull_error **err);
	/* A picture (PNG) of what devices[@device], a screen, shows, into the file of @fd, which is
	 * open for writing only.  Borrowed. */
	int (*screenshot)(struct hull_inst *inst, size_t device, int fd, hull_inst_done_fn done,
			  void *ctx, struct hull_error **err);
	/* All of them pressed in order, held so long and released, by name; ended by NULL. */
	int (*send_keys)(struct hull_inst *inst, const char *const *keys, uint64_t hold_ms,
			 hull_inst_done_fn done, void *ctx, struct hull_error **err);
	int (*point)(struct hull_inst *inst, const struct hull_pointer *what,
		     hull_inst_done_fn done, void *ctx, struct hull_error **err);
	/* Asks the guest to make do with so many bytes of its memory; events.ballooned tells of its
	 * progress. */
	int (*balloon)(struct hull_inst *inst, uint64_t bytes, hull_inst_done_fn done, void *ctx,
		       struct hull_error **err);
	int (*stats)(struct hull_inst *inst, hull_inst_stats_fn done, void *ctx,
		     struct hull_error **err);
	/* One line for people on what was chosen and why, "" if nothing was. */
	const char *(*choice)(const struct hull_inst *inst);
	pid_t (*pid)(const struct hull_inst *inst); /* 0 before start */
	/* Kills and reaps what still runs, which is the only thing here that waits. */
	void (*free)(struct hull_inst *inst);
};

/* NULL if there is none of that name. */
const struct hull_backend_ops *hull_backend_find(const char *name);
/* That of a description. */
const struct hull_backend_ops *hull_backend_of(const struct hull_config *config);
/* The names of all, ended by NULL. */
const char *const *hull_backend_names(void);
/* Whether capabilities and operations agree; tests run it over all backends. */
int hull_backend_check(const struct hull_backend_ops *ops, struct hull_error **err);

static inline bool hull_inst_can(const struct hull_inst *inst, uint64_t caps)
{
	return (inst->ops->caps & caps) == caps;
}

/* NULL is fine; *inst is set to NULL. */
static inline void hull_inst_freep(struct hull_inst **inst)
{
	if (*inst)
		(*inst)->ops->free(*inst);
	*inst = NULL;
}

#endif
