/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line in the making, shared by the planner's files: plan.c (the machine and what every
 * VM of ours has), plan-devices.c (the description's list of devices), plan-disks.c (its disks),
 * plan-links.c (those of them that lead out of the VM).
 */
#ifndef HULL_BACKEND_QEMU_PLAN_BUILD_H
#define HULL_BACKEND_QEMU_PLAN_BUILD_H

#include "backend/qemu/plan.h"

#include <stdbool.h>

struct hull_plan {
	const struct hull_config *config;
	const struct hull_qemu_host *host;
	const struct hull_qemu_arch *arch;
	struct hull_qemu_plan *plan;
	int next_fd;
	int next_bus;	   /* microvm: the next virtio-mmio transport */
	int nbd_fd;	   /* of the directory with NBD sockets; 0: not in use yet */
	size_t n_listed;   /* of the list of devices, those that have a place on the bus */
	size_t n_consoles; /* of them, consoles */
	bool has_vsock;	   /* and the device of vsock ports */
	bool failed;	   /* out of memory, outside argv */
};

/* ---- plan.c ---- */
void hull_plan_add(struct hull_plan *b, const char *option, const char *value);
void hull_plan_addf(struct hull_plan *b, const char *option, const char *fmt, ...)
	HULL_PRINTF(3, 4);
/* The number that a descriptor is going to have in QEMU. */
int hull_plan_fd(struct hull_plan *b, enum hull_qemu_fd_role role, size_t index);
bool hull_plan_is_microvm(const struct hull_plan *b);
/* A virtio device: "<what>-pci" in a slot, or "<what>-device" on the next transport.  A slot is
 * given as its number, or as "slot.function". */
void hull_plan_virtio(struct hull_plan *b, const char *what, const char *slot,
		      const char *properties);
/* One of several of a kind: the functions of a slot. */
void hull_plan_virtio_nth(struct hull_plan *b, const char *what, int slot, size_t nth,
			  const char *properties);

/* ---- plan-devices.c ---- */
/* A PCI device that is not virtio's, in the next place of the list's. */
void hull_plan_listed_pci(struct hull_plan *b, const char *what, const char *properties);
void hull_plan_listed_virtio(struct hull_plan *b, const char *what, const char *properties);
int hull_plan_devices(struct hull_plan *b, struct hull_error **err);
/* As many places on the bus as they need at most. */
size_t hull_plan_devices_places(const struct hull_config *config);
/* Some of them can't be on microvm. */
bool hull_plan_devices_need_pci(const struct hull_config *config, enum hull_accel accel);

/* ---- plan-links.c ---- */
int hull_plan_console(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		      struct hull_error **err);
int hull_plan_nic(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err);
int hull_plan_vport(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		    struct hull_error **err);
int hull_plan_fs(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		 struct hull_error **err);
/* The device of all ports, unless it is there. */
void hull_plan_vports(struct hull_plan *b);

/* ---- plan-disks.c ---- */
/* Slots of those of the list of disks. */
#define HULL_PLAN_FIRST_DISK 8
void hull_plan_disk(struct hull_plan *b, size_t i);
bool hull_plan_disks_need_pci(const struct hull_config *config, enum hull_accel accel);
/* The nth of the list of devices. */
bool hull_plan_disk_needs_pci(const struct hull_dev_disk *d, enum hull_accel accel);
int hull_plan_blk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err);
int hull_plan_nvme(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err);
int hull_plan_usb_disk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		       struct hull_error **err);
int hull_plan_nbd(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err);

#endif
