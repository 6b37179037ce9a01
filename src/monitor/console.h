/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's serial console: always drained (an unread console stops the guest), always logged
 * (logger.h), offered on console.sock to many readers and one writer.
 *
 * A reader first gets the last HULL_CONSOLE_RING bytes, then what comes.  One that lags more than
 * its queue is cut off.  The writer is whoever connected first; when it leaves, or says that it
 * will type no more (by closing its half), the next in line.  One that has a name (base/os.h) can
 * be put first, and be told apart.
 */
#ifndef HULL_MONITOR_CONSOLE_H
#define HULL_MONITOR_CONSOLE_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define HULL_CONSOLE_RING ((size_t)64 << 10)

struct hull_console;
struct hull_logger;
struct hull_strbuf;

/* @fd: the hypervisor's end; @listen_fd: the bound console.sock, or -1.  Owns both.  @logger is the
 * caller's; NULL: it is not logged. */
int hull_console_new(struct hull_loop *loop, int fd, int listen_fd, struct hull_logger *logger,
		     struct hull_console **ret_console, struct hull_error **err);
void hull_console_free(struct hull_console *console);
/* Another hypervisor takes the place of the one that is gone: readers stay.  Owns @fd. */
int hull_console_attach(struct hull_console *console, int fd, struct hull_error **err);
/* Who has that name and could write: whether it is the writer, 1 or 0; -ENOENT: nobody, or not
 * yet. */
int hull_console_writes(const struct hull_console *console, const char *name);
/* Puts it first: 0 or -ENOENT.  The one who was first is the next in line. */
int hull_console_take(struct hull_console *console, const char *name);
/* Whenever the writer is another, or none. */
void hull_console_watch_writer(struct hull_console *console, void (*changed)(void *ctx), void *ctx);
/* True if readers have yet to be sent something; @drained follows then, once. */
bool hull_console_drain_readers(struct hull_console *console, void (*drained)(void *ctx),
				void *ctx);
/* Reads what the hypervisor left behind: call when it has exited. */
void hull_console_drain(struct hull_console *console);
/* Another guest begins: the next two look at what that one prints. */
void hull_console_mark(struct hull_console *console);
/* Appends at most @lines last lines of what the guest printed, control characters removed. */
void hull_console_tail(const struct hull_console *console, size_t lines, struct hull_strbuf *out);
/* The line with which a Linux kernel panicked, if there is one in the ring. */
int hull_console_panic_line(const struct hull_console *console, struct hull_strbuf *out);

#endif
