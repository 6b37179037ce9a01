/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM that belongs to this process, whichever hypervisor runs it: the Manager and Instance of
 * containerd's nerdbox in C.  What hull/vms.h has are VMs that stay; this one is gone with the
 * handle, with this process, and with whatever kills either.
 *
 *   hull_instance_new -> set, add ... -> start -> client, streams ... -> shutdown -> free
 *
 *   Before the start   What is set and added counts at the start; afterwards, whether that
 *                      succeeded or not, it is refused: STATE "already-started".
 *   After it           The client and streams work while the guest runs: before and after that
 *                      STATE "not-started", "shut-down", or UNAVAILABLE.
 *   Once               An instance is started once, and shut down once.
 *   Threads            Each function may be called by any thread, at any time but for
 *                      hull_instance_free(), which must be the last.  A shutdown ends a start that
 *                      another thread waits for.
 *   Processes          The caller gets no child and no SIGCHLD.  Where a console is written there
 *                      is one thread for that, with all signals blocked.
 *
 * Options, results, ownership and strings are as in hull/config.h and hull/vms.h.  Paths may be
 * relative to the current directory at the time of the call.
 */
#ifndef HULL_INSTANCE_H
#define HULL_INSTANCE_H

#include <hull/client.h>
#include <hull/error.h>
#include <hull/vms.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- what makes instances ---- */

struct hull_manager;
struct hull_instance;

/* Reads hull.conf(5). */
int hull_manager_new(struct hull_manager **ret_manager, struct hull_error **err);
/* After its instances.  NULL is nothing. */
void hull_manager_free(struct hull_manager *manager);
/* How many disks a guest has before those that are added: the first added is /dev/vda, /dev/vdb,
 * ... after so many. */
uint32_t hull_manager_reserved_disks(const struct hull_manager *manager);

/* @state_dir must exist and be writable; the log of the guest's console is kept there, console.log
 * and console.times, and a lock.  NOT_FOUND, DENIED; BUSY: another instance uses it; NOT_FOUND also
 * where the guest's kernel or initramfs is missing. */
int hull_instance_new(struct hull_manager *manager, const char *state_dir,
		      struct hull_instance **ret_instance, struct hull_error **err);
/* Shuts it down first where that has not been done.  NULL is nothing. */
void hull_instance_free(struct hull_instance *instance);

/* ---- before the start ---- */

/* Both at least 1, at most 256 CPUs; what a guest can't do with is INVALID at the start.  Without
 * this call they are as hull.conf(5) has them. */
int hull_instance_set_cpu_and_memory(struct hull_instance *instance, uint32_t cpus,
				     uint32_t memory_mib, struct hull_error **err);

struct hull_mount_options {
	size_t size;
	uint64_t readonly;
	uint64_t vmdk; /* of disks: it is a VMDK descriptor, whose parts may be anywhere; only to be
			* used for those that the caller has written */
};

/* A directory of the host's that the guest mounts as virtiofs by @tag: at most 36 bytes.  What is
 * read-only the host refuses to have written. */
int hull_instance_add_fs(struct hull_instance *instance, const char *tag, const char *host_dir,
			 const struct hull_mount_options *options, struct hull_error **err);
/* A raw image, or a VMDK, as virtio-blk.  The guest has its disks in the order in which they were
 * added; @id is the serial number that it sees: letters, digits, "_", "." and "-", 20 of
 * which count; NULL: none.
 * UNSUPPORTED: more than /dev/vdz would be. */
int hull_instance_add_disk(struct hull_instance *instance, const char *id, const char *host_path,
			   const struct hull_mount_options *options, struct hull_error **err);

#define HULL_NIC_DATAGRAM 0 /* SOCK_DGRAM, a frame each: gvproxy, vmnet-helper */
#define HULL_NIC_STREAM 1   /* SOCK_STREAM, each after its length in four bytes: passt */

/* Bits of virtio-net's features (specification, 5.1.3) that the guest is offered. */
#define HULL_NIC_CSUM (UINT64_C(1) << 0)
#define HULL_NIC_GUEST_CSUM (UINT64_C(1) << 1)
#define HULL_NIC_GUEST_TSO4 (UINT64_C(1) << 7)
#define HULL_NIC_GUEST_TSO6 (UINT64_C(1) << 8)
#define HULL_NIC_GUEST_UFO (UINT64_C(1) << 10)
#define HULL_NIC_HOST_TSO4 (UINT64_C(1) << 11)
#define HULL_NIC_HOST_TSO6 (UINT64_C(1) << 12)
#define HULL_NIC_HOST_UFO (UINT64_C(1) << 14)

#define HULL_NIC_FLAG_VFKIT UINT64_C(1) /* greet the helper with "VFKT"; datagrams only */

struct hull_nic_options {
	size_t size;
	uint64_t features; /* 0: none.  UNSUPPORTED at the start: the hypervisor can't carry them */
	uint64_t flags;
};

/* A network device whose frames go through the socket at @socket_path, on which a helper listens
 * when the instance is started.  @mac NULL: one is made. */
int hull_instance_add_nic(struct hull_instance *instance, const char *socket_path,
			  const uint8_t mac[6], uint32_t mode,
			  const struct hull_nic_options *options, struct hull_error **err);

/* ---- running ---- */

struct hull_start_options {
	size_t size;
	uint64_t timeout_ms; /* until the agent answers; default 60 s */
	struct hull_cancel *cancel;
	const char *const *init_args; /* for the agent's command line, after its own */
	size_t n_init_args;
	/* What the guest prints on its console, as it comes, from its first byte to its last:
	 * called in a thread of its own, and not after hull_instance_shutdown() has returned, which
	 * waits for it: it must not block for long, nor shut the instance down (STATE,
	 * "in-callback") or free it. */
	void (*console)(void *context, const char *data, size_t len);
	void *context;
};

/* Until the agent in the guest answers.  After a failure nothing of the VM is left; the error has
 * what the console said last; the instance can only be freed.  STATE: "already-started". */
int hull_instance_start(struct hull_instance *instance, const struct hull_start_options *options,
			struct hull_error **err);

/* To the agent; the instance's, and valid as long as that is.  NULL before a start that succeeded
 * and after the shutdown. */
struct hull_client *hull_instance_client(struct hull_instance *instance);

/* A stream of bytes to the guest, both ways, each of which can be closed by itself (shutdown(2)):
 * the agent knows it by @id from then on, and calls of its services may name it.  *@ret_fd is the
 * caller's, a connected socket that blocks.  1 to 128 printable characters.  EXISTS: the id is
 * taken, and nobody has claimed it yet.  While the guest can't be reached it is tried again, every
 * 10, 20, ... 990 ms, until timeout (default 49.5 s), then UNAVAILABLE. */
int hull_instance_start_stream(struct hull_instance *instance, const char *id,
			       const struct hull_call_options *options, int *ret_fd,
			       struct hull_error **err);

/* Until the guest has ended by itself, or was shut down: 0.  @ret_reason, unless NULL: "shutdown",
 * "reboot", "panic", "killed", ..., valid as long as the instance. */
int hull_instance_wait(struct hull_instance *instance, const struct hull_call_options *options,
		       const char **ret_reason, struct hull_error **err);

struct hull_shutdown_options {
	size_t size;
	uint64_t stop_ms; /* how long the guest may take to power off; default 0: it is killed */
};

/* Ends the VM, however its start went: calls of its client fail, streams end, and nothing of it is
 * left but what is in the state directory.  Within 20 s and stop_ms.  STATE: "shut-down" already.
 */
int hull_instance_shutdown(struct hull_instance *instance,
			   const struct hull_shutdown_options *options, struct hull_error **err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
