/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: programs that the host runs in the guest, kept by (container_id, exec_id) from Create
 * to Delete, whatever happens to the link.
 *
 *   created ─Start─▶ starting ─exec─▶ running ─program ends─▶ stopped ─Delete─▶ gone
 *                        └────────── start failed ───────────────┘
 *
 * The end of the program is the end of the session: what else runs in it is killed.  Its status
 * can be waited for as soon as it is known; its output may still be on the way then.
 */
#ifndef HULL_AGENT_SESSION_H
#define HULL_AGENT_SESSION_H

#include "base/error.h"
#include "hull/agent.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

#define HULL_SESSIONS_MAX 1024
#define HULL_SESSION_ID_MAX 128
#define HULL_SESSION_ARGS_MAX ((size_t)1 << 20)
#define HULL_SESSION_WAITERS_MAX 4096
#define HULL_SESSION_PIDS_MAX 4194303 /* with tiny init as many as the kernel can have */

struct hull_agent;
struct hull_sessions;
struct hull_ttrpc_call;

int hull_sessions_new(struct hull_agent *a, struct hull_sessions **ret_sessions,
		      struct hull_error **err);

int hull_session_create(struct hull_sessions *ss, const Hull__Agent__V1__CreateRequest *rq,
			struct hull_error **err);
int hull_session_signal(struct hull_sessions *ss, const Hull__Agent__V1__SignalRequest *rq,
			struct hull_error **err);
int hull_session_resize(struct hull_sessions *ss, const Hull__Agent__V1__ResizeRequest *rq,
			struct hull_error **err);
int hull_session_close_stdin(struct hull_sessions *ss, const Hull__Agent__V1__SessionRequest *rq,
			     struct hull_error **err);
int hull_session_attach(struct hull_sessions *ss, const Hull__Agent__V1__AttachRequest *rq,
			struct hull_error **err);
/* To the program of each that runs; one with a terminal is hung up as well. */
void hull_sessions_signal_all(struct hull_sessions *ss, int signo);
/* Whether any does, and whether somebody is attached to the output of any. */
bool hull_sessions_run(const struct hull_sessions *ss);
bool hull_sessions_are_heard(const struct hull_sessions *ss);
/* session-check.c: lengths and numbers of a request. */
int hull_session_check(const Hull__Agent__V1__CreateRequest *rq, struct hull_error **err);
/* These answer @call, later if need be. */
int hull_session_start(struct hull_sessions *ss, struct hull_ttrpc_call *call,
		       const Hull__Agent__V1__SessionRequest *rq, struct hull_error **err);
int hull_session_wait(struct hull_sessions *ss, struct hull_ttrpc_call *call,
		      const Hull__Agent__V1__SessionRequest *rq, struct hull_error **err);
int hull_session_delete(struct hull_sessions *ss, struct hull_ttrpc_call *call,
			const Hull__Agent__V1__SessionRequest *rq, struct hull_error **err);
int hull_session_list(struct hull_sessions *ss, struct hull_ttrpc_call *call,
		      struct hull_error **err);

#endif
