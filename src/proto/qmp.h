/* SPDX-License-Identifier: Apache-2.0
 *
 * QMP (QEMU's JSON monitor) as a state machine: negotiates, numbers commands, matches replies,
 * hands out events.  Bytes in, callbacks and bytes out, no I/O.
 *
 *   new -> greeting seen, qmp_capabilities sent -> accepted: ops.ready -> commands and events
 *
 * QEMU runs what the guest gives it, so its words are hostile too: lines are bounded, and its
 * error texts are cut and cleaned of control characters.  Every callback may call any function
 * here, hull_qmp_free() included.
 */
#ifndef HULL_PROTO_QMP_H
#define HULL_PROTO_QMP_H

#include "base/json.h"

struct hull_qmp;

struct hull_qmp_ops {
	void (*output)(void *ctx, const void *data, size_t len);
	void (*ready)(void *ctx, unsigned int major, unsigned int minor, unsigned int micro);
	/* data may be NULL. */
	void (*event)(void *ctx, const char *name, const struct hull_json *data);
};

/* Exactly one of result (may be NULL: empty) and error is meaningful: error is NULL on success and
 * is not owned by the callee. */
typedef void (*hull_qmp_reply_fn)(void *ctx, const struct hull_json *result,
				  const struct hull_error *error);

int hull_qmp_new(const struct hull_qmp_ops *ops, void *ctx, struct hull_qmp **ret,
		 struct hull_error **err);
/* Outstanding commands get an UNAVAILABLE error before this returns.  NULL is fine. */
void hull_qmp_free(struct hull_qmp *q);
/* -1: not QMP, or a line above 1 MiB: close. */
int hull_qmp_feed(struct hull_qmp *q, const void *data, size_t len, struct hull_error **err);
/* Takes @arguments (may be NULL), also on failure.  Commands given before ready are sent once it
 * is.  fn may be NULL. */
int hull_qmp_execute(struct hull_qmp *q, const char *command, struct hull_json *arguments,
		     hull_qmp_reply_fn fn, void *ctx, struct hull_error **err);

#endif
