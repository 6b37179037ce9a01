/* SPDX-License-Identifier: Apache-2.0
 *
 * Between a guest stream and a descriptor of the caller's (terminal, pipe, file, socket), without
 * blocking the loop and without changing flags that the caller shares with other programs.
 */
#ifndef HULL_VM_STDIO_H
#define HULL_VM_STDIO_H

#include "base/loop.h"

#include <stdbool.h>

struct hull_stdio;

struct hull_stdio_ops {
	/* The agent has accepted the stream: its id may be used in calls. */
	void (*ready)(void *ctx, struct hull_stdio *s);
	/* Over: everything was delivered (error NULL), or why not.  Only free it then. */
	void (*done)(void *ctx, struct hull_stdio *s, const struct hull_error *error);
	/* The escape was typed; no more is read.  Only after hull_stdio_set_escape(). */
	void (*escape)(void *ctx, struct hull_stdio *s);
	/* Input: how many of these bytes to pass on; fewer than all: no more are wanted, as at
	 * EOF of the descriptor.  NULL: all of them. */
	size_t (*typed)(void *ctx, struct hull_stdio *s, const char *data, size_t len);
};

/* ^P^Q.  The first goes through at once, since in a shell it is a key of its own: that must not
 * wait for the next one. */
#define HULL_STDIO_ESCAPE "\020\021"

/* Opens stream @id through the vsock socket at @vsock_path.
 * input: reads @fd into the stream, done() at EOF of @fd or when the guest stops reading.
 * output: writes the stream to @fd, done() at the stream's end.  @fd stays the caller's. */
int hull_stdio_new(struct hull_loop *loop, const char *vsock_path, const char *id, int fd,
		   bool input, const struct hull_stdio_ops *ops, void *ctx, struct hull_stdio **ret,
		   struct hull_error **err);
/* The same for a socket that carries raw bytes from its first one (console.sock): ready at once,
 * without ready() being called.  @name: of our end of it (hull_unix_connect_as()), NULL: none.
 * Output tells the other side that nothing will be typed. */
int hull_stdio_new_raw(struct hull_loop *loop, const char *name, const char *path, int fd,
		       bool input, const struct hull_stdio_ops *ops, void *ctx,
		       struct hull_stdio **ret, struct hull_error **err);
/* Input flows only from here on: nothing typed is lost to a command that never starts. */
void hull_stdio_begin(struct hull_stdio *s);
/* From then on the input is looked through for HULL_STDIO_ESCAPE. */
void hull_stdio_set_escape(struct hull_stdio *s);
/* From within ready(): a descriptor of the stream itself, which is the caller's and blocks; done()
 * comes at once.  Or -errno.  For streams on which the guest says nothing before it is told to:
 * what came together with its answer is gone. */
int hull_stdio_hand_out(struct hull_stdio *s);
void hull_stdio_free(struct hull_stdio *s);

#endif
