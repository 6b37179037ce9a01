/* SPDX-License-Identifier: Apache-2.0
 *
 * Fault points, see fault.h.  Counts are of the process, without locks: nothing that is tested by
 * them has threads.
 */
#define _GNU_SOURCE
#include "base/fault.h"

#ifdef HULL_FAULTS
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POINTS_MAX 64

static const struct {
	const char *name;
	int value;
} errors[] = {{"ENOSPC", ENOSPC}, {"ENOMEM", ENOMEM}, {"EIO", EIO},
	      {"EMFILE", EMFILE}, {"EACCES", EACCES}};

/* How often it has been reached, this time included. */
static unsigned int count(const char *point)
{
	static struct {
		const char *name;
		unsigned int n;
	} points[POINTS_MAX];
	size_t i = 0;

	while (i < POINTS_MAX - 1 && points[i].name && strcmp(points[i].name, point) != 0)
		i++;
	points[i].name = point;
	return ++points[i].n;
}

static void note(const char *file, const char *point, unsigned int n)
{
	cleanup_close int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	char line[128];
	int len = snprintf(line, sizeof(line), "%s/%s:%u\n", program_invocation_short_name, point,
			   n);

	if (fd >= 0 && write(fd, line, (size_t)len) < 0)
		return; /* whoever reads it misses the line */
}

/* "[PROGRAM/]POINT[:N]": whether that is this one. */
static int is_here(const char *what, size_t len, const char *point, unsigned int n)
{
	const char *slash = memchr(what, '/', len);
	size_t program = slash ? (size_t)(slash - what) : 0;
	char numbered[96];

	if (slash && (strlen(program_invocation_short_name) != program ||
		      memcmp(what, program_invocation_short_name, program) != 0))
		return 0;
	if (slash) {
		what += program + 1;
		len -= program + 1;
	}
	snprintf(numbered, sizeof(numbered), "%s:%u", point, n);
	return (strlen(numbered) == len && !memcmp(numbered, what, len)) ||
	       (n == 1 && strlen(point) == len && !memcmp(point, what, len));
}

int hull_fault(const char *point)
{
	const char *spec = getenv("HULL_FAULT"), *file = getenv("HULL_FAULT_LOG"), *eq;
	unsigned int n;

	if (!spec && !file)
		return 0;
	n = count(point);
	if (file)
		note(file, point, n);
	eq = spec ? strchr(spec, '=') : NULL;
	if (!eq || !is_here(spec, (size_t)(eq - spec), point, n))
		return 0;
	if (!strcmp(eq + 1, "kill"))
		(void)raise(SIGKILL);
	else if (!strcmp(eq + 1, "stop"))
		(void)raise(SIGSTOP);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strncmp(eq + 1, "error:", 6) && !strcmp(eq + 7, errors[i].name))
			return -errors[i].value;
	return 0;
}
#endif
