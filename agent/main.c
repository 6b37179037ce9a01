/* SPDX-License-Identifier: Apache-2.0
 *
 * PID 1 of every guest.  It never returns and never aborts: the kernel panics if it does.  What
 * can't be survived is said on the console, then file systems are synced and the power goes.
 *
 * Order of the start: first what the link needs (devices, modules, ports), so that the host's
 * hello is answered as early as can be; what every session needs, whatever the host is going to
 * say, comes while the host takes its turn.
 */
#define _GNU_SOURCE
#include "agent/agent.h"
#include "agent/cgroup.h"
#include "agent/channel.h"
#include "agent/coldplug.h"
#include "agent/modprobe.h"
#include "agent/modules.h"
#include "agent/net.h"
#include "agent/port.h"
#include "agent/power.h"
#include "agent/session.h"
#include "agent/uevent.h"
#include "agent/vsock.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A session needs up to ten descriptors. */
#define NOFILE_AGENT 16384
#define NOFILE_HARD 1048576
/* Calls are answered although programs are busy. */
#define PRIORITY (-10)

/* ---- last words ---- */

static void say(const char *line)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	cleanup_close int fd = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);

	(void)hull_strbuf_addf(&b, "hull-agent: %s\n", line);
	(void)!write(fd < 0 ? 2 : fd, hull_strbuf_str(&b), b.len);
}

static void on_log(void *ctx, enum hull_log_level level, const char *line)
{
	say(line);
}

void hull_agent_fatal(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(text);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void hull_agent_span(struct hull_agent *a, const char *name, uint64_t start_ns, uint64_t end_ns)
{
	if (a->n_spans < HULL_AGENT_SPANS)
		a->spans[a->n_spans++] = (struct hull_span){name, start_ns, end_ns};
}

/* ---- the first mounts ---- */

struct early_mount {
	const char *source, *target, *type, *data;
	unsigned long flags;
	bool required;
};

#define SECURE (MS_NOSUID | MS_NOEXEC | MS_NODEV)

static const struct early_mount for_link[] = {
	{"devtmpfs", "/dev", "devtmpfs", "mode=0755", MS_NOSUID, true},
	{"sysfs", "/sys", "sysfs", NULL, SECURE, true},
};

static const struct early_mount for_sessions[] = {
	{"proc", "/proc", "proc", NULL, SECURE, true},
	{"tmpfs", "/run", "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV, true},
	{"devpts", "/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC,
	 false},
	{"tmpfs", "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, false},
	{"mqueue", "/dev/mqueue", "mqueue", NULL, SECURE, false},
};

static void mount_early(const struct early_mount *m, size_t n)
{
	for (; n; m++, n--) {
		(void)mkdir(m->target, 0755);
		if (mount(m->source, m->target, m->type, m->flags, m->data) < 0 && m->required)
			hull_agent_fatal("mount '%s': %s", m->target, hull_strerror(errno));
	}
}

/* The initramfs's root mount has no parent, which pivot_root() needs: the same tree is mounted
 * over it, and that is where we live from now on. */
static void rebind_root(void)
{
	if (mkdir("/mnt", 0755) < 0 && errno != EEXIST)
		hull_agent_fatal("make '/mnt': %s", hull_strerror(errno));
	if (mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL) < 0 || chdir("/mnt") < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		hull_agent_fatal("rebind the root: %s", hull_strerror(errno));
}

/* What programs look for in /dev and the kernel doesn't make. */
static void link_devices(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		(void)!symlink(links[i][0], links[i][1]);
}

/* ---- signals ---- */

static void on_signal(void *ctx, int signo)
{
	struct hull_agent *a = ctx;

	switch (signo) {
	case SIGCHLD:
		hull_reaper_run(&a->reaper);
		hull_power_settle(a);
		break;
	case SIGINT: /* Ctrl-Alt-Del */
		hull_power_off(a, true, 0);
		break;
	case SIGTERM:
	case SIGPWR:
		hull_power_off(a, false, 0);
		break;
	}
}

static void take_signals(struct hull_agent *a)
{
	static const int wanted[] = {SIGCHLD, SIGINT, SIGTERM, SIGPWR};
	sigset_t all;
	int r;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	r = hull_loop_add_signals(a->loop, wanted, ARRAY_SIZE(wanted), on_signal, a, NULL);
	if (r < 0)
		hull_agent_fatal("take signals: %s", hull_strerror(-r));
}

/* ---- start ---- */

static void become_init(void)
{
	struct rlimit rl = {NOFILE_AGENT, NOFILE_HARD};

	umask(022);
	rebind_root();
	mount_early(for_link, ARRAY_SIZE(for_link));
	/* Descriptors 0 to 2 are the console's, or nothing's; never a session's. */
	for (int fd = 0; fd >= 0 && fd < 3;) {
		fd = open("/dev/null", O_RDWR);
		if (fd >= 3)
			close(fd);
	}
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		hull_warn("main", "raise the descriptor limit: %s, ignoring", hull_strerror(errno));
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	(void)reboot(RB_DISABLE_CAD);
	/* What big requests and outputs took is given back. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 10);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 10);
}

static void prepare_sessions(struct hull_agent *a)
{
	uint64_t start = hull_now_ns();

	mount_early(for_sessions, ARRAY_SIZE(for_sessions));
	link_devices();
	hull_guest_cgroup_init();
	hull_modprobe_register();
	hull_net_raise_loopback();
	hull_agent_span(a, "session mounts", start, hull_now_ns());
}

static int make_parts(struct hull_agent *a, struct hull_error **err)
{
	if (hull_loop_new(&a->loop, err) < 0)
		return -1;
	take_signals(a);
	return hull_channels_new(a, &a->channels, err) < 0 ||
			       hull_sessions_new(a, &a->sessions, err) < 0 ||
			       hull_modules_open(&a->modules, err) < 0 ||
			       hull_uevents_new(a->loop, &a->uevents, err) < 0 ||
			       hull_coldplug_new(a, &a->coldplug, err) < 0 ||
			       hull_ports_new(a, &a->ports, err) < 0
		       ? -1
		       : 0;
}

/* Whatever leads to the host. */
static void open_link(struct hull_agent *a)
{
	cleanup_error struct hull_error *err = NULL;
	uint64_t start = hull_now_ns();
	int r;

	hull_ports_scan(a->ports); /* of a driver in the kernel; else there are none yet */
	hull_modules_load_bus(a->modules);
	r = hull_vsock_open(a, &err);
	if (r < 0)
		hull_agent_fatal("%s", hull_error_message(err));
	if (r == 0)
		hull_modules_load(a->modules, "link");
	a->linked_ns = hull_now_ns();
	hull_agent_span(a, "link modules", start, a->linked_ns);
}

int main(int argc, char **argv)
{
	static struct hull_agent agent;
	cleanup_error struct hull_error *err = NULL;
	struct hull_agent *a = &agent;
	uint64_t start = hull_now_ns();

	if (getpid() != 1) {
		static const char text[] = "hull-agent is the first process of a guest\n";

		if (argc == 4) /* the kernel misses a module */
			return hull_modprobe_main(argc, argv);
		(void)!write(2, text, sizeof(text) - 1);
		return 2;
	}
	hull_log_set(on_log, NULL, HULL_LOG_WARNING);
	become_init();
	if (make_parts(a, &err) < 0)
		hull_agent_fatal("%s", hull_error_message(err));
	hull_agent_span(a, "init", start, hull_now_ns());
	open_link(a);
	for (bool prepared = false;;) {
		int r = hull_loop_step(a->loop, hull_ports_busy(a->ports) ? 0 : -1);

		if (r < 0)
			hull_agent_fatal("wait for events: %s", hull_strerror(-r));
		hull_ports_turn(a->ports);
		hull_power_turn(a);
		if (a->greeted && !prepared) {
			prepare_sessions(a);
			prepared = true;
		}
	}
}
