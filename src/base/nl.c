/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol of nl.h.  Layout: a message is a header of 16 bytes, the family's header, and
 * attributes (length, type, value), each padded to 4 bytes; lengths count headers, not padding.
 */
#define _GNU_SOURCE
#include "base/nl.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <assert.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* The kernel cuts dumps to what a reader offers; 16 KiB holds any single message. */
#define RECEIVE_MAX 16384
/* Everything is answered at once: a guard against a kernel that doesn't. */
#define ANSWER_TIMEOUT_S 5

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static_assert(sizeof(struct nlmsghdr) == NLMSG_HDRLEN, "headers need no padding");
static_assert(sizeof(struct nlattr) == NLA_HDRLEN, "headers need no padding");

/* ---- building ---- */

static void append(struct hull_nl_msg *m, const void *data, size_t len)
{
	size_t padded = NLMSG_ALIGN(len);

	if (m->failed || len > HULL_NL_MSG_MAX || padded > HULL_NL_MSG_MAX - m->len) {
		m->failed = true;
		return;
	}
	memset(m->buf + m->len, 0, padded);
	if (len)
		memcpy(m->buf + m->len, data, len);
	m->len += padded;
}

void hull_nl_start(struct hull_nl_msg *m, uint16_t type, uint16_t flags, const void *header,
		   size_t len)
{
	struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST};

	m->len = 0;
	m->failed = false;
	append(m, &h, sizeof(h));
	append(m, header, len);
}

void hull_nl_put_header(struct hull_nl_msg *m, const void *header, size_t len)
{
	append(m, header, len);
}

void hull_nl_put(struct hull_nl_msg *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = {.nla_type = type, .nla_len = (uint16_t)(sizeof(a) + len)};

	if (len > HULL_NL_MSG_MAX) {
		m->failed = true;
		return;
	}
	append(m, &a, sizeof(a));
	append(m, data, len);
}

void hull_nl_put_u32(struct hull_nl_msg *m, uint16_t type, uint32_t v)
{
	hull_nl_put(m, type, &v, sizeof(v));
}

void hull_nl_put_string(struct hull_nl_msg *m, uint16_t type, const char *s)
{
	hull_nl_put(m, type, s, strlen(s) + 1);
}

size_t hull_nl_nest(struct hull_nl_msg *m, uint16_t type)
{
	size_t at = m->len;

	hull_nl_put(m, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void hull_nl_end(struct hull_nl_msg *m, size_t nest)
{
	uint16_t len = (uint16_t)(m->len - nest);

	if (!m->failed)
		memcpy(m->buf + nest + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

/* ---- taking apart ---- */

/* The last piece may come without its padding. */
static void skip(struct hull_nl_rest *rest, size_t len)
{
	size_t padded = MIN(NLMSG_ALIGN(len), rest->n);

	rest->p += padded;
	rest->n -= padded;
}

int hull_nl_take(struct hull_nl_rest *rest, void *ret, size_t len)
{
	if (rest->n < len)
		return -EBADMSG;
	memcpy(ret, rest->p, len);
	skip(rest, len);
	return 0;
}

int hull_nl_take_msg(struct hull_nl_rest *rest, struct hull_nl_in *ret)
{
	struct nlmsghdr h;

	if (!rest->n)
		return 0;
	if (rest->n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, rest->p, sizeof(h));
	if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > rest->n)
		return -EBADMSG;
	*ret = (struct hull_nl_in){
		.type = h.nlmsg_type,
		.flags = h.nlmsg_flags,
		.seq = h.nlmsg_seq,
		.payload = {rest->p + sizeof(h), h.nlmsg_len - sizeof(h)},
	};
	skip(rest, h.nlmsg_len);
	return 1;
}

int hull_nl_take_attr(struct hull_nl_rest *rest, struct hull_nl_attr *ret)
{
	struct nlattr a;

	if (!rest->n)
		return 0;
	if (rest->n < sizeof(a))
		return -EBADMSG;
	memcpy(&a, rest->p, sizeof(a));
	if (a.nla_len < sizeof(a) || a.nla_len > rest->n)
		return -EBADMSG;
	ret->type = a.nla_type & NLA_TYPE_MASK;
	ret->value = (struct hull_nl_rest){rest->p + sizeof(a), a.nla_len - sizeof(a)};
	skip(rest, a.nla_len);
	return 1;
}

/* For messages: printable, at most what fits. */
static void copy_text(struct hull_nl_rest value, char *text)
{
	size_t n = 0;

	for (; n < value.n && n < HULL_NL_TEXT_MAX - 1 && value.p[n]; n++)
		text[n] = value.p[n] >= ' ' && value.p[n] < 0x7f ? (char)value.p[n] : '?';
	text[n] = '\0';
}

/* The answer's end: 0 or -errno, and in the flags whether attributes say more.  An error repeats
 * the request it is about, all of it or (CAPPED) its header. */
static int read_end(const struct hull_nl_in *in, char *text)
{
	struct hull_nl_rest rest = in->payload;
	struct hull_nl_attr a;
	struct nlmsghdr request;
	int32_t error;

	if (hull_nl_take(&rest, &error, sizeof(error)) < 0 || error > 0 || error == INT32_MIN)
		return -EBADMSG;
	if (in->type == NLMSG_ERROR) {
		if (hull_nl_take(&rest, &request, sizeof(request)) < 0)
			return -EBADMSG;
		if (!(in->flags & NLM_F_CAPPED)) {
			if (request.nlmsg_len < sizeof(request) ||
			    request.nlmsg_len - sizeof(request) > rest.n)
				return -EBADMSG;
			skip(&rest, request.nlmsg_len - sizeof(request));
		}
	}
	while (in->flags & NLM_F_ACK_TLVS && hull_nl_take_attr(&rest, &a) == 1)
		if (error && a.type == NLMSGERR_ATTR_MSG)
			copy_text(a.value, text);
	return error;
}

int hull_nl_read(const void *data, size_t len, uint32_t seq, hull_nl_fn fn, void *ctx, char *text)
{
	struct hull_nl_rest rest = {data, len};
	struct hull_nl_in in;
	int r;

	while ((r = hull_nl_take_msg(&rest, &in)) == 1) {
		if (in.seq != seq || in.type == NLMSG_NOOP)
			continue;
		if (in.flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (in.type == NLMSG_ERROR || in.type == NLMSG_DONE) {
			r = read_end(&in, text);
			return r < 0 ? r : 1;
		}
		if (in.type < NLMSG_MIN_TYPE)
			return -EBADMSG;
		r = fn ? fn(ctx, &in) : 0;
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- talking ---- */

static int open_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

int hull_nl_open(struct hull_nl *nl, struct hull_error **err)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	const int on = 1;
	int fd = open_socket();

	if (fd < 0)
		return hull_fail_errno(err, -fd, "open a netlink socket");
	/* Comforts that an old kernel may lack. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	*nl = (struct hull_nl){.fd = fd};
	return 0;
}

void hull_nl_close(struct hull_nl *nl)
{
	hull_closep(&nl->fd);
}

/* One datagram of the kernel's: its length, or -errno. */
static int receive(int fd, void *buf, size_t size)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len;
	ssize_t n;

	do {
		from_len = sizeof(from);
		n = recvfrom(fd, buf, size, MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)n > size ? -EMSGSIZE : (int)n;
}

int hull_nl_call(struct hull_nl *nl, struct hull_nl_msg *m, hull_nl_fn fn, void *ctx)
{
	_Alignas(8) uint8_t buf[RECEIVE_MAX];
	struct nlmsghdr h;
	int r;

	nl->text[0] = '\0';
	if (m->failed)
		return -EMSGSIZE;
	memcpy(&h, m->buf, sizeof(h));
	h.nlmsg_len = (uint32_t)m->len;
	h.nlmsg_seq = ++nl->seq;
	if ((h.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		h.nlmsg_flags |= NLM_F_ACK;
	memcpy(m->buf, &h, sizeof(h));
	if (send(nl->fd, m->buf, m->len, 0) < 0)
		return -errno;
	do {
		r = receive(nl->fd, buf, sizeof(buf));
		if (r >= 0)
			r = hull_nl_read(buf, (size_t)r, nl->seq, fn, ctx, nl->text);
	} while (r == 0);
	return r < 0 ? r : 0;
}

int hull_nl_fail(const struct hull_nl *nl, int r, struct hull_error **err, const char *fmt, ...)
{
	cleanup_free char *what = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&what, fmt, ap);
	va_end(ap);
	if (n < 0) {
		what = NULL;
		return hull_fail_nomem(err);
	}
	if (!nl->text[0])
		return hull_fail_errno(err, -r, "%s", what);
	return hull_fail(err, hull_code_from_errno(-r), "%s: %s (%s)", what, hull_strerror(-r),
			 nl->text);
}

int hull_nl_listen(unsigned int group)
{
	const struct sockaddr_nl self = {.nl_family = AF_NETLINK};
	cleanup_close int fd = open_socket();

	if (fd < 0)
		return steal_fd(&fd);
	/* Unbound it has the kernel's port, and nobody is told of what he did himself. */
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return steal_fd(&fd);
}

int hull_nl_wait(int fd, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char buf[1];
	int n;

	do
		n = poll(&p, 1, hull_ms_left(deadline_ns));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* What has changed is of no interest, nor are changes that were lost (ENOBUFS). */
	while (n && (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0 || errno == ENOBUFS))
		;
	return n ? 0 : -ETIMEDOUT;
}
