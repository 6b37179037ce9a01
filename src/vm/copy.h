/* SPDX-License-Identifier: Apache-2.0
 *
 * Files into and out of a VM that runs, as a tar stream whose other end is the agent's archiver.
 *
 *   out of a VM   agent's archiver ──stdout──▶ unpacked here   (or passed on to a descriptor)
 *   into a VM     packed here ──stdin──▶ agent's archiver      (or passed on from a descriptor)
 *
 * Files block: this is for a thread that has nothing else to do.  In between it runs the loop.
 */
#ifndef HULL_VM_COPY_H
#define HULL_VM_COPY_H

#include "vm/use.h"

#include <stdbool.h>

struct hull_copy {
	bool into;	     /* the VM */
	const char *inside;  /* path in the VM */
	const char *outside; /* path here, as base/pack.h and base/unpack.h take it; NULL: */
	int fd;		     /* the stream itself, to be read from or written to */
	bool owners, follow;
	uint64_t deadline_ns; /* 0: none */
	uint64_t grace_ms;    /* how long the end of what was given up may take */
	/* Something is not as it should be, here or there. */
	void (*note)(void *ctx, const char *text);
	void (*progress)(void *ctx, uint64_t files, uint64_t bytes); /* may be NULL */
	/* How often somebody has given up; the second time not even the end is waited for. */
	unsigned int (*given_up)(void *ctx);
	void *ctx;
};

/* Of two errors the one is told that is not the other's consequence; CANCELED, TIMEOUT. */
int hull_copy_run(struct hull_store *store, struct hull_loop *loop, const struct hull_used *vm,
		  const struct hull_copy *copy, struct hull_error **err);

#endif
