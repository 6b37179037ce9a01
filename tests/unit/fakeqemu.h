/* SPDX-License-Identifier: Apache-2.0
 *
 * A QEMU that misbehaves on demand: the test program itself, started in QEMU's place.  It is told
 * what to do by the CPU model it is asked for.
 */
#ifndef HULL_TESTS_FAKEQEMU_H
#define HULL_TESTS_FAKEQEMU_H

#include "base/cleanup.h"
#include "base/json.h"
#include "base/path.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_QMP_FD 3

static inline void fake_say(const char *line)
{
	if (hull_fd_write_all(FAKE_QMP_FD, line, strlen(line)) < 0)
		_exit(99);
}

static inline void fake_shutdown(const char *reason)
{
	char line[200];

	snprintf(line, sizeof(line), "{\"event\":\"SHUTDOWN\",\"data\":{\"reason\":\"%s\"}}\r\n",
		 reason);
	fake_say(line);
}

/* The guest ends at once, but not a second time.  A RESET that nobody has asked for is the first
 * thing that it does. */
static inline void fake_end(const char *scenario)
{
	static bool ended;

	if (ended)
		return;
	ended = true;
	fake_say("{\"event\":\"RESET\"}\r\n");
	fake_shutdown(!strcmp(scenario, "held-off") ? "guest-shutdown" : "guest-reset");
	fake_say("{\"event\":\"STOP\"}\r\n");
}

static inline void fake_answer(const char *scenario, const char *command, uint64_t id)
{
	char line[200];

	if ((!strcmp(scenario, "refuse") && !strcmp(command, "stop")) ||
	    (!strcmp(scenario, "held-refuse") && !strcmp(command, "set-action"))) {
		snprintf(line, sizeof(line),
			 "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"},\"id\":%d}\r\n",
			 (int)id);
		fake_say(line);
		return;
	}
	if (!strcmp(command, "stop"))
		fake_say("{\"event\":\"STOP\"}\r\n");
	if (!strcmp(command, "cont"))
		fake_say("{\"event\":\"RESUME\"}\r\n");
	snprintf(line, sizeof(line), "{\"return\":{},\"id\":%d}\r\n", (int)id);
	fake_say(line);
	if (!strncmp(scenario, "held", 4) && !strcmp(command, "cont"))
		fake_end(scenario);
	if (!strcmp(command, "system_reset"))
		fake_say("{\"event\":\"RESET\",\"data\":{\"reason\":\"host-qmp-system-reset\"}}"
			 "\r\n");
	if (!strcmp(command, "quit")) {
		fake_shutdown("host-qmp-quit");
		while (!strcmp(scenario, "linger"))
			pause();
		_exit(0);
	}
	if (!strcmp(command, "system_powerdown")) {
		fake_shutdown("guest-shutdown");
		_exit(0);
	}
}

static inline void fake_first_words(const char *scenario)
{
	int major = !strcmp(scenario, "old") ? 6 : 7;
	char line[200];

	if (!strcmp(scenario, "die")) {
		fputs("one\nfake: no such device\n\n", stderr);
		_exit(1);
	}
	if (!strcmp(scenario, "garbage"))
		fake_say("SSH-2.0\r\n");
	if (!strcmp(scenario, "mute"))
		return;
	snprintf(line, sizeof(line),
		 "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":2,\"major\":%d}},"
		 "\"capabilities\":[]}}\r\n",
		 major);
	fake_say(line);
}

/* After the negotiation. */
static inline void fake_act(const char *scenario)
{
	if (!strcmp(scenario, "chatty")) {
		for (int i = 0; i < 5000; i++)
			fputs("much too much text\n", stderr);
		fputs("the end\033[1m\n", stderr);
		_exit(3);
	}
	if (!strcmp(scenario, "babble"))
		fake_say("junk\r\n");
	if (!strcmp(scenario, "crash"))
		raise(SIGKILL);
	if (!strcmp(scenario, "panic")) {
		fake_say("{\"event\":\"GUEST_PANICKED\",\"data\":{\"action\":\"poweroff\"}}\r\n");
		fake_shutdown("guest-panic");
		_exit(0);
	}
	if (!strcmp(scenario, "reboot")) {
		fake_shutdown("guest-reset");
		_exit(0);
	}
	if (!strcmp(scenario, "signal")) {
		fake_shutdown("host-signal");
		_exit(0);
	}
	if (!strcmp(scenario, "silent"))
		_exit(0);
}

static inline int fake_qemu(const char *scenario)
{
	FILE *in;
	char line[4096];

	fake_first_words(scenario);
	in = fdopen(FAKE_QMP_FD, "r");
	while (in && fgets(line, sizeof(line), in)) {
		cleanup_json struct hull_json *j = NULL;
		uint64_t id;

		if (hull_json_parse(line, strlen(line), &j, NULL) < 0 ||
		    hull_json_get_u64(hull_json_get(j, "id"), &id) < 0)
			_exit(98);
		fake_answer(scenario, hull_json_str(hull_json_get(j, "execute")), id);
		if (id == 0)
			fake_act(scenario);
	}
	return 0;
}

/* NULL unless this process was started in QEMU's place. */
static inline const char *fake_scenario(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "-cpu"))
			return argv[i + 1];
	return NULL;
}

#endif
