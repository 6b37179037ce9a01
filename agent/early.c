/* SPDX-License-Identifier: Apache-2.0
 *
 * The early child, see early.h.
 */
#define _GNU_SOURCE
#include "agent/early.h"

#include "agent/agent.h"
#include "agent/modules.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICES_DIR "/sys/bus/virtio/devices"

/* By the virtio device's number (virtio 1.2, section 5): the stage that drives it.  Disks are left
 * out: the usual one holds modules and is not needed before one is missing. */
static const struct {
	const char *device, *stage;
} drivers[] = {
	{"0x0001", "net"},  /* network card */
	{"0x001a", "root"}, /* file system */
	{"0x0009", "root"}, /* file system over 9p: the root stage has the overlay */
	{"0x0009", "ninep"},
};

static bool has_device(const char *number)
{
	DIR *d = opendir(DEVICES_DIR);
	bool found = false;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT, text = HULL_STRBUF_INIT;

		if (e->d_name[0] == '.' ||
		    hull_strbuf_addf(&path, DEVICES_DIR "/%s/device", e->d_name) < 0 ||
		    hull_file_read(hull_strbuf_str(&path), 4096, &text) < 0)
			continue;
		found = !strncmp(hull_strbuf_str(&text), number, strlen(number));
	}
	if (d)
		closedir(d);
	return found;
}

/* Programs that talk to themselves expect 127.0.0.1, whatever network there is. */
static void raise_loopback(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		hull_warn("early", "raise the loopback interface: %s, ignoring",
			  hull_strerror(errno));
	hull_closep(&fd);
}

static void on_end(void *ctx, int wstatus)
{
	/* hull_early_wait() looks at the pid, which is 0 by now. */
}

void hull_early_start(struct hull_agent *a)
{
	bool wanted[ARRAY_SIZE(drivers)];
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		wanted[i] = has_device(drivers[i].device);
	pid = fork();
	if (pid == 0) {
		(void)setpriority(PRIO_PROCESS, 0, 0); /* the greeting goes first */
		for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
			if (wanted[i])
				hull_modules_load(a->modules, drivers[i].stage);
		raise_loopback();
		_exit(0);
	}
	if (pid < 0) {
		raise_loopback();
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (wanted[i])
			hull_modules_mark(a->modules, drivers[i].stage);
	hull_reaper_watch(&a->reaper, &a->early, pid, on_end, NULL);
}

void hull_early_wait(struct hull_agent *a)
{
	if (!a->early.pid)
		return;
	(void)waitpid(a->early.pid, NULL, 0);
	hull_reaper_forget(&a->reaper, &a->early);
}
