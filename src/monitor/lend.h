/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets that are made here, so that they belong to whoever starts the VM and nobody
 * else can use them, and lent to the hypervisor, which serves them.
 */
#ifndef HULL_MONITOR_LEND_H
#define HULL_MONITOR_LEND_H

#include "base/error.h"

#include <stdint.h>

struct hull_lent {
	int fd;	    /* owned; -1: none */
	char *path; /* owned: of a socket outside the run directory, which is ours to remove */
};

struct hull_lent_place {
	const char *what;      /* for messages, a field of the description */
	const char *port_hint; /* where the port is taken */
	uint64_t port;	       /* of the loopback; 0: a socket */
	const char *path;      /* NULL: @name in @run_dir */
	const char *run_dir, *name;
	int backlog;
};

void hull_lent_init(struct hull_lent *lent);
int hull_lent_open(struct hull_lent *lent, const struct hull_lent_place *at,
		   struct hull_error **err);
/* For the hypervisor: a duplicate, or -1 where there is none. */
int hull_lent_dup(const struct hull_lent *lent, int *ret_fd, struct hull_error **err);
void hull_lent_close(struct hull_lent *lent);

#endif
