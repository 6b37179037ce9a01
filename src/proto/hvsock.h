/* SPDX-License-Identifier: Apache-2.0
 *
 * Two small handshakes in front of raw bytes.
 *
 * Hybrid vsock (Firecracker docs/vsock.md): "CONNECT <port>\n" -> "OK <n>\n" -> raw bytes.
 * Stream id (nerdbox): u32 big-endian length + id -> the same back, or u32 length + error text and
 * close -> raw bytes.  Ids are 1 to HULL_STREAM_ID_MAX printable ASCII characters here.
 *
 * All parsers: > 0 bytes used when complete, 0 when more is needed, -EBADMSG / -EMSGSIZE as soon as
 * it can't become right any more.  What follows the bytes used is the stream's.
 */
#ifndef HULL_PROTO_HVSOCK_H
#define HULL_PROTO_HVSOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HULL_HVSOCK_LINE_MAX 32
#define HULL_STREAM_ID_MAX 128
#define HULL_STREAM_ERROR_MAX 1024

/* The keyword in any case, blanks, a decimal u32, LF (a CR or blanks before it are allowed); at
 * most HULL_HVSOCK_LINE_MAX bytes. */
ssize_t hull_hvsock_parse_connect(const void *data, size_t len, uint32_t *ret_port);
ssize_t hull_hvsock_parse_ok(const void *data, size_t len, uint32_t *ret_n);
/* Into a buffer of HULL_HVSOCK_LINE_MAX; returns the length (no NUL counted).  Send the line in one
 * write: Firecracker drops a client whose first ten bytes come in pieces. */
size_t hull_hvsock_format_connect(char *buf, uint32_t port);
size_t hull_hvsock_format_ok(char *buf, uint32_t n);

/* id: HULL_STREAM_ID_MAX + 1 bytes. */
ssize_t hull_stream_parse_id(const void *data, size_t len, char *ret_id);
/* The answer to @id: *ret_error is "" if accepted, else the peer's text (printable, bounded;
 * buffer of HULL_STREAM_ERROR_MAX + 1). */
ssize_t hull_stream_parse_ack(const void *data, size_t len, const char *id, char *ret_error);
/* u32 length + text, into a buffer of 4 + strlen(text); returns the length. */
size_t hull_stream_format(char *buf, const char *text);

#endif
