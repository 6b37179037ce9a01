/* SPDX-License-Identifier: Apache-2.0
 *
 * What version.h says.
 */
#define _GNU_SOURCE
#include "backend/qemu/version.h"

#include "backend/qemu/arch.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS 3000
#define NOBODY 65534
#define PARALLEL_MAJOR 8
#define PARALLEL_MINOR 1

int hull_qemu_version_parse(const char *text, struct hull_qemu_version *ret)
{
	static const char head[] = "QEMU emulator version ";
	unsigned int v[3] = {0};
	const char *p = text;

	if (strncmp(p, head, strlen(head)) != 0)
		return -EINVAL;
	p += strlen(head);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		for (; *p >= '0' && *p <= '9'; p++) {
			if (v[i] > 9999)
				return -EINVAL;
			v[i] = v[i] * 10 + (unsigned int)(*p - '0');
		}
		if (i < 2 && *p++ != '.')
			return -EINVAL;
	}
	*ret = (struct hull_qemu_version){v[0], v[1], v[2]};
	return 0;
}

bool hull_qemu_version_from(const struct hull_qemu_version *v, unsigned int major,
			    unsigned int minor)
{
	return v->major > major || (v->major == major && v->minor >= minor);
}

bool hull_qemu_version_parallel(const struct hull_qemu_version *v)
{
	return hull_qemu_version_from(v, PARALLEL_MAJOR, PARALLEL_MINOR);
}

int hull_qemu_version_check(const struct hull_qemu_version *v, const char *binary,
			    struct hull_error **err)
{
	if (hull_qemu_version_from(v, HULL_QEMU_LEAST_MAJOR, HULL_QEMU_LEAST_MINOR))
		return 0;
	hull_fail_cause(err, HULL_E_UNSUPPORTED, "hypervisor-too-old",
			"QEMU '%s' has version %u.%u.%u, and %d.%d is needed", binary, v->major,
			v->minor, v->micro, HULL_QEMU_LEAST_MAJOR, HULL_QEMU_LEAST_MINOR);
	hull_hint(err, "install QEMU %d.%d or newer, and have it first in PATH",
		  HULL_QEMU_LEAST_MAJOR, HULL_QEMU_LEAST_MINOR);
	return -1;
}

/* What comes until the writer closes or the time is up; @size includes the NUL. */
static void read_some(int fd, uint64_t deadline_ns, char *ret, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		n = poll(&p, 1, hull_ms_left(deadline_ns));
		if (n > 0)
			n = read(fd, ret + len, size - 1 - len);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		len += n > 0 ? (size_t)n : 0;
	}
	ret[len] = '\0';
}

/* What it prints, as far as it fits. */
static int ask(const char *path, char *ret, size_t size, struct hull_error **err)
{
	static char *const env[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C", NULL};
	char *argv[] = {(char *)path, (char *)"--version", NULL};
	uint64_t deadline = hull_deadline_ms(ASK_MS);
	cleanup_close int from = -1, to = -1;
	struct hull_child child;
	int fds[2], wstatus = 0, r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "make a pipe");
	from = fds[0];
	to = fds[1];
	struct hull_fd_map map = {to, STDOUT_FILENO};
	struct hull_spawn spawn = {
		.path = path,
		.argv = argv,
		.envp = env,
		.cwd = "/",
		.fds = &map,
		.n_fds = 1,
		.set_ids = geteuid() == 0,
		.uid = NOBODY,
		.gid = NOBODY,
		.no_new_privs = true,
		.die_with_parent = true,
	};

	if (hull_spawn(&spawn, &child, err) < 0)
		return -1;
	hull_closep(&to);
	read_some(from, deadline, ret, size);
	hull_closep(&from); /* it may have more to say, and wait for a reader */
	r = hull_child_wait(child.pidfd, deadline, &wstatus);
	if (r < 0) {
		(void)hull_pidfd_kill(child.pidfd, SIGKILL);
		(void)hull_child_wait(child.pidfd, hull_deadline_ms(ASK_MS), &wstatus);
	}
	hull_closep(&child.pidfd);
	if (r < 0)
		return hull_fail_errno(err, -r, "ask '%s' for its version", path);
	return 0;
}

int hull_qemu_version_ask(const char *path, struct hull_qemu_version *ret, struct hull_error **err)
{
	char said[256];

	if (ask(path, said, sizeof(said), err) < 0)
		return -1;
	if (hull_qemu_version_parse(said, ret) == 0)
		return 0;
	hull_fail_cause(err, HULL_E_UNSUPPORTED, "hypervisor-unknown",
			"'%s' does not say which QEMU it is", path);
	hull_hint(err, "see what '%s --version' prints", path);
	return -1;
}
