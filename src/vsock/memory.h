/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's memory as the hypervisor describes it to a vhost-user device: regions, each with
 * three addresses (the guest's, the hypervisor's and ours), and the only way from the first two to
 * the third.  Nothing outside a region can be named, whatever numbers the guest writes.
 *
 * What lies in there may change at any time: read it once, into memory of one's own.
 */
#ifndef HULL_VSOCK_MEMORY_H
#define HULL_VSOCK_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define HULL_MEMORY_REGIONS_MAX 32

struct hull_memory_region {
	uint64_t guest; /* guest physical address */
	uint64_t user;	/* the hypervisor's own, used for rings only */
	uint64_t size;
	uint64_t offset; /* in the file that backs it */
	char *at;	 /* ours; borrowed, whoever mapped it unmaps it */
};

struct hull_memory {
	struct hull_memory_region v[HULL_MEMORY_REGIONS_MAX];
	size_t n;
};

/* 0, -ENOSPC, or -EINVAL: empty, beyond the end of an address space, or overlapping another. */
int hull_memory_add(struct hull_memory *m, const struct hull_memory_region *region);
/* Takes out the region with these addresses and size: 0 and *ret_region, or -ENOENT. */
int hull_memory_remove(struct hull_memory *m, const struct hull_memory_region *like,
		       struct hull_memory_region *ret_region);

/* Where @len bytes of the guest's are; NULL unless all of them lie in one region. */
char *hull_memory_at(const struct hull_memory *m, uint64_t guest, uint64_t len);
/* The same by the hypervisor's address. */
char *hull_memory_at_user(const struct hull_memory *m, uint64_t user, uint64_t len);
/* As many of @len bytes as lie in one region, at least one: *ret_len.  NULL if there is none. */
char *hull_memory_part(const struct hull_memory *m, uint64_t guest, uint64_t len,
		       uint64_t *ret_len);

#endif
