/* SPDX-License-Identifier: Apache-2.0
 *
 * Virtio's ports are found by the name in sysfs, announced by the kernel's uevents (the name comes
 * later than the device, with an event of its own), opened once and kept.
 *
 * Edge-triggered, since level-triggered readiness spins while the host is away.  The driver's
 * states: read gives bytes; EAGAIN: host there, nothing to read; 0: host away.  A host that goes
 * and comes back at once may not be seen as away at all: the link's hello is what separates them.
 *
 * The driver is told of closes by another queue than of data.  When it says that the host is away,
 * the host may be back already and its hello have been read: only if it stays away is the session
 * over.
 *
 * A read returns at most a page, so many are gathered before the link gets them.  Work per round
 * is bounded on each port, the control port goes first: a bulk stream can't delay a call by more
 * than a turn.
 */
#define _GNU_SOURCE
#include "agent/port.h"

#include "agent/agent.h"
#include "agent/channel.h"
#include "agent/uevent.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "proto/link.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PORTS_DIR "/sys/class/virtio-ports"
#define READ_LEN ((size_t)64 << 10)
#define TURN_LEN ((size_t)128 << 10)
/* "Away" is believed when it is said again so much later, so many times.  What the driver has not
 * been told when it hands out data it is told a turn of its work queue later; more than once,
 * because such a turn may fall into a pause of the whole machine. */
#define AWAY_MS 30
#define AWAY_TIMES 3
/* The driver cuts writes at this length. */
#define WRITE_LEN ((size_t)32 << 10)

static const char *const names[] = {"hull.ctl", "hull.bulk"};

struct port {
	struct hull_ports *owner;
	const char *name;
	char device[32]; /* vport0p1; "" while there is none, or it is a connection */
	bool connection; /* else one of virtio's */
	int fd;		 /* owned */
	struct hull_source *source;
	struct hull_source *away; /* timer */
	unsigned int away_left;	  /* how many times "away" has still to be said */
	struct hull_link *link;	  /* owned */
	bool pending;		  /* the link has output */
	bool blocked;		  /* the port takes none: wait for the edge */
	bool unread;		  /* stopped reading at the turn's end */
};

struct hull_ports {
	struct hull_agent *agent;
	struct port ports[ARRAY_SIZE(names)];
	char buf[READ_LEN];
};

/* ---- link ---- */

static void on_pending(void *ctx)
{
	((struct port *)ctx)->pending = true;
}

static bool on_accept(void *ctx, struct hull_yamux_stream *s)
{
	struct port *p = ctx;

	return hull_channels_accept(p->owner->agent->channels, s);
}

static void on_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	hull_channel_data(hull_yamux_user(s), data, len);
}

static void on_eof(void *ctx, struct hull_yamux_stream *s)
{
	hull_channel_eof(hull_yamux_user(s));
}

static void on_reset(void *ctx, struct hull_yamux_stream *s)
{
	hull_channel_reset(hull_yamux_user(s));
}

static void on_writable(void *ctx, struct hull_yamux_stream *s)
{
	hull_channel_writable(hull_yamux_user(s));
}

static void on_up(void *ctx, uint16_t peer_version)
{
	struct port *p = ctx;
	struct hull_agent *a = p->owner->agent;

	if (p != p->owner->ports) /* not the control port */
		return;
	if (!a->greeted)
		hull_agent_span(a, "ports", a->linked_ns, hull_now_ns());
	a->greeted = true;
}

static void on_down(void *ctx)
{
}

static const struct hull_link_ops link_ops = {
	.yamux =
		{
			.pending = on_pending,
			.accept = on_accept,
			.data = on_data,
			.eof = on_eof,
			.reset = on_reset,
			.writable = on_writable,
		},
	.up = on_up,
	.down = on_down,
};

/* ---- one port ---- */

/* @why NULL: a connection has ended, as connections may. */
static void close_port(struct port *p, const char *why)
{
	if (why)
		hull_warn("port", "%s (%s): %s, closing it", p->name,
			  p->connection ? "vsock" : p->device, why);
	hull_source_remove(&p->source);
	hull_source_remove(&p->away);
	hull_closep(&p->fd);
	hull_link_free(p->link);
	p->link = NULL;
	p->device[0] = '\0';
	p->pending = p->blocked = p->unread = false;
}

/* Up to a buffer full; false once there is nothing more to read now. */
static bool gather(struct port *p, size_t *ret_len, int *ret_errno)
{
	char *buf = p->owner->buf;
	size_t len = 0;
	ssize_t n = 0;

	while (len < READ_LEN) {
		n = read(p->fd, buf + len, READ_LEN - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	*ret_errno = n < 0 ? errno : 0;
	return n > 0 || (n < 0 && errno == EINTR);
}

static void expect_away(struct port *p, unsigned int times)
{
	p->away_left = times;
	hull_source_arm(p->away, hull_deadline_ms(AWAY_MS));
}

static void read_port(struct port *p)
{
	cleanup_error struct hull_error *err = NULL;
	size_t done = 0, len;
	bool more = true;
	int e = 0;

	while (more && done < TURN_LEN) {
		more = gather(p, &len, &e);
		done += len;
		if (len && hull_link_feed(p->link, p->owner->buf, len, &err) < 0) {
			close_port(p, hull_error_message(err));
			return;
		}
	}
	p->unread = more;
	if (more || e == EAGAIN)
		return;
	if (e || p->connection)
		close_port(p, p->connection ? NULL : hull_strerror(e));
	else
		expect_away(p, AWAY_TIMES);
}

static void on_away(void *ctx)
{
	struct port *p = ctx;
	struct pollfd pf = {.fd = p->fd};

	if (poll(&pf, 1, 0) < 0 || !(pf.revents & POLLHUP))
		return;
	if (p->away_left > 1)
		expect_away(p, p->away_left - 1);
	else
		hull_link_hangup(p->link);
}

static void write_port(struct port *p)
{
	size_t done = 0, len;

	while (p->pending && !p->blocked && done < TURN_LEN) {
		const void *data = hull_link_output(p->link, &len);
		ssize_t n;

		if (!data) {
			p->pending = false;
			return;
		}
		n = write(p->fd, data, MIN(len, WRITE_LEN));
		if (n > 0) {
			hull_link_sent(p->link, (size_t)n);
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			/* Full (0 as well: the driver's queue), or away: an edge ends it. */
			p->blocked = true;
		}
	}
}

static void on_port(void *ctx, uint32_t events)
{
	struct port *p = ctx;

	p->blocked = false;
	read_port(p);
}

static int start_port(struct port *p, const char *what, struct hull_error **err)
{
	struct hull_loop *loop = p->owner->agent->loop;
	int r;

	if (hull_link_guest_new(HULL_YAMUX_BUDGET, &link_ops, p, &p->link, err) < 0)
		return -1;
	r = hull_loop_add_timer(loop, on_away, p, &p->away);
	if (r == 0)
		r = hull_loop_add_fd(loop, p->fd, EPOLLIN | EPOLLOUT | EPOLLET, on_port, p,
				     &p->source);
	return r < 0 ? hull_fail_errno(err, -r, "watch '%s'", what) : 0;
}

static int open_port(struct port *p, const char *device, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;

	if (strlen(device) >= sizeof(p->device) || hull_strbuf_addf(&path, "/dev/%s", device) < 0)
		return hull_fail(err, HULL_E_INVALID, "port device name is too long");
	p->fd = open(hull_strbuf_str(&path), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p->fd < 0)
		return hull_fail_errno(err, errno, "open '%s'", hull_strbuf_str(&path));
	memcpy(p->device, device, strlen(device) + 1);
	p->connection = false;
	return start_port(p, hull_strbuf_str(&path), err);
}

void hull_ports_attach(struct hull_ports *ps, size_t channel, int fd)
{
	cleanup_error struct hull_error *err = NULL;
	struct port *p = &ps->ports[channel];

	if (p->fd >= 0)
		close_port(p, p->connection ? NULL : "another one takes its place");
	p->connection = true;
	p->fd = fd;
	if (start_port(p, p->name, &err) < 0)
		close_port(p, hull_error_message(err));
}

/* ---- finding them ---- */

static void try_device(struct hull_ports *ps, const char *device)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT, name = HULL_STRBUF_INIT;

	if (strchr(device, '/') || hull_strbuf_addf(&path, PORTS_DIR "/%s/name", device) < 0 ||
	    hull_file_read(hull_strbuf_str(&path), 4096, &name) < 0)
		return; /* not named yet: an event will tell */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_error struct hull_error *err = NULL;
		struct port *p = &ps->ports[i];
		size_t n = strlen(names[i]);

		if (p->fd >= 0 || strncmp(hull_strbuf_str(&name), names[i], n) ||
		    (name.data[n] != '\n' && name.data[n] != '\0'))
			continue;
		if (open_port(p, device, &err) < 0)
			close_port(p, hull_error_message(err));
	}
}

void hull_ports_scan(struct hull_ports *ps)
{
	struct dirent *e;
	DIR *d;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
		struct port *p = &ps->ports[i];

		if (p->fd >= 0 && !p->connection &&
		    !hull_strbuf_addf(&path, PORTS_DIR "/%s", p->device) &&
		    access(hull_strbuf_str(&path), F_OK) < 0)
			close_port(p, "unplugged");
	}
	d = opendir(PORTS_DIR);
	if (!d)
		return;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			try_device(ps, e->d_name);
	closedir(d);
}

/* A port's name comes with a change, after it was added. */
static void on_event(void *ctx, const struct hull_uevent *event)
{
	struct hull_ports *ps = ctx;

	if (!event)
		hull_ports_scan(ps); /* some were lost */
	else if (strcmp(event->subsystem, "virtio-ports"))
		return;
	else if (!strcmp(event->action, "change"))
		try_device(ps, event->device);
	else if (!strcmp(event->action, "remove"))
		hull_ports_scan(ps);
}

int hull_ports_new(struct hull_agent *a, struct hull_ports **ret_ports, struct hull_error **err)
{
	struct hull_ports *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return hull_fail_nomem(err);
	ps->agent = a;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ps->ports[i] = (struct port){.owner = ps, .name = names[i], .fd = -1};
	hull_uevents_watch(a->uevents, on_event, ps);
	*ret_ports = ps;
	return 0;
}

/* ---- turns ---- */

void hull_ports_turn(struct hull_ports *ps)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct port *p = &ps->ports[i];

		if (p->unread)
			read_port(p);
		if (p->fd >= 0)
			write_port(p);
	}
}

bool hull_ports_have_unsent(const struct hull_ports *ps)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (ps->ports[i].pending)
			return true;
	return false;
}

bool hull_ports_busy(const struct hull_ports *ps)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (ps->ports[i].unread || (ps->ports[i].pending && !ps->ports[i].blocked))
			return true;
	return false;
}
