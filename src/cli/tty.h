/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller's terminal in raw mode, and back, whatever ends the program in between.
 */
#ifndef HULL_CLI_TTY_H
#define HULL_CLI_TTY_H

#include "base/error.h"

int hull_tty_raw(int fd, struct hull_error **err);
/* The same for a guest's console, but that keys which end or stop programs (Ctrl-C) still do, to
 * this one. */
int hull_tty_console(int fd, struct hull_error **err);
/* Again raw, if it was: whoever continued us has set its own modes. */
void hull_tty_continue(void);
/* Idempotent; also runs at exit. */
void hull_tty_restore(void);
/* Rows and columns, 0 if unknown. */
void hull_tty_size(int fd, unsigned int *ret_rows, unsigned int *ret_columns);

#endif
