/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's memory where it is a file, as daemons that map it need and descriptions may have it:
 * made here, so that page faults and freeing, which are a tenth of a short VM's time, can be taken
 * off the hypervisor:
 *
 *   fill      While the hypervisor starts, a child of ours gives the file the pages that the guest
 *             is certain to touch while it boots.
 *   ready     Where all of it is to be there before the guest starts, the child brings it in; where
 *             it is to be locked as well, the child has it mapped and locked, and lives on.
 *   release   When the hypervisor has been killed, half of the file's pages are given back by us
 *             while the kernel takes the hypervisor's mappings apart.
 */
#ifndef HULL_BACKEND_QEMU_MEMORY_H
#define HULL_BACKEND_QEMU_MEMORY_H

#include "base/error.h"

#include <stdint.h>

struct hull_config;
struct hull_loop;
struct hull_qemu_arch;
struct hull_qemu_memory;
struct hull_qemu_reader;

/* @config must outlive it. */
int hull_qemu_memory_new(struct hull_loop *loop, const struct hull_config *config,
			 const struct hull_qemu_reader *reader,
			 struct hull_qemu_memory **ret_memory, struct hull_error **err);
/* Borrowed; whoever has it may open it again by /proc/self/fd. */
int hull_qemu_memory_fd(const struct hull_qemu_memory *m);
/* @boot_len: of the kernel and the initrd that are going to be loaded, in bytes; @cgroup_fd as in
 * hull_spawn.  Does nothing where it can't. */
void hull_qemu_memory_fill(struct hull_qemu_memory *m, const struct hull_qemu_arch *arch,
			   const uint64_t boot_len[2], int cgroup_fd);
/* Brings all of it in, if that is to be before the guest starts: 1, and @done will be called once,
 * unless the memory is released before; 0: need not be waited for; or -1. */
int hull_qemu_memory_ready(struct hull_qemu_memory *m, int cgroup_fd,
			   void (*done)(void *ctx, const struct hull_error *error), void *ctx,
			   struct hull_error **err);
/* The hypervisor has been sent SIGKILL: nobody may use the file any more. */
void hull_qemu_memory_release(struct hull_qemu_memory *m);
/* NULL is fine. */
void hull_qemu_memory_free(struct hull_qemu_memory *m);

#endif
