/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket device of device.h.
 *
 * What the guest is owed is never a packet that waits, but a fact about a connection (it is to be
 * answered, it has new credit, a direction has ended) from which the packet is made when there is
 * room for it; so that a guest which takes nothing can't make us keep more than its connections.
 */
#define _GNU_SOURCE
#include "vsock/device.h"

#include "base/cleanup.h"
#include "vsock/fifo.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define BUCKETS 256
#define BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

enum state { DIALLING, ASKING, OPEN, RESET, GONE };

/* What a connection owes the guest. */
enum {
	OWE_RST = 1 << 0, /* before all else, and then nothing else */
	OWE_REQUEST = 1 << 1,
	OWE_RESPONSE = 1 << 2,
	OWE_CREDIT = 1 << 3,	  /* how much room there is */
	OWE_CREDIT_PLEA = 1 << 4, /* asks for the same */
};

struct hull_vsock_conn {
	LIST_ENTRY(hull_vsock_conn) bucket; /* all but GONE ones */
	TAILQ_ENTRY(hull_vsock_conn) turn;  /* while it has something for the guest */
	LIST_ENTRY(hull_vsock_conn) all;
	uint32_t host_port, guest_port;
	enum state state;
	void *host;
	bool host_there; /* ops may be called */
	bool in_turn, readable;
	bool made_by_guest;
	bool host_full; /* ops.write took nothing the last time */
	bool host_deaf; /* the host takes no more */
	bool plea_sent; /* and not answered */
	bool leaving;	/* the guest has been told that it is over, both ways, and has not answered:
			 */
	bool overdue;	/* for long */
	unsigned int owed;
	uint32_t guest_ended;		/* directions, as in SHUTDOWN packets: what it said, */
	uint32_t our_ended, ended_sent; /* what is to be said and has been */
	/* To the guest. */
	uint32_t sent, guest_room, guest_taken;
	/* To the host. */
	uint32_t taken, taken_told;
	struct hull_fifo fifo;
};

LIST_HEAD(bucket, hull_vsock_conn);
TAILQ_HEAD(turns, hull_vsock_conn);

struct reply {
	uint64_t src_cid;
	uint32_t src_port, dst_port;
	uint16_t type;
};

struct hull_vsock {
	uint64_t cid;
	const struct hull_vsock_ops *ops;
	void *ctx;
	struct bucket buckets[BUCKETS], all;
	struct turns turns;
	size_t n_conns, n_by_guest, n_leaving;
	size_t room; /* of those that have more than the least */
	uint32_t next_port;
	struct reply replies[HULL_VSOCK_REPLIES_MAX]; /* RSTs for no connection of ours */
	size_t first_reply, n_replies;
};

/* ---- connections ---- */

static struct bucket *bucket_of(struct hull_vsock *v, uint32_t host_port, uint32_t guest_port)
{
	return &v->buckets[((guest_port ^ host_port * 31) * UINT32_C(2654435761)) >> 24];
}

static struct hull_vsock_conn *find(struct hull_vsock *v, uint32_t host_port, uint32_t guest_port)
{
	struct hull_vsock_conn *c;

	LIST_FOREACH(c, bucket_of(v, host_port, guest_port), bucket)
	if (c->host_port == host_port && c->guest_port == guest_port)
		return c;
	return NULL;
}

/* Half of what there is to have goes to those that have most. */
static uint32_t choose_room(const struct hull_vsock *v)
{
	if (v->room + HULL_VSOCK_ROOM <= HULL_VSOCK_ROOM_ALL / 2)
		return HULL_VSOCK_ROOM;
	return v->room + HULL_VSOCK_ROOM_LESS <= HULL_VSOCK_ROOM_ALL ? HULL_VSOCK_ROOM_LESS
								     : HULL_VSOCK_ROOM_LEAST;
}

static size_t room_above_least(const struct hull_vsock_conn *c)
{
	return c->fifo.size > HULL_VSOCK_ROOM_LEAST ? c->fifo.size : 0;
}

static struct hull_vsock_conn *add(struct hull_vsock *v, uint32_t host_port, uint32_t guest_port,
				   bool by_guest)
{
	struct hull_vsock_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->host_port = host_port;
	c->guest_port = guest_port;
	c->made_by_guest = by_guest;
	c->host_there = true;
	hull_fifo_init(&c->fifo, choose_room(v));
	v->room += room_above_least(c);
	LIST_INSERT_HEAD(bucket_of(v, host_port, guest_port), c, bucket);
	LIST_INSERT_HEAD(&v->all, c, all);
	v->n_conns++;
	v->n_by_guest += by_guest;
	return c;
}

static uint32_t credit(const struct hull_vsock_conn *c)
{
	uint32_t on_its_way = c->sent - c->guest_taken;

	return on_its_way < c->guest_room ? c->guest_room - on_its_way : 0;
}

static bool may_send(const struct hull_vsock_conn *c)
{
	return c->state == OPEN && c->readable && c->host_there &&
	       !(c->guest_ended & VIRTIO_VSOCK_SHUTDOWN_RCV) && credit(c);
}

/* Whether a SHUTDOWN is due.  That for what the host sends comes when all of that has been sent,
 * which it has once its end has been read. */
static bool owes_shutdown(const struct hull_vsock_conn *c)
{
	return c->state == OPEN && c->our_ended & ~c->ended_sent;
}

static void update_turn(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	bool due = c->owed || owes_shutdown(c) || may_send(c);

	if (due == c->in_turn)
		return;
	c->in_turn = due;
	if (due)
		TAILQ_INSERT_TAIL(&v->turns, c, turn);
	else
		TAILQ_REMOVE(&v->turns, c, turn);
}

static void owe(struct hull_vsock *v, struct hull_vsock_conn *c, unsigned int what)
{
	c->owed |= what;
	update_turn(v, c);
}

static void free_if_done(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	if (c->state != GONE || c->host_there)
		return;
	assert(!c->in_turn);
	LIST_REMOVE(c, all);
	v->n_conns--;
	v->n_by_guest -= c->made_by_guest;
	v->room -= room_above_least(c);
	hull_fifo_fini(&c->fifo);
	free(c);
}

static void set_leaving(struct hull_vsock *v, struct hull_vsock_conn *c, bool leaving)
{
	v->n_leaving += leaving;
	v->n_leaving -= c->leaving;
	c->leaving = leaving;
}

/* The guest has done with it, or need not hear of it. */
static void leave_guest(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	if (c->state == GONE)
		return;
	c->state = GONE;
	set_leaving(v, c, false);
	c->owed = 0;
	update_turn(v, c);
	LIST_REMOVE(c, bucket);
}

/* The host is to forget it.  The caller calls free_if_done(). */
static void close_host(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	if (!c->host_there)
		return;
	c->host_there = false;
	hull_fifo_fini(&c->fifo);
	v->ops->close(v->ctx, c);
}

/* Tells the guest that it is over. */
static void reset_guest(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	if (c->state == GONE)
		return;
	if (c->owed & OWE_REQUEST) { /* it has never heard of it */
		leave_guest(v, c);
		return;
	}
	c->state = RESET;
	set_leaving(v, c, false);
	c->owed = OWE_RST;
	update_turn(v, c);
}

static void break_off(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	reset_guest(v, c);
	close_host(v, c);
	free_if_done(v, c);
}

/* What waits in the fifo goes to the host before it is closed. */
static void close_when_drained(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	if (!c->fifo.len)
		close_host(v, c);
	free_if_done(v, c);
}

/* ---- bytes for the host ---- */

static void account(struct hull_vsock *v, struct hull_vsock_conn *c, size_t len)
{
	/* Linux lets no more be on the way than it has room for itself, whatever it is offered. */
	const uint32_t window = MIN((uint32_t)c->fifo.size, c->guest_room);

	c->taken += (uint32_t)len;
	/* The guest hears of it with every packet; one of its own pays when much is free again. */
	if (len && c->state == OPEN && !(c->guest_ended & VIRTIO_VSOCK_SHUTDOWN_SEND) &&
	    c->taken - c->taken_told >= window / 2)
		owe(v, c, OWE_CREDIT);
}

/* The host takes no more: what the guest goes on to send is dropped. */
static void go_deaf(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	c->host_deaf = true;
	account(v, c, c->fifo.len);
	hull_fifo_fini(&c->fifo);
	c->our_ended |= VIRTIO_VSOCK_SHUTDOWN_RCV;
	update_turn(v, c);
}

/* How many of the bytes the host took. */
static size_t write_host(struct hull_vsock *v, struct hull_vsock_conn *c, const struct iovec *iov,
			 size_t n)
{
	ssize_t r;

	if (c->host_full || c->host_deaf || !n)
		return 0;
	r = v->ops->write(v->ctx, c, iov, n);
	if (r < 0)
		go_deaf(v, c);
	else if (r == 0)
		c->host_full = true;
	return r > 0 ? (size_t)r : 0;
}

static void flush(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	struct iovec pieces[2];

	while (c->fifo.len && !c->host_full) {
		size_t done = write_host(v, c, pieces, hull_fifo_pieces(&c->fifo, pieces));

		if (c->host_deaf)
			return;
		hull_fifo_drop(&c->fifo, done);
		account(v, c, done);
	}
}

/* The end of what the guest sends, once all of it is with the host. */
static void pass_end_on(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	if (c->guest_ended & VIRTIO_VSOCK_SHUTDOWN_SEND && !c->fifo.len && !c->host_deaf &&
	    c->host_there && c->state == OPEN)
		v->ops->shutdown(v->ctx, c, SHUT_WR);
}

void hull_vsock_writable(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	bool waiting = c->fifo.len;

	c->host_full = false;
	flush(v, c);
	if (!waiting || c->fifo.len)
		return;
	if (c->state == GONE || c->state == RESET)
		close_when_drained(v, c);
	else
		pass_end_on(v, c);
}

/* ---- packets of the guest ---- */

struct packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len, flags, room, taken;
	uint16_t type, op;
};

static struct packet decode(const struct virtio_vsock_hdr *h)
{
	return (struct packet){
		.src_cid = le64toh(h->src_cid),
		.dst_cid = le64toh(h->dst_cid),
		.src_port = le32toh(h->src_port),
		.dst_port = le32toh(h->dst_port),
		.len = le32toh(h->len),
		.flags = le32toh(h->flags),
		.room = le32toh(h->buf_alloc),
		.taken = le32toh(h->fwd_cnt),
		.type = le16toh(h->type),
		.op = le16toh(h->op),
	};
}

bool hull_vsock_may_take(const struct hull_vsock *v)
{
	return v->n_replies < HULL_VSOCK_REPLIES_MAX;
}

/* An RST from whatever the packet was for.  A reset is never answered. */
static void refuse(struct hull_vsock *v, const struct packet *p)
{
	size_t at = (v->first_reply + v->n_replies) % HULL_VSOCK_REPLIES_MAX;

	if (p->op == VIRTIO_VSOCK_OP_RST || !hull_vsock_may_take(v))
		return;
	v->replies[at] = (struct reply){p->dst_cid, p->dst_port, p->src_port, p->type};
	v->n_replies++;
}

static void on_request(struct hull_vsock *v, const struct packet *p)
{
	struct hull_vsock_conn *c = NULL;

	if (v->n_by_guest < HULL_VSOCK_CONNS_MAX - HULL_VSOCK_CONNS_KEPT &&
	    v->n_conns < HULL_VSOCK_CONNS_MAX)
		c = add(v, p->dst_port, p->src_port, true);
	if (!c) {
		refuse(v, p);
		return;
	}
	c->state = DIALLING;
	c->guest_room = p->room;
	c->guest_taken = p->taken;
	if (v->ops->dial(v->ctx, c, p->dst_port) < 0) {
		c->host_there = false;
		reset_guest(v, c);
	}
}

static size_t length(const struct iovec *iov, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

static void on_data(struct hull_vsock *v, struct hull_vsock_conn *c, const struct packet *p,
		    const struct iovec *iov, size_t n)
{
	size_t done = 0;

	/* More than it was given room for, less than it says, or after it said that it had done. */
	if (p->len > c->fifo.size - c->fifo.len || p->len != length(iov, n) ||
	    c->guest_ended & VIRTIO_VSOCK_SHUTDOWN_SEND) {
		break_off(v, c);
		return;
	}
	if (p->len && !c->fifo.len && c->host_there)
		done = write_host(v, c, iov, n);
	if (c->host_deaf || !c->host_there)
		done = p->len;
	account(v, c, done);
	if (done < p->len && hull_fifo_add(&c->fifo, iov, n, done) < 0) {
		break_off(v, c);
		return;
	}
	flush(v, c);
}

static void on_shutdown(struct hull_vsock *v, struct hull_vsock_conn *c, const struct packet *p)
{
	uint32_t new = p->flags &BOTH & ~c->guest_ended;

	c->guest_ended |= new;
	if (c->guest_ended == BOTH) {
		/* It waits for this answer before it forgets the connection. */
		reset_guest(v, c);
		close_when_drained(v, c);
		return;
	}
	update_turn(v, c);
	if (new &VIRTIO_VSOCK_SHUTDOWN_RCV && c->host_there)
		v->ops->shutdown(v->ctx, c, SHUT_RD);
	if (new &VIRTIO_VSOCK_SHUTDOWN_SEND)
		pass_end_on(v, c);
}

static void on_open(struct hull_vsock *v, struct hull_vsock_conn *c, const struct packet *p,
		    const struct iovec *iov, size_t n)
{
	switch (p->op) {
	case VIRTIO_VSOCK_OP_RW:
		on_data(v, c, p, iov, n);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		update_turn(v, c);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		owe(v, c, OWE_CREDIT);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		on_shutdown(v, c, p);
		break;
	default:
		break_off(v, c);
	}
}

/* The host's dial has been answered. */
static void on_answer(struct hull_vsock *v, struct hull_vsock_conn *c, const struct packet *p)
{
	if (p->op != VIRTIO_VSOCK_OP_RESPONSE) {
		break_off(v, c);
		return;
	}
	c->state = OPEN;
	update_turn(v, c);
	v->ops->accepted(v->ctx, c);
}

static void on_reset(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	leave_guest(v, c);
	/* What it had sent before is the host's. */
	close_when_drained(v, c);
}

static void on_packet(struct hull_vsock *v, struct hull_vsock_conn *c, const struct packet *p,
		      const struct iovec *iov, size_t n)
{
	if (c->state == RESET)
		return;
	if (p->op == VIRTIO_VSOCK_OP_RST) {
		on_reset(v, c);
		return;
	}
	c->guest_room = p->room;
	c->guest_taken = p->taken;
	if (credit(c) > c->guest_room / 2)
		c->plea_sent = false;
	update_turn(v, c);
	if (c->state == OPEN)
		on_open(v, c, p, iov, n);
	else if (c->state == ASKING)
		on_answer(v, c, p);
	else
		break_off(v, c); /* it gives up, or does not wait for our answer */
}

void hull_vsock_take(struct hull_vsock *v, const struct virtio_vsock_hdr *raw,
		     const struct iovec *iov, size_t n)
{
	const struct packet p = decode(raw);
	struct hull_vsock_conn *c;

	/* Not its own address: nobody could be told. */
	if (p.src_cid != v->cid)
		return;
	if (p.dst_cid != HULL_VSOCK_HOST_CID || p.type != VIRTIO_VSOCK_TYPE_STREAM) {
		refuse(v, &p);
		return;
	}
	c = find(v, p.dst_port, p.src_port);
	if (c)
		on_packet(v, c, &p, iov, n);
	else if (p.op == VIRTIO_VSOCK_OP_REQUEST)
		on_request(v, &p);
	else
		refuse(v, &p);
}

/* ---- packets for the guest ---- */

bool hull_vsock_has_next(const struct hull_vsock *v)
{
	return v->n_replies || !TAILQ_EMPTY(&v->turns);
}

static void encode(struct hull_vsock *v, struct hull_vsock_conn *c, uint16_t op, uint32_t flags,
		   uint32_t len, struct virtio_vsock_hdr *ret)
{
	*ret = (struct virtio_vsock_hdr){
		.src_cid = htole64(HULL_VSOCK_HOST_CID),
		.dst_cid = htole64(v->cid),
		.src_port = htole32(c->host_port),
		.dst_port = htole32(c->guest_port),
		.len = htole32(len),
		.type = htole16(VIRTIO_VSOCK_TYPE_STREAM),
		.op = htole16(op),
		.flags = htole32(flags),
		.buf_alloc = htole32((uint32_t)c->fifo.size),
		.fwd_cnt = htole32(c->taken),
	};
	c->taken_told = c->taken;
	c->owed &= ~(unsigned int)OWE_CREDIT;
}

static void next_reply(struct hull_vsock *v, struct virtio_vsock_hdr *ret)
{
	const struct reply *r = &v->replies[v->first_reply];

	*ret = (struct virtio_vsock_hdr){
		.src_cid = htole64(r->src_cid),
		.dst_cid = htole64(v->cid),
		.src_port = htole32(r->src_port),
		.dst_port = htole32(r->dst_port),
		.type = htole16(r->type),
		.op = htole16(VIRTIO_VSOCK_OP_RST),
	};
	v->first_reply = (v->first_reply + 1) % HULL_VSOCK_REPLIES_MAX;
	v->n_replies--;
}

/* What is owed first, as a packet; false if only bytes are due. */
static bool next_owed(struct hull_vsock *v, struct hull_vsock_conn *c, struct virtio_vsock_hdr *ret)
{
	static const struct {
		unsigned int owed;
		uint16_t op;
	} ops[] = {
		{OWE_RST, VIRTIO_VSOCK_OP_RST},
		{OWE_REQUEST, VIRTIO_VSOCK_OP_REQUEST},
		{OWE_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE},
		{OWE_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE},
		{OWE_CREDIT_PLEA, VIRTIO_VSOCK_OP_CREDIT_REQUEST},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (!(c->owed & ops[i].owed))
			continue;
		c->owed &= ~ops[i].owed;
		encode(v, c, ops[i].op, 0, 0, ret);
		return true;
	}
	if (!owes_shutdown(c))
		return false;
	c->ended_sent = c->our_ended;
	set_leaving(v, c, c->ended_sent == BOTH);
	encode(v, c, VIRTIO_VSOCK_OP_SHUTDOWN, c->ended_sent, 0, ret);
	return true;
}

bool hull_vsock_next(struct hull_vsock *v, struct hull_vsock_out *ret_out)
{
	struct hull_vsock_conn *c = TAILQ_FIRST(&v->turns);

	if (v->n_replies) {
		next_reply(v, &ret_out->header);
		ret_out->c = NULL;
		return true;
	}
	if (!c)
		return false;
	TAILQ_REMOVE(&v->turns, c, turn);
	c->in_turn = false;
	ret_out->c = NULL;
	if (next_owed(v, c, &ret_out->header)) {
		if (c->state == RESET) {
			leave_guest(v, c);
			free_if_done(v, c);
			return true;
		}
	} else {
		assert(may_send(c));
		ret_out->c = c;
		ret_out->room = MIN(credit(c), HULL_VSOCK_TURN);
	}
	update_turn(v, c); /* at the end of the row */
	return true;
}

void hull_vsock_send(struct hull_vsock *v, struct hull_vsock_conn *c, uint32_t len,
		     struct virtio_vsock_hdr *ret_header)
{
	assert(c->state == OPEN && len <= credit(c));
	c->sent += len;
	encode(v, c, VIRTIO_VSOCK_OP_RW, 0, len, ret_header);
	/* A guest tells by itself that it has room again when there is hardly any left, or not at
	 * all: asked in time it need not wait for more. */
	if (credit(c) <= c->guest_room / 2 && !c->plea_sent) {
		c->plea_sent = true;
		c->owed |= OWE_CREDIT_PLEA;
	}
	update_turn(v, c);
}

bool hull_vsock_is_leaving(const struct hull_vsock *v)
{
	return v->n_leaving > 0;
}

/* virtio 1.2, 5.10.6.5: a peer that does not answer in time is disconnected by force. */
void hull_vsock_expire(struct hull_vsock *v)
{
	struct hull_vsock_conn *c, *next;

	for (c = LIST_FIRST(&v->all); c; c = next) {
		next = LIST_NEXT(c, all);
		if (c->leaving && c->overdue)
			break_off(v, c);
		else
			c->overdue = c->leaving;
	}
}

/* ---- the host's side ---- */

int hull_vsock_dial(struct hull_vsock *v, uint32_t port, void *host, struct hull_vsock_conn **ret_c)
{
	struct hull_vsock_conn *c;

	if (v->n_conns >= HULL_VSOCK_CONNS_MAX)
		return -EMFILE;
	do {
		v->next_port =
			v->next_port == UINT32_MAX - 1 ? HULL_VSOCK_FIRST_PORT : v->next_port + 1;
	} while (find(v, v->next_port, port));
	c = add(v, v->next_port, port, false);
	if (!c)
		return -ENOMEM;
	c->state = ASKING;
	c->host = host;
	owe(v, c, OWE_REQUEST);
	*ret_c = c;
	return 0;
}

void hull_vsock_dialled(struct hull_vsock *v, struct hull_vsock_conn *c, bool ok)
{
	if (!ok) {
		hull_vsock_reset(v, c);
		return;
	}
	c->state = OPEN;
	owe(v, c, OWE_RESPONSE);
}

void hull_vsock_readable(struct hull_vsock *v, struct hull_vsock_conn *c, bool yes)
{
	c->readable = yes;
	update_turn(v, c);
}

void hull_vsock_eof(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	c->readable = false;
	c->our_ended |= VIRTIO_VSOCK_SHUTDOWN_SEND;
	update_turn(v, c);
}

void hull_vsock_gone(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	c->host_there = false;
	go_deaf(v, c);
	hull_vsock_eof(v, c);
	if (c->state == DIALLING || c->state == ASKING)
		reset_guest(v, c);
	free_if_done(v, c);
}

void hull_vsock_reset(struct hull_vsock *v, struct hull_vsock_conn *c)
{
	c->host_there = false;
	hull_fifo_fini(&c->fifo);
	reset_guest(v, c);
	free_if_done(v, c);
}

/* ---- all of it ---- */

struct hull_vsock *hull_vsock_new(uint64_t guest_cid, const struct hull_vsock_ops *ops, void *ctx)
{
	struct hull_vsock *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->cid = guest_cid;
	v->ops = ops;
	v->ctx = ctx;
	v->next_port = HULL_VSOCK_FIRST_PORT - 1;
	TAILQ_INIT(&v->turns);
	return v;
}

void hull_vsock_forget(struct hull_vsock *v)
{
	struct hull_vsock_conn *c, *next;

	v->n_replies = 0;
	for (c = LIST_FIRST(&v->all); c; c = next) {
		next = LIST_NEXT(c, all);
		/* It has not been asked yet: the host may dial before there is a driver. */
		if (c->state == ASKING && c->owed & OWE_REQUEST)
			continue;
		leave_guest(v, c);
		close_when_drained(v, c);
	}
}

void hull_vsock_free(struct hull_vsock *v)
{
	struct hull_vsock_conn *c, *next;

	if (!v)
		return;
	for (c = LIST_FIRST(&v->all); c; c = next) {
		next = LIST_NEXT(c, all);
		leave_guest(v, c);
		close_host(v, c);
		free_if_done(v, c);
	}
	free(v);
}

void hull_vsock_set_host(struct hull_vsock_conn *c, void *host)
{
	c->host = host;
}

void *hull_vsock_host(const struct hull_vsock_conn *c)
{
	return c->host;
}

uint32_t hull_vsock_host_port(const struct hull_vsock_conn *c)
{
	return c->host_port;
}

bool hull_vsock_is_read(const struct hull_vsock_conn *c)
{
	return c->state == OPEN && !(c->guest_ended & VIRTIO_VSOCK_SHUTDOWN_RCV);
}

size_t hull_vsock_count(const struct hull_vsock *v)
{
	return v->n_conns;
}
