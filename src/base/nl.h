/* SPDX-License-Identifier: Apache-2.0
 *
 * rtnetlink, the protocol: messages built in a bounded buffer, sent, and their replies taken apart.
 * What is asked for is in netdev.h.
 *
 * Replies come from the kernel, and yet no length in them is trusted.  Functions are leaf helpers
 * unless they take an error: >= 0 or -errno.
 */
#ifndef HULL_BASE_NL_H
#define HULL_BASE_NL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- building ---- */

#define HULL_NL_MSG_MAX 1024

/* What doesn't fit marks the message failed, so that a run of appends is checked once, at the call.
 */
struct hull_nl_msg {
	size_t len;
	bool failed;
	_Alignas(8) uint8_t buf[HULL_NL_MSG_MAX];
};

/* @header is the family's own: struct ifinfomsg and the like.  NLM_F_REQUEST comes by itself. */
void hull_nl_start(struct hull_nl_msg *m, uint16_t type, uint16_t flags, const void *header,
		   size_t len);
/* A header within an attribute (VETH_INFO_PEER). */
void hull_nl_put_header(struct hull_nl_msg *m, const void *header, size_t len);
void hull_nl_put(struct hull_nl_msg *m, uint16_t type, const void *data, size_t len);
void hull_nl_put_u32(struct hull_nl_msg *m, uint16_t type, uint32_t v);
void hull_nl_put_string(struct hull_nl_msg *m, uint16_t type, const char *s); /* with its NUL */
/* An attribute that holds those put between the two calls. */
size_t hull_nl_nest(struct hull_nl_msg *m, uint16_t type);
void hull_nl_end(struct hull_nl_msg *m, size_t nest);

/* ---- taking apart ---- */

/* What is left of a buffer; pieces taken off its front point into it, unaligned. */
struct hull_nl_rest {
	const uint8_t *p;
	size_t n;
};

struct hull_nl_in {
	uint16_t type, flags;
	uint32_t seq;
	struct hull_nl_rest payload;
};

struct hull_nl_attr {
	uint16_t type; /* without the bits for nesting and byte order */
	struct hull_nl_rest value;
};

/* 1, 0 at the end, or -EBADMSG. */
int hull_nl_take_msg(struct hull_nl_rest *rest, struct hull_nl_in *ret);
int hull_nl_take_attr(struct hull_nl_rest *rest, struct hull_nl_attr *ret);
/* The fixed header of a payload, @len bytes copied and taken off with padding: 0 or -EBADMSG. */
int hull_nl_take(struct hull_nl_rest *rest, void *ret, size_t len);

/* One message of an answer; negative: the answer is of no use, -errno. */
typedef int (*hull_nl_fn)(void *ctx, const struct hull_nl_in *in);
/* What the kernel said besides the errno. */
#define HULL_NL_TEXT_MAX 128
/* One datagram of the answer to request @seq; others' messages are skipped.  0: there is more to
 * come; 1: that was all; -errno: refused, and @text (HULL_NL_TEXT_MAX) is set if it was told why,
 * or malformed (-EBADMSG), or a dump that was overtaken by a change (-EINTR). @fn may be NULL. */
int hull_nl_read(const void *data, size_t len, uint32_t seq, hull_nl_fn fn, void *ctx, char *text);

/* ---- talking ---- */

struct hull_nl {
	int fd; /* owned; -1: closed */
	uint32_t seq;
	char text[HULL_NL_TEXT_MAX]; /* of the last call's failure; "" if nothing was said */
};
#define HULL_NL_INIT     \
	{                \
		.fd = -1 \
	}

int hull_nl_open(struct hull_nl *nl, struct hull_error **err);
void hull_nl_close(struct hull_nl *nl);
#define cleanup_nl __attribute__((cleanup(hull_nl_close)))
/* Sends @m and waits for all of its answer.  A dump is one that has NLM_F_DUMP. */
int hull_nl_call(struct hull_nl *nl, struct hull_nl_msg *m, hull_nl_fn fn, void *ctx);
/* Sets the error for what hull_nl_call() returned, with what the kernel said: -1. */
int hull_nl_fail(const struct hull_nl *nl, int r, struct hull_error **err, const char *fmt, ...)
	HULL_PRINTF(4, 5);

/* A socket that is told of every change of @group (RTNLGRP_*): an fd. */
int hull_nl_listen(unsigned int group);
/* Until there was a change: 0, or -ETIMEDOUT. */
int hull_nl_wait(int fd, uint64_t deadline_ns);

#endif
