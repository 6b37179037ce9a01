/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's serial console: always drained (an unread console stops the guest), always logged to
 * a bounded file, offered on console.sock to many readers and one writer.
 *
 * A reader first gets the last HULL_CONSOLE_RING bytes, then what comes.  One that lags more than
 * its queue is cut off.  The writer is whoever connected first; when it leaves, the next in line.
 */
#ifndef HULL_MONITOR_CONSOLE_H
#define HULL_MONITOR_CONSOLE_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define HULL_CONSOLE_RING ((size_t)64 << 10)
#define HULL_CONSOLE_LOG_MAX ((size_t)4 << 20) /* then it becomes <log>.1 and a new one begins */

struct hull_console;
struct hull_strbuf;

/* @fd: the hypervisor's end; @listen_fd: the bound console.sock, or -1.  Owns both.  @log_path
 * NULL: it is not logged. */
int hull_console_new(struct hull_loop *loop, int fd, int listen_fd, const char *log_path,
		     struct hull_console **ret_console, struct hull_error **err);
void hull_console_free(struct hull_console *console);
/* Another hypervisor takes the place of the one that is gone: readers stay.  Owns @fd. */
int hull_console_attach(struct hull_console *console, int fd, struct hull_error **err);
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
