/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptors of a session: pipes, or a pseudo-terminal.  Leaf helpers: 0 or -errno.
 */
#ifndef HULL_AGENT_TERMINAL_H
#define HULL_AGENT_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

struct hull_stdio {
	int ours[3];   /* owned, non-blocking; -1: there is none */
	int theirs[3]; /* owned; of a terminal only the first */
	int tty;       /* owned: its master once more; else -1 */
};
#define HULL_STDIO_INIT                                                 \
	{                                                               \
		.ours = {-1, -1, -1}, .theirs = {-1, -1, -1}, .tty = -1 \
	}

int hull_stdio_pipes(bool with_stdin, struct hull_stdio *ret);
int hull_stdio_terminal(uint16_t rows, uint16_t columns, struct hull_stdio *ret);
int hull_stdio_resize(int tty, uint16_t rows, uint16_t columns);
void hull_stdio_fini(struct hull_stdio *io);

#endif
