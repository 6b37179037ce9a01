/* SPDX-License-Identifier: Apache-2.0
 *
 * A SetupRequest with two interfaces, for tests to fill in.
 */
#ifndef HULL_TESTS_NETREQUEST_H
#define HULL_TESTS_NETREQUEST_H

#include "base/cleanup.h"
#include "hull/agent.pb-c.h"

struct netrequest {
	Hull__Agent__V1__SetupRequest rq;
	Hull__Agent__V1__Interface in[2];
	Hull__Agent__V1__Interface *list[2];
};

static inline void netrequest_init(struct netrequest *r)
{
	hull__agent__v1__setup_request__init(&r->rq);
	for (size_t i = 0; i < ARRAY_SIZE(r->in); i++) {
		hull__agent__v1__interface__init(&r->in[i]);
		r->list[i] = &r->in[i];
	}
	r->rq.interfaces = r->list;
	r->rq.n_interfaces = 1;
	r->in[0].mac = (char *)"02:00:00:00:00:01";
	r->in[1].mac = (char *)"02:00:00:00:00:02";
}

/* List @field of @msg becomes the words given. */
#define NETREQUEST_LIST(msg, field, ...)                           \
	do {                                                       \
		static const char *const _words[] = {__VA_ARGS__}; \
		(msg)->field = (char **)(uintptr_t)_words;         \
		(msg)->n_##field = ARRAY_SIZE(_words);             \
	} while (0)

#endif
