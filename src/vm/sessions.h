/* SPDX-License-Identifier: Apache-2.0
 *
 * The sessions of a VM that runs: what its agent says of them.
 */
#ifndef HULL_VM_SESSIONS_H
#define HULL_VM_SESSIONS_H

#include "agent.pb-c.h"
#include "base/loop.h"
#include "monitor/rpc.h"

#include <stdbool.h>

/* Names that users give: [a-zA-Z0-9][a-zA-Z0-9._-]{0,62}. */
#define HULL_SESSION_NAME_MAX 63
int hull_session_check_name(const char *name, struct hull_error **err);

struct hull_sessions_call;
/* Once, from the loop: what there is, or why not.  Free the call afterwards, not inside. */
typedef void (*hull_sessions_fn)(void *ctx, const Hull__Agent__V1__ListResponse *list,
				 const struct hull_error *error);
int hull_sessions_ask(struct hull_loop *loop, const char *vsock, uint64_t deadline_ns,
		      hull_sessions_fn fn, void *ctx, struct hull_sessions_call **ret,
		      struct hull_error **err);
/* The same with any method of the agent. */
int hull_sessions_call(struct hull_loop *loop, const char *vsock, const char *method,
		       const ProtobufCMessage *request,
		       const ProtobufCMessageDescriptor *reply_type, uint64_t deadline_ns,
		       hull_rpc_fn fn, void *ctx, struct hull_sessions_call **ret,
		       struct hull_error **err);
void hull_sessions_call_free(struct hull_sessions_call *call);

/* Looks for one, running the loop; NOT_FOUND, or STATE if it was never started. */
int hull_sessions_find(struct hull_loop *loop, const char *vsock, const char *name,
		       uint64_t deadline_ns, bool *ret_terminal, struct hull_error **err);

#endif
