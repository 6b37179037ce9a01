/* SPDX-License-Identifier: Apache-2.0
 *
 * hull-mock: stands for a hypervisor and its guest, and does what its arguments say, see mock.h.
 * Nothing of hull's is in it: it is there five hundred times at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONTROL 3
#define NEVER UINT64_MAX

struct script {
	uint64_t boot, end_after, off;
	const char *end; /* NULL: not by itself */
	bool silent, deaf, stuck;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void say(const char *line)
{
	if (write(CONTROL, line, strlen(line)) < 0)
		exit(0);
}

static void end(const char *kind)
{
	char line[32];

	if (!strcmp(kind, "die"))
		exit(3);
	snprintf(line, sizeof(line), "end %.16s\n", kind);
	say(line);
	exit(0);
}

static void read_word(struct script *s, const char *word)
{
	const char *value = strchr(word, '=');

	value = value ? value + 1 : "";
	if (!strncmp(word, "boot=", 5)) {
		s->boot = strtoull(value, NULL, 10);
	} else if (!strncmp(word, "off=", 4)) {
		s->off = strtoull(value, NULL, 10);
	} else if (!strncmp(word, "end=", 4)) {
		const char *colon = strchr(value, ':');

		s->end_after = colon ? strtoull(colon + 1, NULL, 10) : 0;
		s->end = colon ? strndup(value, (size_t)(colon - value)) : value;
	} else if (!strncmp(word, "fail=", 5)) {
		fprintf(stderr, "%s\n", value);
		exit(1);
	}
	s->silent |= !strcmp(word, "silent");
	s->deaf |= !strcmp(word, "deaf");
	s->stuck |= !strcmp(word, "stuck");
}

/* What was asked for; returns when it powers off. */
static uint64_t obey(const struct script *s, const char *line, uint64_t off_at)
{
	if (!strcmp(line, "pause") && !s->stuck)
		say("paused\n");
	else if (!strcmp(line, "resume") && !s->stuck)
		say("resumed\n");
	else if (!strcmp(line, "powerdown") && !s->deaf)
		return now_ms() + s->off;
	else if (!strcmp(line, "quit"))
		end("quit");
	return off_at;
}

static uint64_t hear(const struct script *s, uint64_t off_at)
{
	char buf[256], *save = NULL;
	ssize_t n = read(CONTROL, buf, sizeof(buf) - 1);

	if (n <= 0)
		exit(0); /* the monitor has gone */
	buf[n] = '\0';
	for (char *l = strtok_r(buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		off_at = obey(s, l, off_at);
	return off_at;
}

static int wait_ms(uint64_t until)
{
	uint64_t now = now_ms();

	if (until == NEVER)
		return -1;
	return until <= now ? 0 : until - now > 60000 ? 60000 : (int)(until - now);
}

int main(int argc, char **argv)
{
	struct script s = {0};
	uint64_t off_at = NEVER, runs_at, end_at = NEVER;
	bool runs = false;

	for (int i = 1; i < argc; i++)
		read_word(&s, argv[i]);
	runs_at = s.silent ? NEVER : now_ms() + s.boot;
	for (;;) {
		struct pollfd p = {.fd = CONTROL, .events = POLLIN};
		uint64_t next = !runs ? runs_at : off_at < end_at ? off_at : end_at;

		if (poll(&p, 1, wait_ms(next)) > 0)
			off_at = hear(&s, off_at);
		if (!runs && now_ms() >= runs_at) {
			runs = true;
			printf("mock: running\n");
			fflush(stdout);
			say("running\n");
			end_at = s.end ? now_ms() + s.end_after : NEVER;
		}
		if (off_at != NEVER && now_ms() >= off_at)
			end("shutdown");
		if (runs && end_at != NEVER && now_ms() >= end_at)
			end(s.end);
	}
}
