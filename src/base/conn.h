/* SPDX-License-Identifier: Apache-2.0
 *
 * A byte stream on a non-blocking descriptor, bound to a loop: reads are handed on as they
 * come, writes go out at once where they can and are queued up to a maximum where they can't.
 *
 *   open ──EOF──▶ ops.eof (reading over, writing still possible)
 *     └──error, EOF without ops.eof, queue full──▶ ops.closed, once; then only free it
 */
#ifndef HULL_BASE_CONN_H
#define HULL_BASE_CONN_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct hull_conn;

struct hull_conn_ops {
	/* Bytes from the peer; all are consumed.  May free the connection. */
	void (*data)(void *ctx, const char *data, size_t len);
	/* The peer will send no more.  NULL: the same as closed(0). */
	void (*eof)(void *ctx);
	/* Over: errnum 0 for EOF, else why.  Nothing else is called after it. */
	void (*closed)(void *ctx, int errnum);
	/* The write queue has become empty after having held something.  May be NULL. */
	void (*drained)(void *ctx);
};

/* Owns @fd (made non-blocking), also on failure.  queue_max 0: 16 MiB. */
int hull_conn_new(struct hull_loop *loop, int fd, size_t queue_max, const struct hull_conn_ops *ops,
		  void *ctx, struct hull_conn **ret_conn);
/* Drops what is queued; safe in callbacks; NULL is fine. */
void hull_conn_free(struct hull_conn *conn);
/* 0 or -errno (the connection is then failed and closed() follows from the loop). */
int hull_conn_write(struct hull_conn *conn, const void *data, size_t len);
/* The same without a copy: @data stays as it is for as long as the connection, and does not count
 * for queue_max.  What is written behind it while it waits has what is left of it copied. */
int hull_conn_lend(struct hull_conn *conn, const void *data, size_t len);
size_t hull_conn_queued(const struct hull_conn *conn);
/* Stops or resumes handing out data: the peer feels it as back pressure. */
void hull_conn_pause(struct hull_conn *conn, bool paused);
/* Half-close once the queue has drained. */
void hull_conn_shutdown(struct hull_conn *conn);
int hull_conn_fd(const struct hull_conn *conn);

#endif
