/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors over the wire: a hull error becomes a ttrpc status whose detail of type "hull.v1.Error"
 * carries code, cause, message and hint; a status, whoever sent it, becomes a hull error.
 */
#ifndef HULL_PROTO_STATUS_H
#define HULL_PROTO_STATUS_H

#include "proto/ttrpc.h"

#define HULL_STATUS_DETAIL "hull.v1.Error"

/* Answers @call with @err (which may be NULL: INTERNAL). */
void hull_ttrpc_fail_error(struct hull_ttrpc_call *call, const struct hull_error *err);

/* Sets @err from a status that is not OK.  Returns -1. */
int hull_fail_status(struct hull_error **err, const struct hull_ttrpc_status *status);

#endif
