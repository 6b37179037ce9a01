/* SPDX-License-Identifier: Apache-2.0
 *
 * What running VMs use: what the host's kernel counts of their processes, what their hypervisors
 * count of their disks, and what their guests say of themselves.  All VMs are asked at once, and
 * one that does not answer is told without what it would have said.
 */
#ifndef HULL_VM_STATS_H
#define HULL_VM_STATS_H

#include "base/loop.h"
#include "store/records.h"

struct hull_vm_stats {
	/* By the host, at that time (CLOCK_MONOTONIC). */
	uint64_t at_ns;
	uint64_t cpu_ns; /* of the hypervisor, its helpers and its monitor, since they began */
	uint64_t pids;
	uint64_t private_bytes; /* that one of them alone has mapped */
	uint64_t shared_bytes;	/* their part of what several processes have */

	bool disk; /* its monitor has answered */
	uint64_t read_bytes, written_bytes, balloon_bytes;

	bool guest; /* its agent has answered */
	uint64_t guest_total, guest_available, received_bytes, sent_bytes;

	struct hull_error *error; /* owned: why its monitor did not answer */
};

void hull_vm_stats_fini(struct hull_vm_stats *stats);

/* Adds VMs that run to @ret: the one, unless it is there already (STATE: it does not run), or with
 * @ref NULL all.  *ret_trouble as of hull_catalogue_list(). */
int hull_stats_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
		    uint64_t deadline_ns, struct hull_records *ret, struct hull_error **ret_trouble,
		    struct hull_error **err);
/* Of VMs with run directories: @ret has a place for each, zeroed.  Takes @timeout_ms at most. */
int hull_stats_gather(struct hull_loop *loop, const struct hull_records *vms, uint64_t timeout_ms,
		      struct hull_vm_stats *ret, struct hull_error **err);

/* ---- stats-host.c ---- */
/* What needs nobody's answer. */
int hull_stats_host(const struct hull_records *vms, struct hull_vm_stats *ret,
		    struct hull_error **err);
/* Adds what a process has, as /proc/PID/smaps_rollup tells. */
void hull_stats_add_memory(const char *rollup, struct hull_vm_stats *stats);

#endif
