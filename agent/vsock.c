/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening and the token.  vsock knows no owner: any process of the host can connect, and any of
 * the guest's.  A connection that has not told the token is one of a few, of which the oldest makes
 * room for the next; nothing is said to it.  With the token it becomes a channel of the link, in
 * place of an earlier one.
 */
#define _GNU_SOURCE
#include "agent/vsock.h"

#include "agent/agent.h"
#include "agent/modules.h"
#include "agent/port.h"
#include "base/cleanup.h"
#include "base/listen.h"
#include "base/loop.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "proto/link.h"

#include <sys/socket.h> /* first: vm_sockets.h takes its types for granted */

#include <linux/vm_sockets.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64
#define STRANGERS 32

struct listener {
	struct vsock *owner;
	unsigned int port;
	size_t channel; /* of the link: 0 control, 1 bulk */
	struct hull_listener *connections;
};

struct stranger {
	struct vsock *owner;
	int fd; /* owned; -1: the place is free */
	size_t channel;
	struct hull_source *source;
	uint8_t said[HULL_LINK_TOKEN_LEN];
	size_t n_said;
};

struct vsock {
	struct hull_agent *agent;
	uint8_t token[HULL_LINK_TOKEN_LEN];
	struct listener listeners[2];
	struct stranger strangers[STRANGERS];
	size_t next; /* the oldest */
};

static void dismiss(struct stranger *s)
{
	hull_source_remove(&s->source);
	hull_closep(&s->fd);
}

/* In the same time wherever they differ. */
static bool knows_token(const struct stranger *s)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < sizeof(s->said); i++)
		differ |= s->said[i] ^ s->owner->token[i];
	return !differ;
}

static void on_stranger(void *ctx, uint32_t events)
{
	struct stranger *s = ctx;
	ssize_t n = read(s->fd, s->said + s->n_said, sizeof(s->said) - s->n_said);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		dismiss(s);
		return;
	}
	s->n_said += (size_t)n;
	if (s->n_said < sizeof(s->said))
		return;
	if (knows_token(s)) {
		hull_source_remove(&s->source);
		hull_ports_attach(s->owner->agent->ports, s->channel, steal_fd(&s->fd));
	}
	dismiss(s);
}

static void on_accepted(void *ctx, int fd)
{
	struct listener *l = ctx;
	struct vsock *v = l->owner;
	struct stranger *s = &v->strangers[v->next];
	struct sockaddr_vm addr = {0};
	socklen_t len = sizeof(addr);

	if (getpeername(fd, (struct sockaddr *)&addr, &len) < 0 ||
	    addr.svm_cid != VMADDR_CID_HOST) {
		close(fd);
		return;
	}
	v->next = (v->next + 1) % STRANGERS;
	dismiss(s);
	*s = (struct stranger){.owner = v, .fd = fd, .channel = l->channel};
	if (hull_loop_add_fd(v->agent->loop, fd, EPOLLIN, on_stranger, s, &s->source) < 0)
		dismiss(s);
}

static int listen_on(struct listener *l)
{
	const struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_ANY,
		.svm_port = l->port,
	};
	cleanup_close int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	return hull_listener_new(l->owner->agent->loop, steal_fd(&fd), on_accepted, l,
				 &l->connections);
}

/* 1, or 0 if there is none.  Nobody else finds it afterwards. */
static int take_token(uint8_t token[HULL_LINK_TOKEN_LEN])
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	int r = hull_file_read(HULL_LINK_TOKEN_FILE, HULL_LINK_TOKEN_LEN, &text);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || text.len != HULL_LINK_TOKEN_LEN)
		return r < 0 ? r : -EINVAL;
	memcpy(token, text.data, HULL_LINK_TOKEN_LEN);
	return unlink(HULL_LINK_TOKEN_FILE) < 0 ? -errno : 1;
}

int hull_vsock_open(struct hull_agent *a, struct hull_error **err)
{
	static const unsigned int ports[] = {HULL_LINK_PORT_CONTROL, HULL_LINK_PORT_BULK};
	uint8_t token[HULL_LINK_TOKEN_LEN];
	struct vsock *v;
	int r = take_token(token);

	if (r < 0)
		return hull_fail_errno(err, -r, "read '%s'", HULL_LINK_TOKEN_FILE);
	if (!r)
		return 0;
	v = calloc(1, sizeof(*v)); /* never freed: it lives as long as the guest */
	if (!v)
		return hull_fail_nomem(err);
	v->agent = a;
	memcpy(v->token, token, sizeof(v->token));
	for (size_t i = 0; i < STRANGERS; i++)
		v->strangers[i].fd = -1;
	hull_modules_load(a->modules, "af_vsock");
	for (size_t i = 0; i < ARRAY_SIZE(v->listeners); i++) {
		v->listeners[i] = (struct listener){v, ports[i], i, NULL};
		r = listen_on(&v->listeners[i]);
		if (r < 0)
			return hull_fail_errno(err, -r, "listen on vsock port %u", ports[i]);
	}
	hull_modules_load(a->modules, "vsock");
	return 1;
}
