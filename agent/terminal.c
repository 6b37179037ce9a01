/* SPDX-License-Identifier: Apache-2.0
 *
 * Making pipes and terminals.
 */
#define _GNU_SOURCE
#include "agent/terminal.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static int make_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

int hull_stdio_pipes(bool with_stdin, struct hull_stdio *ret)
{
	int r = 0;

	if (with_stdin) {
		r = make_pipe(&ret->theirs[0], &ret->ours[0]);
	} else {
		ret->theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		r = ret->theirs[0] < 0 ? -errno : 0;
	}
	for (int i = 1; r == 0 && i < 3; i++)
		r = make_pipe(&ret->ours[i], &ret->theirs[i]);
	for (int i = 0; r == 0 && i < 3; i++)
		if (ret->ours[i] >= 0)
			r = hull_set_nonblock(ret->ours[i], true);
	return r;
}

int hull_stdio_resize(int tty, uint16_t rows, uint16_t columns)
{
	struct winsize ws = {.ws_row = rows, .ws_col = columns};

	return ioctl(tty, TIOCSWINSZ, &ws) < 0 ? -errno : 0;
}

int hull_stdio_terminal(uint16_t rows, uint16_t columns, struct hull_stdio *ret)
{
	int unlock = 0, r;

	ret->tty = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (ret->tty < 0 || ioctl(ret->tty, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	ret->theirs[0] = ioctl(ret->tty, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ret->theirs[0] < 0)
		return -errno;
	r = hull_stdio_resize(ret->tty, rows, columns);
	if (r < 0)
		return r;
	/* Two, since reading and writing are watched apart. */
	for (int i = 0; i < 2; i++) {
		ret->ours[i] = fcntl(ret->tty, F_DUPFD_CLOEXEC, 3);
		if (ret->ours[i] < 0)
			return -errno;
	}
	return 0;
}

void hull_stdio_fini(struct hull_stdio *io)
{
	for (int i = 0; i < 3; i++) {
		hull_closep(&io->ours[i]);
		hull_closep(&io->theirs[i]);
	}
	hull_closep(&io->tty);
}
