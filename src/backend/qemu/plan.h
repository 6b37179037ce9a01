/* SPDX-License-Identifier: Apache-2.0
 *
 * From a VM description and what is known of the host to QEMU's command line.  Pure: nothing is
 * opened, looked up or measured here; tests compare the result with golden files.
 *
 * Everything QEMU works on comes to it as a descriptor, so that it needs no right to any path and
 * no file name of a user's can be mistaken for an option.  The plan says which descriptor must
 * be what; the numbers count up from HULL_QEMU_FIRST_FD.
 *
 * Addresses are fixed, so that a machine can be rebuilt exactly:
 *   q35, virt slots of pcie.0: 1 ports, 2 entropy, 3 root share, 4 panic device, 5 shares (its
 *             functions), 6 networks (likewise), 7 USB, 8... disks, 24... the list of devices
 *             (their functions); 28 and above are kept for ports that take devices later.
 *             Exports have the functions of 3, then those of 5.
 *   microvm   transports 23 and downwards, since Linux finds the highest first: ports, entropy,
 *             root share, shares or exports, networks, disks, devices.  Transport 0 stays empty,
 *             for its interrupt never arrives.
 */
#ifndef HULL_BACKEND_QEMU_PLAN_H
#define HULL_BACKEND_QEMU_PLAN_H

#include "backend/qemu/arch.h"
#include "base/error.h"
#include "base/vec.h"
#include "config/config.h"

#define HULL_QEMU_FIRST_FD 3
/* Files that a disk of the list of devices is made of. */
#define HULL_QEMU_PARTS_MAX 256

/* QEMU's descriptor sets: where the numbers of each kind begin. */
enum {
	HULL_QEMU_SET_DISK = 0,	    /* by its index in the list of disks */
	HULL_QEMU_SET_DEVICE = 100, /* a disk by its index in the list of devices */
	HULL_QEMU_SET_LOG = 200,    /* a console likewise */
	HULL_QEMU_SET_CODE = 1000,  /* of the firmware */
	HULL_QEMU_SET_STORE,	    /* of its variables */
	HULL_QEMU_SET_RNG,	    /* what entropy comes from */
	HULL_QEMU_SET_PART = 2000,  /* device times HULL_QEMU_PARTS_MAX plus its part */
	/* What is added while it runs. */
	HULL_QEMU_SET_ADDED = HULL_QEMU_SET_PART + HULL_CONFIG_MAX_DEVICES * HULL_QEMU_PARTS_MAX,
};
#define HULL_QEMU_PART_SET(device, part) \
	(HULL_QEMU_SET_PART + (device) * (size_t)HULL_QEMU_PARTS_MAX + (part))

enum hull_qemu_fd_role {
	HULL_QEMU_FD_QMP,     /* stream socket */
	HULL_QEMU_FD_CONSOLE, /* stream socket */
	HULL_QEMU_FD_CTL,     /* stream socket */
	HULL_QEMU_FD_BULK,    /* stream socket */
	HULL_QEMU_FD_ROOT,    /* connected vhost-user socket */
	HULL_QEMU_FD_SHARE,   /* likewise */
	HULL_QEMU_FD_EXPORT,  /* a directory that QEMU may open again by /proc/self/fd */
	HULL_QEMU_FD_NET,     /* connected stream socket */
	HULL_QEMU_FD_MEMORY,  /* the guest's memory: a file QEMU may open again by /proc/self/fd */
	HULL_QEMU_FD_KERNEL,  /* a file QEMU may open again by /proc/self/fd */
	HULL_QEMU_FD_INITRD,  /* likewise */
	HULL_QEMU_FD_CODE,    /* of the firmware, read-only */
	HULL_QEMU_FD_STORE,   /* of the firmware's variables, read-write */
	HULL_QEMU_FD_GDB,     /* listening stream socket */
	HULL_QEMU_FD_VSOCK,   /* /dev/vhost-vsock */
	HULL_QEMU_FD_VPORTS,  /* connected vhost-user socket */
	HULL_QEMU_FD_DISK,    /* read-only or read-write, as the disk is */
	/* Of the list of devices.  A disk: likewise.  A console: a stream socket, or a file to
	 * print to.  A network device: a socket, connected, of the kind its mode tells.  A
	 * directory: a connected vhost-user socket. */
	HULL_QEMU_FD_DEVICE,
	HULL_QEMU_FD_PART, /* likewise: device times HULL_QEMU_PARTS_MAX plus its part */
	HULL_QEMU_FD_NBD,  /* a directory with sockets that are called as the devices' indices */
	HULL_QEMU_FD_RNG,  /* a character device, read-only */
};
extern const char *const hull_qemu_fd_names[]; /* indexed by role, ended by NULL */

struct hull_qemu_fd {
	enum hull_qemu_fd_role role;
	size_t index; /* SHARE, EXPORT, NET, DISK, DEVICE: in their lists */
	int number;   /* in QEMU */
};

/* What planning needs to know of the host. */
struct hull_qemu_host {
	const char *binary;	/* borrowed */
	enum hull_accel accel;	/* KVM or TCG, never AUTO */
	bool in_turn;		/* emulated processors run one at a time */
	uint64_t tsc_khz;	/* 0: not known, not constant, or not the guest's */
	uint32_t block_devices; /* bit i: disks[i] is one, not a file */
	uint32_t device_blocks; /* bit i: what devices[i] is made of is one, not a file */
	/* Of devices[i], beside its own file. */
	uint16_t device_parts[HULL_CONFIG_MAX_DEVICES];
	bool relays_nbd;	   /* Unix sockets of NBD servers are reached by ours */
	size_t n_shares;	   /* share devices of daemons */
	size_t n_exports;	   /* directories that QEMU serves */
	uint32_t readonly_exports; /* bit i: exports[i] is */
	uint32_t others_exports;   /* bit i: exports[i] is for what everybody may read */
	uint32_t net_sockets;	   /* bit i: networks[i] has one, else it is QEMU's own */
	bool ipv6;		   /* in QEMU's own networks too */
	uint32_t vsock_cid;	   /* of the guest, where vsock is the link */
};

struct hull_qemu_plan {
	struct hull_strv argv;
	HULL_VEC(struct hull_qemu_fd) fds;
	enum hull_machine machine; /* as decided, never AUTO */
};

int hull_qemu_plan_make(const struct hull_config *config, const struct hull_qemu_host *host,
			struct hull_qemu_plan *ret_plan, struct hull_error **err);
void hull_qemu_plan_fini(struct hull_qemu_plan *plan);
#define cleanup_qemu_plan __attribute__((cleanup(hull_qemu_plan_fini)))

#endif
