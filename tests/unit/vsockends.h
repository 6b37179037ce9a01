/* SPDX-License-Identifier: Apache-2.0
 *
 * A virtio socket device between a guest and a host made of tables, for tests: what the guest is
 * sent and what the host is told are written down as text.
 */
#ifndef HULL_TESTS_VSOCKENDS_H
#define HULL_TESTS_VSOCKENDS_H

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "vsock/device.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define VE_CID 42
#define VE_CONNS 2048
#define VE_ROOM 3000000 /* what the guest has for a connection */
#define VE_REFUSED 9	/* no program of the host's listens there */

struct ve_end {
	struct hull_vsock_conn *c; /* NULL: closed */
	size_t takes;		   /* how much it takes before it is full */
	size_t got;		   /* bytes from the guest */
	bool dialling, deaf, open;
};

struct ve {
	struct hull_vsock *v;
	struct ve_end ends[VE_CONNS];
	size_t n_ends;
	struct hull_strbuf log; /* what was done on the host */
	bool quiet;
};

static inline void ve_log(struct ve *e, const char *what, const struct ve_end *end, int64_t n)
{
	if (!e->quiet)
		hull_strbuf_addf(&e->log, "%s%s %d %lld", e->log.len ? "; " : "", what,
				 (int)(end - e->ends), (long long)n);
}

static inline struct ve_end *ve_end_of(struct hull_vsock_conn *c)
{
	struct ve_end *end = hull_vsock_host(c);

	assert(end && end->c == c);
	return end;
}

static inline struct ve_end *ve_new_end(struct ve *e)
{
	struct ve_end *end = &e->ends[e->n_ends];

	assert(e->n_ends < VE_CONNS);
	e->n_ends++;
	*end = (struct ve_end){.takes = SIZE_MAX};
	return end;
}

static inline int ve_dial(void *ctx, struct hull_vsock_conn *c, uint32_t port)
{
	struct ve *e = ctx;
	struct ve_end *end;

	if (port == VE_REFUSED || e->n_ends == VE_CONNS)
		return -ENOENT;
	end = ve_new_end(e);
	end->c = c;
	end->dialling = true;
	hull_vsock_set_host(c, end);
	ve_log(e, "dial", end, port);
	return 0;
}

static inline void ve_accepted(void *ctx, struct hull_vsock_conn *c)
{
	ve_end_of(c)->open = true;
	ve_log(ctx, "accepted", ve_end_of(c), 0);
}

static inline ssize_t ve_write(void *ctx, struct hull_vsock_conn *c, const struct iovec *iov,
			       size_t n)
{
	struct ve_end *end = ve_end_of(c);
	size_t len = 0;

	if (end->deaf)
		return -EPIPE;
	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	assert(len);
	len = MIN(len, end->takes);
	end->takes -= end->takes == SIZE_MAX ? 0 : len;
	end->got += len;
	if (len)
		ve_log(ctx, "write", end, (int64_t)len);
	return (ssize_t)len;
}

static inline void ve_shutdown(void *ctx, struct hull_vsock_conn *c, int how)
{
	ve_log(ctx, how == SHUT_RD ? "shutdown-read" : "shutdown-write", ve_end_of(c), 0);
}

static inline void ve_close(void *ctx, struct hull_vsock_conn *c)
{
	struct ve_end *end = ve_end_of(c);

	ve_log(ctx, "close", end, 0);
	end->c = NULL;
}

static const struct hull_vsock_ops ve_ops = {ve_dial, ve_accepted, ve_write, ve_shutdown, ve_close};

static inline void ve_init(struct ve *e)
{
	*e = (struct ve){.log = {.max = 1 << 20}};
	e->v = hull_vsock_new(VE_CID, &ve_ops, e);
	assert(e->v);
}

static inline void ve_fini(struct ve *e)
{
	hull_vsock_free(e->v);
	hull_strbuf_fini(&e->log);
}

/* What was done since the last call. */
static inline const char *ve_done(struct ve *e, char *buf, size_t len)
{
	snprintf(buf, len, "%s", hull_strbuf_str(&e->log));
	hull_strbuf_clear(&e->log);
	return buf;
}

static inline struct virtio_vsock_hdr ve_header(uint16_t op, uint32_t from, uint32_t to,
						uint32_t len, uint32_t flags)
{
	return (struct virtio_vsock_hdr){.src_cid = htole64(VE_CID),
					 .dst_cid = htole64(HULL_VSOCK_HOST_CID),
					 .src_port = htole32(from),
					 .dst_port = htole32(to),
					 .len = htole32(len),
					 .type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
					 .op = htole16(op),
					 .flags = htole32(flags),
					 .buf_alloc = htole32(VE_ROOM)};
}

/* A packet of the guest's with @len bytes. */
static inline void ve_packet(struct ve *e, uint16_t op, uint32_t from, uint32_t to, uint32_t len,
			     uint32_t flags)
{
	static char bytes[1 << 20];
	const struct virtio_vsock_hdr h = ve_header(op, from, to, len, flags);
	const struct iovec iov = {bytes, len};

	assert(len <= sizeof(bytes));
	hull_vsock_take(e->v, &h, &iov, len ? 1 : 0);
}

#endif
