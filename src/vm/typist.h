/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM's serial console for those who type: where it is, and whether what they type goes to the
 * guest.  Many may be connected and read; the monitor says which of them types, and when that
 * changes.
 */
#ifndef HULL_VM_TYPIST_H
#define HULL_VM_TYPIST_H

#include "base/loop.h"
#include "store/records.h"

#include <stdbool.h>

#define HULL_TYPIST_AGAIN_MS 10	    /* what is only about to be there is looked for again then */
#define HULL_TYPIST_ANSWER_MS 5000  /* of a monitor; one that is stopped gives none */
#define HULL_TYPIST_SOCKET_MS 10000 /* from the intent to start a VM to its console */

struct hull_typist;

/* One that lives, by id, name or prefix, and the path of its console's socket, which the caller
 * frees.  It may still have to come: hull_typist_socket_comes(). */
int hull_typist_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
		     uint64_t deadline_ns, struct hull_record *ret_vm, char **ret_path,
		     struct hull_error **err);
/* The VM's starter, or its monitor, may only be about to make it. */
bool hull_typist_socket_comes(const struct hull_record *vm, const char *path);

/* For hull_unix_connect_as(): by this the monitor knows the connection. */
struct hull_typist_name {
	char text[64];
};
int hull_typist_name(struct hull_typist_name *ret, struct hull_error **err);

struct hull_typist_ops {
	/* Whether what is sent over the connection goes to the guest: as soon as that is known,
	 * and then whenever it changes. */
	void (*writes)(void *ctx, bool writes);
	/* Nothing more is known of it, and nothing follows. */
	void (*failed)(void *ctx, const struct hull_error *error);
};

/* About the connection of that name, which was made just before.  @take: to be the one who types,
 * also if somebody else does. */
int hull_typist_new(struct hull_loop *loop, const char *run_dir,
		    const struct hull_typist_name *name, bool take,
		    const struct hull_typist_ops *ops, void *ctx, struct hull_typist **ret,
		    struct hull_error **err);
void hull_typist_free(struct hull_typist *typist);

#endif
