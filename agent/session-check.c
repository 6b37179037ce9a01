/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request for a session must hold, whatever other sessions there are.
 */
#define _GNU_SOURCE
#include "agent/session.h"

#include <string.h>

static size_t total_length(char *const *v, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += strlen(v[i]) + 1;
	return len;
}

int hull_session_check(const Hull__Agent__V1__CreateRequest *rq, struct hull_error **err)
{
	if (!rq->n_args)
		return hull_fail(err, HULL_E_INVALID, "no command given");
	if (total_length(rq->args, rq->n_args) + total_length(rq->env, rq->n_env) >
	    HULL_SESSION_ARGS_MAX)
		return hull_fail(err, HULL_E_INVALID, "arguments and environment exceed %zu bytes",
				 HULL_SESSION_ARGS_MAX);
	for (size_t i = 0; i < rq->n_env; i++)
		if (!strchr(rq->env[i], '='))
			return hull_fail(err, HULL_E_INVALID, "environment entry '%s' has no '='",
					 rq->env[i]);
	if (rq->rows > UINT16_MAX || rq->columns > UINT16_MAX)
		return hull_fail(err, HULL_E_INVALID, "terminal size %ux%u", rq->rows, rq->columns);
	if (rq->pids_limit > HULL_SESSION_PIDS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d processes",
				 HULL_SESSION_PIDS_MAX);
	return 0;
}
