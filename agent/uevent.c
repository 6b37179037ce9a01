/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading NETLINK_KOBJECT_UEVENT.  What programs of the guest send to the same group is not
 * listened to.
 */
#define _GNU_SOURCE
#include "agent/uevent.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <assert.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WATCHERS_MAX 4
#define EVENTS_MAX 256 /* then others get their turn */

struct hull_uevents {
	int fd; /* owned */
	struct hull_source *source;
	struct {
		hull_uevent_fn fn;
		void *ctx;
	} watchers[WATCHERS_MAX];
	size_t n;
};

/* A list of strings, the first of which is none of the pairs. */
void hull_uevent_parse(const char *message, const char *end, struct hull_uevent *ret)
{
	const struct {
		const char *key;
		const char **value;
	} keys[] = {
		{"ACTION=", &ret->action},     {"SUBSYSTEM=", &ret->subsystem},
		{"MODALIAS=", &ret->modalias}, {"DEVNAME=", &ret->device},
		{"DEVTYPE=", &ret->type},      {"SEQNUM=", &ret->number},
	};

	*ret = (struct hull_uevent){"", "", "", "", "", ""};
	for (const char *p = message; p < end; p += strlen(p) + 1)
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			size_t n = strlen(keys[i].key);

			if (!strncmp(p, keys[i].key, n))
				*keys[i].value = p + n;
		}
}

int hull_uevent_open(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1};
	cleanup_close int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				      NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return steal_fd(&fd);
}

int hull_uevent_receive(int fd, char buf[HULL_UEVENT_MAX], struct hull_uevent *ret)
{
	struct sockaddr_nl from = {0};
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(fd, buf, HULL_UEVENT_MAX - 1, MSG_DONTWAIT, (struct sockaddr *)&from,
			     &len);

	if (n < 0)
		return errno == ENOBUFS ? -ENOBUFS : 0;
	buf[n] = '\0';
	hull_uevent_parse(buf, from.nl_pid ? buf : buf + n, ret);
	return 1;
}

static void tell(const struct hull_uevents *u, const struct hull_uevent *event)
{
	for (size_t i = 0; i < u->n; i++)
		u->watchers[i].fn(u->watchers[i].ctx, event);
}

static void on_message(void *ctx, uint32_t events)
{
	struct hull_uevents *u = ctx;
	struct hull_uevent event;
	char buf[HULL_UEVENT_MAX];
	int r;

	for (int i = 0; i < EVENTS_MAX && (r = hull_uevent_receive(u->fd, buf, &event)); i++)
		tell(u, r < 0 ? NULL : &event);
}

int hull_uevents_new(struct hull_loop *loop, struct hull_uevents **ret_uevents,
		     struct hull_error **err)
{
	struct hull_uevents *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return hull_fail_nomem(err);
	u->fd = hull_uevent_open();
	r = u->fd < 0 ? u->fd : hull_loop_add_fd(loop, u->fd, EPOLLIN, on_message, u, &u->source);
	if (r < 0) {
		hull_closep(&u->fd);
		free(u);
		return hull_fail_errno(err, -r, "listen for the kernel's events");
	}
	*ret_uevents = u;
	return 0;
}

void hull_uevents_watch(struct hull_uevents *u, hull_uevent_fn fn, void *ctx)
{
	assert(u->n < WATCHERS_MAX);
	u->watchers[u->n].fn = fn;
	u->watchers[u->n++].ctx = ctx;
}
