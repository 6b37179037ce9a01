/* SPDX-License-Identifier: Apache-2.0
 *
 * Raw mode, see tty.h.
 */
#define _GNU_SOURCE
#include "cli/tty.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* One terminal a process: what to put back at exit. */
static struct {
	bool raw;
	bool signals; /* keys still make them */
	int fd;
	struct termios before;
} tty;

void hull_tty_restore(void)
{
	if (!tty.raw)
		return;
	tty.raw = false;
	(void)tcsetattr(tty.fd, TCSADRAIN, &tty.before);
}

static void make_raw(struct termios *t)
{
	if (!tty.signals) {
		cfmakeraw(t);
		return;
	}
	t->c_iflag &= ~(tcflag_t)ICRNL;
	t->c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}

static int enter(int fd, bool signals, struct hull_error **err)
{
	struct termios raw;

	if (tcgetattr(fd, &tty.before) < 0)
		return hull_fail_errno(err, errno, "read terminal settings");
	tty.signals = signals;
	raw = tty.before;
	make_raw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return hull_fail_errno(err, errno, "set the terminal to raw mode");
	tty.fd = fd;
	tty.raw = true;
	(void)atexit(hull_tty_restore);
	return 0;
}

int hull_tty_raw(int fd, struct hull_error **err)
{
	return enter(fd, false, err);
}

int hull_tty_console(int fd, struct hull_error **err)
{
	return enter(fd, true, err);
}

void hull_tty_continue(void)
{
	struct termios raw = tty.before;

	/* In the background setting it would stop us again. */
	if (!tty.raw || tcgetpgrp(tty.fd) != getpgrp())
		return;
	make_raw(&raw);
	(void)tcsetattr(tty.fd, TCSADRAIN, &raw);
}

void hull_tty_size(int fd, unsigned int *ret_rows, unsigned int *ret_columns)
{
	struct winsize ws = {0};

	(void)ioctl(fd, TIOCGWINSZ, &ws);
	*ret_rows = ws.ws_row;
	*ret_columns = ws.ws_col;
}
