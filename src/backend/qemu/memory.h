/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's memory where it is a file, as daemons that map it need: made here, so that page
 * faults and freeing, which are a tenth of a short VM's time, can be taken off the hypervisor:
 *
 *   fill      While the hypervisor starts, a child of ours gives the file the pages that the guest
 *             is certain to touch while it boots.
 *   release   When the hypervisor has been killed, half of the file's pages are given back by us
 *             while the kernel takes the hypervisor's mappings apart.
 */
#ifndef HULL_BACKEND_QEMU_MEMORY_H
#define HULL_BACKEND_QEMU_MEMORY_H

#include "base/error.h"

#include <stdint.h>

struct hull_loop;
struct hull_qemu_arch;
struct hull_qemu_memory;

int hull_qemu_memory_new(struct hull_loop *loop, uint64_t len, struct hull_qemu_memory **ret_memory,
			 struct hull_error **err);
/* Borrowed; whoever has it may open it again by /proc/self/fd. */
int hull_qemu_memory_fd(const struct hull_qemu_memory *m);
/* @boot_len: of the kernel and the initrd that are going to be loaded, in bytes; @cgroup_fd as in
 * hull_spawn.  Does nothing where it can't. */
void hull_qemu_memory_fill(struct hull_qemu_memory *m, const struct hull_qemu_arch *arch,
			   const uint64_t boot_len[2], int cgroup_fd);
/* The hypervisor has been sent SIGKILL: nobody may use the file any more. */
void hull_qemu_memory_release(struct hull_qemu_memory *m);
/* NULL is fine. */
void hull_qemu_memory_free(struct hull_qemu_memory *m);

#endif
