/* SPDX-License-Identifier: Apache-2.0
 *
 * How long processes live: spawns each of the programs in turn, N times, with their output thrown
 * away, from posix_spawn() to the end of wait().
 *
 *   bench-spawn N PROGRAM [ARG] [, PROGRAM [ARG]]...
 *
 * Prints a JSON list of nanoseconds for each.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAMS_MAX 8

extern char **environ;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t life(char **argv, const posix_spawn_file_actions_t *actions)
{
	uint64_t start = now_ns();
	int status = -1;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], actions, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench-spawn: '%s' failed\n", argv[0]);
		exit(1);
	}
	return now_ns() - start;
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, n_programs = 0;
	char **programs[PROGRAMS_MAX];
	posix_spawn_file_actions_t actions;
	uint64_t *ns;

	for (int i = 2; i < argc && n_programs < PROGRAMS_MAX; i++) {
		if (i == 2 || !argv[i - 1])
			programs[n_programs++] = &argv[i];
		if (!strcmp(argv[i], ","))
			argv[i] = NULL;
	}
	ns = n && n_programs ? calloc(n * n_programs, sizeof(*ns)) : NULL;
	if (!ns || posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)) {
		fprintf(stderr, "usage: bench-spawn N PROGRAM [ARG] [, PROGRAM [ARG]]...\n");
		return 2;
	}
	for (size_t p = 0; p < n_programs; p++)
		(void)life(programs[p], &actions); /* warm-up */
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < n_programs; p++)
			ns[p * n + i] = life(programs[p], &actions);
	printf("[");
	for (size_t p = 0; p < n_programs; p++) {
		printf("%s[", p ? ", " : "");
		for (size_t i = 0; i < n; i++)
			printf("%s%" PRIu64, i ? ", " : "", ns[p * n + i]);
		printf("]");
	}
	printf("]\n");
	free(ns);
	return 0;
}
