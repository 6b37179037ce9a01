/* SPDX-License-Identifier: Apache-2.0
 *
 * A child looks through the devices without a driver, loads the modules of their aliases, and
 * begins again until there is nothing new: a driver finds devices that need drivers themselves (a
 * controller, its disk, the disk's protocol).  Disks on the USB come by and by, without the kernel
 * being busy, so the host tells how many there are to be.
 *
 * PID 1 hears of new devices while a child runs.  Which of them the child has seen is told by the
 * kernel's count of events: the child hands back how far it was before it looked for the last time.
 */
#define _GNU_SOURCE
#include "agent/coldplug.h"

#include "agent/agent.h"
#include "agent/modprobe.h"
#include "agent/uevent.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/vec.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_MS 60000 /* in all */
#define QUIET_MS 5000	/* that the CPUs have had nothing to do since the last event */
#define LOOK_MS 1000
#define ALIASES_MAX 4096
#define EVENTS_MAX 1024 /* in one go */
#define COUNT_FILE "/sys/kernel/uevent_seqnum"

struct hull_coldplug {
	struct hull_agent *agent;
	bool on;
	unsigned int running; /* children */
	uint64_t seen;	      /* number of the event up to which children have looked */
	uint64_t last;	      /* of the last that was about a device of ours */
};

/* Buses of what a VM can be given.  Those of the machine itself (acpi, platform, cpu) are left out:
 * the image has little for them, and there are many. */
static const char *const buses[] = {"pci", "virtio", "usb", "scsi", "hid", "input"};

/* ---- in the child ---- */

struct search {
	struct hull_modprobe modules;
	struct hull_strv tried; /* aliases */
	int events;		/* owned: socket */
	size_t want;		/* disks */
	size_t added;	/* disks that were there, or have been announced with all they have */
	uint64_t count; /* of the kernel's events when it last began to look */
};

static bool is_tried(const struct search *s, const char *alias)
{
	for (size_t i = 0; i < s->tried.n; i++)
		if (!strcmp(s->tried.v[i], alias))
			return true;
	return s->tried.n >= ALIASES_MAX;
}

/* How many modules were new.  One that can't be loaded, or isn't there, is missed by its user. */
static int try_device(struct search *s, const char *dir)
{
	cleanup_free char *driver = hull_path_join(dir, "driver");
	cleanup_free char *path = hull_path_join(dir, "modalias");
	cleanup_strbuf struct hull_strbuf alias = HULL_STRBUF_INIT;
	int r;

	if (!driver || !path || access(driver, F_OK) == 0 ||
	    hull_file_read(path, 4096, &alias) < 0 || !alias.len)
		return 0;
	alias.data[strcspn(alias.data, "\n")] = '\0';
	if (is_tried(s, alias.data) || hull_strv_add(&s->tried, alias.data) < 0)
		return 0;
	r = hull_modprobe_load(&s->modules, alias.data);
	return r > 0 ? r : 0;
}

static int try_all(struct search *s, const char *where)
{
	DIR *d = opendir(where);
	struct dirent *e;
	int n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		cleanup_free char *dir =
			e->d_name[0] == '.' ? NULL : hull_path_join(where, e->d_name);

		if (dir)
			n += try_device(s, dir);
	}
	closedir(d);
	return n;
}

static uint64_t read_count(void)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	uint64_t n = 0;

	if (hull_file_read(COUNT_FILE, 64, &text) == 0 && text.len) {
		text.data[strcspn(text.data, "\n")] = '\0';
		(void)hull_parse_u64(text.data, UINT64_MAX, &n); /* 0: looks once more */
	}
	return n;
}

static void load_missing(struct search *s)
{
	int n;

	do {
		n = 0;
		s->count = read_count();
		for (size_t i = 0; i < ARRAY_SIZE(buses); i++) {
			cleanup_strbuf struct hull_strbuf dir = HULL_STRBUF_INIT;

			(void)hull_strbuf_addf(&dir,
					       strcmp(buses[i], "input") ? "/sys/bus/%s/devices"
									 : "/sys/class/%s",
					       buses[i]);
			n += try_all(s, hull_strbuf_str(&dir));
		}
	} while (n);
}

static bool is_counted(const char *name)
{
	return !strncmp(name, "nvme", 4) || !strncmp(name, "sd", 2) || !strncmp(name, "sr", 2);
}

static size_t count_disks(void)
{
	DIR *d = opendir("/sys/block");
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d)))
		n += is_counted(e->d_name);
	if (d)
		closedir(d);
	return n;
}

/* A disk is announced after its partitions. */
static void take_events(struct search *s)
{
	struct hull_uevent event;
	char buf[HULL_UEVENT_MAX];
	int r;

	for (int i = 0; i < EVENTS_MAX && (r = hull_uevent_receive(s->events, buf, &event)); i++)
		if (r < 0)
			s->added = count_disks();
		else
			s->added += !strcmp(event.action, "add") && !strcmp(event.type, "disk") &&
				    is_counted(event.device);
}

static bool is_settled(const struct search *s)
{
	return !s->want || (s->added >= s->want && count_disks() >= s->want);
}

/* For how long each CPU has been idle so far.  On a host that has no time for the guest, hardly:
 * time alone tells nothing there. */
static uint64_t read_idle_ms(void)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long long s, hundredths;

	if (hull_file_read("/proc/uptime", 256, &text) < 0 ||
	    sscanf(hull_strbuf_str(&text), "%*s %llu.%2llu", &s, &hundredths) != 2)
		return 0; /* until SETTLE_MS are over */
	return (s * 1000 + hundredths * 10) / (uint64_t)MAX(n, 1L);
}

/* Waits for an event; false: there is none to come. */
static bool wait_event(const struct search *s, uint64_t deadline)
{
	struct pollfd pf = {.fd = s->events, .events = POLLIN};
	uint64_t idle = read_idle_ms();
	int left;

	while ((left = hull_ms_left(deadline)) > 0) {
		if (poll(&pf, 1, MIN(left, LOOK_MS)) > 0)
			return true;
		if (read_idle_ms() >= idle + QUIET_MS)
			return false;
	}
	return false;
}

static bool settle(struct search *s)
{
	uint64_t deadline = hull_deadline_ms(SETTLE_MS);

	for (;;) {
		load_missing(s);
		take_events(s);
		if (is_settled(s))
			return true;
		if (!wait_event(s, deadline))
			return false;
	}
}

/* Without modules there may still be drivers: in the kernel. */
static int work(void *arg, struct hull_strbuf *out, struct hull_error **err)
{
	struct search *s = arg;
	int r;

	s->events = hull_uevent_open();
	if (s->events < 0)
		return hull_fail_errno(err, -s->events, "listen for the kernel's events");
	s->added = count_disks();
	r = hull_modprobe_open(&s->modules);
	if (!settle(s)) {
		(void)hull_fail(err, HULL_E_TIMEOUT, "of %zu disks %zu are there", s->want,
				count_disks());
		return r < 0 ? hull_prefix(err, "no modules (%s)", hull_strerror(-r)) : -1;
	}
	(void)hull_strbuf_addf(out, "%llu", (unsigned long long)s->count);
	return 0;
}

/* ---- in the agent ---- */

struct run {
	struct hull_coldplug *owner;
	void (*done)(void *ctx);
	void *ctx;
};

static int start(struct hull_coldplug *c, size_t disks, void (*done)(void *ctx), void *ctx,
		 struct hull_error **err);

static void look_again(struct hull_coldplug *c)
{
	cleanup_error struct hull_error *err = NULL;

	if (!c->running && c->last > c->seen && start(c, 0, NULL, NULL, &err) < 0)
		hull_warn("coldplug", "%s, ignoring", hull_error_message(err));
}

static void on_done(void *ctx, const char *out, size_t len, const struct hull_error *err)
{
	struct run *run = ctx;
	struct hull_coldplug *c = run->owner;
	char text[24] = "";
	uint64_t count = 0;

	if (len && len < sizeof(text)) {
		memcpy(text, out, len);
		(void)hull_parse_u64(text, UINT64_MAX, &count);
	}
	if (err) { /* what it missed then is not looked for again */
		hull_warn("coldplug", "%s, going on", hull_error_message(err));
		count = c->last;
	}
	c->seen = MAX(c->seen, count);
	c->running--;
	if (run->done)
		run->done(run->ctx);
	free(run);
	look_again(c);
}

static int start(struct hull_coldplug *c, size_t disks, void (*done)(void *ctx), void *ctx,
		 struct hull_error **err)
{
	struct search s = {.want = disks};
	struct run *run = calloc(1, sizeof(*run));

	if (!run)
		return hull_fail_nomem(err);
	*run = (struct run){c, done, ctx};
	if (hull_worker_start(c->agent, work, &s, on_done, run, err) < 0) {
		free(run);
		return hull_prefix(err, "load drivers");
	}
	c->running++;
	return 0;
}

static void on_event(void *ctx, const struct hull_uevent *event)
{
	struct hull_coldplug *c = ctx;
	bool ours = false;
	uint64_t number;

	if (!c->on)
		return;
	if (!event) {
		c->last = read_count();
		look_again(c);
		return;
	}
	if (!*event->modalias || strcmp(event->action, "add"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(buses); i++)
		ours |= !strcmp(event->subsystem, buses[i]);
	if (!ours || hull_parse_u64(event->number, UINT64_MAX, &number) < 0)
		return;
	c->last = MAX(c->last, number);
	look_again(c);
}

int hull_coldplug_new(struct hull_agent *a, struct hull_coldplug **ret, struct hull_error **err)
{
	struct hull_coldplug *c = calloc(1, sizeof(*c));

	if (!c)
		return hull_fail_nomem(err);
	c->agent = a;
	hull_uevents_watch(a->uevents, on_event, c);
	*ret = c;
	return 0;
}

int hull_coldplug_start(struct hull_coldplug *c, size_t disks, void (*done)(void *ctx), void *ctx,
			struct hull_error **err)
{
	c->on = true;
	return start(c, disks, done, ctx, err);
}
