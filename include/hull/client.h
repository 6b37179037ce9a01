/* SPDX-License-Identifier: Apache-2.0
 *
 * Talking to the agent in a guest: calls of any ttrpc service that it serves, by bytes, and streams
 * of messages.  What the bytes mean is the service's business (protobuf, as a rule).
 *
 *   Blocking   Every function waits for the guest, but only until its deadline (TIMEOUT), or until
 *              it is cancelled (CANCELED).
 *   Threads    A client may be used by any number of threads at the same time; their calls don't
 *              wait for each other.  On one stream one thread may send while another receives.
 *   Failures   What the agent answers has the hull code that its status stands for:
 *              INVALID_ARGUMENT INVALID, NOT_FOUND NOT_FOUND, ALREADY_EXISTS EXISTS,
 *              FAILED_PRECONDITION STATE, UNIMPLEMENTED UNSUPPORTED, PERMISSION_DENIED DENIED,
 *              RESOURCE_EXHAUSTED EXHAUSTED, DEADLINE_EXCEEDED TIMEOUT, CANCELED CANCELED,
 *              UNAVAILABLE UNAVAILABLE, DATA_LOSS CORRUPT, INTERNAL INTERNAL.  UNAVAILABLE with
 *              cause "connection-lost": the guest went away, and nobody knows whether the call was
 *              carried out.
 *
 * ttrpc is containerd's (github.com/containerd/ttrpc, PROTOCOL.md).
 */
#ifndef HULL_CLIENT_H
#define HULL_CLIENT_H

#include <hull/error.h>
#include <hull/vms.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct hull_client;
struct hull_client_stream;

#define HULL_FOREVER UINT64_MAX /* as a timeout: until the guest ends */

/* Keys are lower-case by convention, and may repeat. */
struct hull_client_metadata {
	const char *key, *value;
};

/* NULL, and zero in every member, mean the defaults. */
struct hull_call_options {
	size_t size;
	uint64_t timeout_ms; /* default 60 s; of a stream, all of its life: default HULL_FOREVER */
	struct hull_cancel *cancel; /* of a stream: to be freed after it */
	const struct hull_client_metadata *metadata;
	size_t n_metadata;
};

/* One message there, one back, each at most 4 MiB with what goes around it (else EXHAUSTED).
 * @service is the full name, as "hull.agent.v1.Agent".  @ret_reply, of *@ret_len bytes, is freed
 * with hull_free(); either may be NULL where nobody wants it. */
int hull_client_call(struct hull_client *client, const char *service, const char *method,
		     const void *request, size_t len, const struct hull_call_options *options,
		     void **ret_reply, size_t *ret_len, struct hull_error **err);

/* Who sends more than one message; both may. */
#define HULL_CLIENT_SENDS 1
#define HULL_CLIENT_RECEIVES 2

/* Begins a call that streams.  @request is the first message; of a method whose client streams it
 * is usually empty: (NULL, 0). */
int hull_client_open(struct hull_client *client, const char *service, const char *method,
		     uint32_t flags, const void *request, size_t len,
		     const struct hull_call_options *options,
		     struct hull_client_stream **ret_stream, struct hull_error **err);
/* One more message.  Waits while the guest doesn't take what was sent before.  STATE: the call is
 * over, or its sending. */
int hull_client_send(struct hull_client_stream *stream, const void *message, size_t len,
		     struct hull_error **err);
/* No more will be sent. */
int hull_client_close_send(struct hull_client_stream *stream, struct hull_error **err);
/* 1: the next message, to be freed with hull_free(); the answer of a method that does not stream to
 * us is one too.  0: there will be none any more, and the call has succeeded.  -1: it has failed,
 * and will go on to do so; or TIMEOUT after @timeout_ms (0: not before the stream's own), which
 * ends nothing. */
int hull_client_receive(struct hull_client_stream *stream, uint64_t timeout_ms, void **ret_message,
			size_t *ret_len, struct hull_error **err);
/* Ends the call, if it has not ended.  NULL is nothing. */
void hull_client_stream_free(struct hull_client_stream *stream);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
