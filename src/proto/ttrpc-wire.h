/* SPDX-License-Identifier: Apache-2.0
 *
 * What ttrpc puts on the wire: the 10-byte header and the two envelope messages.  Pure; for
 * ttrpc.c and its tests only.
 *
 * Encoding goes through the generated code.  Decoding does not: a 4 MiB envelope can hold two
 * million empty entries, generated code allocates for each of them, can't tell "malformed" from
 * "no memory", and refuses groups, which a proto3 reader must skip.  Here everything but a bounded
 * number of entries stays where it is in the frame.
 */
#ifndef HULL_PROTO_TTRPC_WIRE_H
#define HULL_PROTO_TTRPC_WIRE_H

#include "proto/ttrpc.h"

#define HULL_TTRPC_HEAD 10

/* Entries kept of an envelope: a request with more metadata is refused, more details of a status
 * are dropped. */
#define HULL_TTRPC_METADATA_MAX 256
#define HULL_TTRPC_DETAILS_MAX 64

enum { HULL_TTRPC_REQUEST = 1, HULL_TTRPC_RESPONSE = 2, HULL_TTRPC_DATA = 3 };
enum {
	HULL_TTRPC_CLOSED = 0x01,  /* the sender will send no more data on this stream */
	HULL_TTRPC_OPEN = 0x02,	   /* request: data frames will follow */
	HULL_TTRPC_NO_DATA = 0x04, /* the frame carries no message, not even an empty one */
};

struct hull_ttrpc_head {
	uint32_t len, id;
	uint8_t type, flags;
};

void hull_ttrpc_head_get(const uint8_t *p, struct hull_ttrpc_head *ret_head);
void hull_ttrpc_head_put(uint8_t *p, const struct hull_ttrpc_head *head);

/* A request as a server keeps it: one allocation, strings NUL-terminated. */
struct hull_ttrpc_envelope {
	size_t size; /* of the allocation */
	const char *service, *method;
	const void *payload; /* never NULL */
	size_t payload_len;
	uint64_t timeout_ns; /* 0: none; what was negative is 1 */
	size_t n_metadata;
	struct hull_ttrpc_kv metadata[];
};

/* 0, -EBADMSG, or -ENOMEM.  Strings with a NUL inside count as malformed: they would change their
 * meaning here.  free() it. */
int hull_ttrpc_decode_request(const void *data, size_t len, struct hull_ttrpc_envelope **ret);

/* A response as a client hands it on. */
struct hull_ttrpc_answer {
	struct hull_ttrpc_status status;
	const void *payload; /* in the frame; never NULL */
	size_t len;
	void *text; /* owned: what status points to, if anything */
};

/* 0 or -EBADMSG.  Without memory the code survives and the text does not. */
int hull_ttrpc_decode_response(const void *data, size_t len, struct hull_ttrpc_answer *ret_answer);
void hull_ttrpc_answer_fini(struct hull_ttrpc_answer *answer);

/* A whole outgoing frame.  What fits into @small needs no memory. */
struct hull_ttrpc_frame {
	uint8_t *data; /* small, or owned */
	size_t len;
	uint8_t small[1024];
};

/* All return 0, -EMSGSIZE (with *ret_body, if not NULL, the length the body would have had), or
 * -ENOMEM; the frame needs no clean-up then. */
int hull_ttrpc_frame_data(struct hull_ttrpc_frame *ret_frame, uint32_t id, uint8_t flags,
			  const void *data, size_t len, size_t *ret_body);
int hull_ttrpc_frame_request(struct hull_ttrpc_frame *ret_frame, uint32_t id, uint8_t flags,
			     const struct hull_ttrpc_request *rq, int64_t timeout_ns,
			     size_t *ret_body);
/* @status NULL: success.  Invalid UTF-8 in its message is replaced: receivers refuse the whole
 * response for it, and the code would be lost with the text. */
int hull_ttrpc_frame_response(struct hull_ttrpc_frame *ret_frame, uint32_t id,
			      const struct hull_ttrpc_status *status, const void *payload,
			      size_t len, size_t *ret_body);
void hull_ttrpc_frame_fini(struct hull_ttrpc_frame *frame);

#endif
