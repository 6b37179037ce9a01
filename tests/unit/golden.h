/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparison with a file of tests/golden, whose directory comes in the environment as GOLDEN.
 * HULL_GOLDEN_UPDATE=1 writes the files instead: look at the difference before keeping it.
 */
#ifndef HULL_TESTS_GOLDEN_H
#define HULL_TESTS_GOLDEN_H

#include "base/cleanup.h"
#include "base/path.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 if @text is the content of golden file @name; otherwise 1, and a unified diff on stderr. */
static inline int golden_compare(const char *name, const char *text)
{
	const char *update = getenv("HULL_GOLDEN_UPDATE"), *dir = getenv("GOLDEN");
	cleanup_free char *path = hull_path_join(dir ? dir : "tests/golden", name);
	int fds[2], status = -1;
	pid_t pid;

	if (update && !strcmp(update, "1"))
		return hull_file_write(path, text, strlen(text), 0644, false) < 0;
	if (pipe(fds) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		dup2(fds[0], 0);
		close(fds[1]);
		dup2(2, 1);
		execlp("diff", "diff", "-u", "--label", path, "--label", "now", path, "-", NULL);
		_exit(127);
	}
	close(fds[0]);
	(void)hull_fd_write_all(fds[1], text, strlen(text)); /* diff tells what it did not get */
	close(fds[1]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 1;
	return status != 0;
}

#endif
