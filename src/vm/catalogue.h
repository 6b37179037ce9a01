/* SPDX-License-Identifier: Apache-2.0
 *
 * This user's VMs: opening the store, making a VM, and a list of them that is true.
 */
#ifndef HULL_VM_CATALOGUE_H
#define HULL_VM_CATALOGUE_H

#include "base/loop.h"
#include "config/config.h"
#include "store/records.h"

/* In the directory of state. */
int hull_catalogue_open(uint64_t deadline_ns, struct hull_store **ret_store,
			struct hull_error **err);
/* A VM from a description, which has what a user says and nothing that is ours to fill in; it is
 * checked as a start would check it.  @guest_dir: as for hull_description_complete().  @name may be
 * NULL. */
int hull_catalogue_create(struct hull_store *store, const struct hull_config *config,
			  const char *guest_dir, const char *name, const struct hull_labels *labels,
			  char ret_id[HULL_STORE_ID_LEN + 1], struct hull_error **err);
/* Whether what a record says to live does; cheap, and without the VM's lock. */
bool hull_catalogue_lives(const struct hull_record *record, const char *boot);
/* Whether it says so, and it doesn't: its record is to be settled. */
bool hull_catalogue_has_died(const struct hull_record *record, const char *boot);
/* All VMs, after those that have ended by themselves were found and recorded: within the deadline,
 * and except where somebody else is at it.  What can't be recorded is in the list as it is, of
 * state error, and *ret_trouble, the caller's, tells why. */
int hull_catalogue_list(struct hull_store *store, struct hull_loop *loop, uint64_t deadline_ns,
			struct hull_records *ret_records, struct hull_error **ret_trouble,
			struct hull_error **err);
/* One of them, by id, name or prefix; what can't be recorded is an error here. */
int hull_catalogue_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
			uint64_t deadline_ns, struct hull_record *ret_record,
			struct hull_error **err);

#endif
