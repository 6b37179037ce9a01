/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls to an agent and their connections.  See hull/client.h for every function.
 */
#define _GNU_SOURCE
#include "lib/client.h"

#include "lib/options.h"

#include "base/os.h"
#include "monitor/link.h"
#include "monitor/rpc.h"
#include "proto/status.h"
#include "proto/ttrpc.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define CALL_MS 60000
#define QUEUE_MAX ((size_t)4 << 20)  /* of messages that nobody has received */
#define UNSENT_MAX ((size_t)1 << 20) /* that the guest has not taken */

/* ---- a connection ---- */

struct hull_lib_channel {
	struct hull_loop *loop;
	struct hull_rpc *rpc;
	bool lost;
};

static void channel_free(struct hull_lib_channel *ch)
{
	if (!ch)
		return;
	hull_rpc_free(ch->rpc);
	hull_loop_free(ch->loop);
	free(ch);
}

static void on_lost(void *ctx)
{
	struct hull_lib_channel *ch = ctx;

	ch->lost = true;
}

static struct hull_lib_channel *channel_new(const char *vsock, struct hull_error **err)
{
	struct hull_lib_channel *ch = calloc(1, sizeof(*ch));
	int fd;

	if (!ch) {
		hull_fail_nomem(err);
		return NULL;
	}
	fd = hull_unix_connect_now(vsock);
	if (fd < 0)
		hull_fail_cause(err, HULL_E_UNAVAILABLE, HULL_RPC_LOST,
				"connect to the guest's agent: %s", hull_strerror(-fd));
	if (fd < 0 || hull_loop_new(&ch->loop, err) < 0) {
		hull_closep(&fd);
		channel_free(ch);
		return NULL;
	}
	if (hull_rpc_new_guest(ch->loop, fd, HULL_PORT_AGENT, on_lost, ch, &ch->rpc, err) < 0) {
		channel_free(ch);
		return NULL;
	}
	return ch;
}

/* An idle one to which something has happened has ended. */
static bool is_stale(const struct hull_lib_channel *ch)
{
	struct pollfd p = {.fd = hull_loop_fd(ch->loop), .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

static struct hull_lib_channel *take(struct hull_client *client, struct hull_error **err)
{
	for (;;) {
		struct hull_lib_channel *ch = NULL;

		pthread_mutex_lock(&client->lock);
		if (client->n_idle)
			ch = client->idle[--client->n_idle];
		pthread_mutex_unlock(&client->lock);
		if (!ch)
			return channel_new(client->vsock, err);
		if (!is_stale(ch))
			return ch;
		channel_free(ch);
	}
}

static void give_back(struct hull_client *client, struct hull_lib_channel *ch)
{
	pthread_mutex_lock(&client->lock);
	if (!ch->lost && client->n_idle < HULL_LIB_CHANNELS_MAX)
		client->idle[client->n_idle++] = steal_ptr(&ch);
	pthread_mutex_unlock(&client->lock);
	channel_free(ch);
}

int hull_lib_client_init(struct hull_client *client, const char *vsock, struct hull_error **err)
{
	*client = (struct hull_client){.vsock = strdup(vsock)};
	pthread_mutex_init(&client->lock, NULL);
	return client->vsock ? 0 : hull_fail_nomem(err);
}

void hull_lib_client_disconnect(struct hull_client *client)
{
	struct hull_lib_channel *ch;

	if (!client->vsock)
		return;
	do {
		pthread_mutex_lock(&client->lock);
		ch = client->n_idle ? client->idle[--client->n_idle] : NULL;
		pthread_mutex_unlock(&client->lock);
		channel_free(ch);
	} while (ch);
}

void hull_lib_client_fini(struct hull_client *client)
{
	hull_lib_client_disconnect(client);
	if (!client->vsock)
		return;
	pthread_mutex_destroy(&client->lock);
	free(client->vsock);
}

/* ---- one call, with a message there and back or with streams of them ---- */

struct message {
	struct message *next;
	size_t len;
	char data[];
};

struct hull_client_stream {
	pthread_mutex_t lock; /* of all that follows, but while somebody waits */
	char *what;	      /* "Service/Method": for messages */
	struct hull_lib_patience patience;
	struct hull_lib_turns turns;
	struct hull_lib_channel *ch;
	struct hull_ttrpc_call *call; /* NULL: over */
	struct message *first, **last;
	size_t queued;
	struct hull_error *err; /* how it ended; NULL: well, or not yet */
	bool closed;		/* by us */
};

static void keep(struct hull_client_stream *s, const void *data, size_t len)
{
	struct message *m = malloc(sizeof(*m) + len);

	if (!m) {
		if (!s->err)
			hull_fail_nomem(&s->err);
		return;
	}
	m->next = NULL;
	m->len = len;
	if (len)
		memcpy(m->data, data, len);
	*s->last = m;
	s->last = &m->next;
	s->queued += len;
	hull_rpc_pause(s->ch->rpc, s->queued > QUEUE_MAX);
}

static void on_message(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len)
{
	keep(ctx, data, len);
}

static void on_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		    size_t len)
{
	struct hull_client_stream *s = ctx;

	s->call = NULL;
	if (status->code != HULL_RPC_OK && !s->err) {
		hull_fail_status(&s->err, status);
		hull_prefix(&s->err, "%s", s->what);
	} else if (payload) {
		keep(s, payload, len);
	}
}

static int metadata_of(const struct hull_call_options *o, struct hull_ttrpc_kv **ret,
		       struct hull_error **err)
{
	*ret = calloc(o->n_metadata + 1, sizeof(**ret));
	if (!*ret)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < o->n_metadata; i++) {
		if (!o->metadata[i].key || !o->metadata[i].value)
			return hull_fail(err, HULL_E_INVALID, "metadata[%zu] has no key or value",
					 i);
		(*ret)[i] = (struct hull_ttrpc_kv){o->metadata[i].key, o->metadata[i].value};
	}
	return 0;
}

static int send_request(struct hull_client_stream *s, struct hull_ttrpc_request *rq,
			const struct hull_call_options *o, struct hull_error **err)
{
	static const struct hull_ttrpc_call_cb cb = {.data = on_message, .done = on_done};
	cleanup_free struct hull_ttrpc_kv *metadata = NULL;

	if (metadata_of(o, &metadata, err) < 0)
		return -1;
	rq->deadline_ns = s->patience.deadline_ns;
	rq->now_ns = hull_now_ns();
	rq->metadata = metadata;
	rq->n_metadata = o->n_metadata;
	return hull_rpc_open(s->ch->rpc, rq, &cb, s, &s->call, err);
}

static int begin(struct hull_client *client, struct hull_ttrpc_request *rq,
		 const struct hull_call_options *options, uint64_t default_ms,
		 struct hull_client_stream **ret, struct hull_error **err)
{
	struct hull_client_stream *s = NULL;
	struct hull_call_options o;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	if (!rq->service || !rq->method || (!rq->payload && rq->len))
		return hull_fail(err, HULL_E_INVALID, "a call needs a service and a method");
	s = calloc(1, sizeof(*s));
	if (!s)
		return hull_fail_nomem(err);
	pthread_mutex_init(&s->lock, NULL);
	s->last = &s->first;
	s->patience.deadline_ns = hull_lib_deadline(o.timeout_ms, default_ms);
	s->patience.cancel = o.cancel;
	if (!rq->payload)
		rq->payload = "";
	if (asprintf(&s->what, "%s/%s", rq->service, rq->method) < 0) {
		s->what = NULL;
		hull_fail_nomem(err);
	} else {
		s->patience.what = s->what;
		s->ch = take(client, err);
	}
	if (s->ch)
		s->turns = (struct hull_lib_turns){.lock = &s->lock, .loop = s->ch->loop};
	if (!s->ch || send_request(s, rq, &o, err) < 0) {
		hull_client_stream_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

/* Something is done for it, by us or by another thread. */
static int turn(struct hull_client_stream *s, uint64_t deadline_ns, struct hull_error **err)
{
	struct hull_lib_patience p = s->patience;

	p.deadline_ns = deadline_ns;
	if (hull_lib_turn(&s->turns, &p, err) < 0)
		return -1;
	if (s->ch->lost && s->err && hull_error_code(s->err) == HULL_E_UNAVAILABLE &&
	    strcmp(hull_error_cause(s->err), HULL_RPC_LOST) != 0) {
		hull_error_free(steal_ptr(&s->err));
		hull_fail_cause(&s->err, HULL_E_UNAVAILABLE, HULL_RPC_LOST,
				"%s: the connection to the guest was lost", s->what);
	}
	return 0;
}

static struct message *pop(struct hull_client_stream *s)
{
	struct message *m = s->first;

	if (!m)
		return NULL;
	s->first = m->next;
	if (!s->first)
		s->last = &s->first;
	s->queued -= m->len;
	hull_rpc_pause(s->ch->rpc, s->queued > QUEUE_MAX);
	return m;
}

/* In its own memory, which the message's header is moved out of. */
static void hand_over(struct message *m, void **ret, size_t *ret_len)
{
	if (ret_len)
		*ret_len = m->len;
	if (ret) {
		memmove(m, m->data, m->len);
		*ret = m;
	} else {
		free(m);
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

int hull_client_receive(struct hull_client_stream *s, uint64_t timeout_ms, void **ret_message,
			size_t *ret_len, struct hull_error **err)
{
	uint64_t deadline = earlier(hull_lib_deadline(timeout_ms, 0), s->patience.deadline_ns);
	struct message *m;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->first && s->call && r == 0)
		r = turn(s, deadline, err);
	m = pop(s);
	if (!m && r == 0 && s->err)
		r = hull_fail_copy(err, s->err);
	pthread_mutex_unlock(&s->lock);
	if (!m)
		return r;
	if (r < 0 && err) /* it came just then */
		hull_error_free(steal_ptr(err));
	hand_over(m, ret_message, ret_len);
	return 1;
}

int hull_client_call(struct hull_client *client, const char *service, const char *method,
		     const void *request, size_t len, const struct hull_call_options *options,
		     void **ret_reply, size_t *ret_len, struct hull_error **err)
{
	struct hull_ttrpc_request rq = {
		.service = service, .method = method, .payload = request, .len = len};
	struct hull_client_stream *s;
	int r;

	if (begin(client, &rq, options, CALL_MS, &s, err) < 0)
		return -1;
	r = hull_client_receive(s, 0, ret_reply, ret_len, err);
	if (r == 0)
		r = hull_fail(err, HULL_E_CORRUPT, "%s: success without an answer", s->what);
	if (!s->call)
		give_back(client, steal_ptr(&s->ch));
	hull_client_stream_free(s);
	return r < 0 ? -1 : 0;
}

/* ---- streams ---- */

int hull_client_open(struct hull_client *client, const char *service, const char *method,
		     uint32_t flags, const void *request, size_t len,
		     const struct hull_call_options *options,
		     struct hull_client_stream **ret_stream, struct hull_error **err)
{
	struct hull_ttrpc_request rq = {
		.service = service,
		.method = method,
		.payload = request,
		.len = len,
		.client_streams = flags & HULL_CLIENT_SENDS,
		.server_streams = flags & HULL_CLIENT_RECEIVES,
	};

	if (flags & ~(uint32_t)(HULL_CLIENT_SENDS | HULL_CLIENT_RECEIVES))
		return hull_fail(err, HULL_E_INVALID, "flags %#x are not known", flags);
	return begin(client, &rq, options, 0, ret_stream, err);
}

static int fail_over(const struct hull_client_stream *s, struct hull_error **err)
{
	if (s->err)
		return hull_fail_copy(err, s->err);
	return hull_fail_cause(err, HULL_E_STATE, "closed", "%s: %s", s->what,
			       s->call ? "no more is to be sent" : "the call has ended");
}

static int send_now(struct hull_client_stream *s, const void *message, size_t len,
		    struct hull_error **err)
{
	int r = s->call && !s->closed ? hull_ttrpc_call_send(s->call, message, len) : -EPIPE;

	if (r == -EPIPE)
		return fail_over(s, err);
	return r < 0 ? hull_fail_errno(err, -r, "%s: send a message of %zu bytes", s->what, len)
		     : 0;
}

int hull_client_send(struct hull_client_stream *s, const void *message, size_t len,
		     struct hull_error **err)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	while (r == 0 && s->call && hull_rpc_queued(s->ch->rpc) > UNSENT_MAX)
		r = turn(s, s->patience.deadline_ns, err);
	if (r == 0)
		r = send_now(s, len ? message : "", len, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int hull_client_close_send(struct hull_client_stream *s, struct hull_error **err)
{
	int r = 0;

	pthread_mutex_lock(&s->lock);
	if (!s->call || s->closed || hull_ttrpc_half_close(s->call) < 0)
		r = fail_over(s, err);
	s->closed = true;
	pthread_mutex_unlock(&s->lock);
	return r;
}

void hull_client_stream_free(struct hull_client_stream *s)
{
	if (!s)
		return;
	if (s->call)
		hull_ttrpc_cancel(s->call);
	for (struct message *m = s->first, *next; m; m = next) {
		next = m->next;
		free(m);
	}
	channel_free(s->ch);
	hull_error_free(s->err);
	pthread_mutex_destroy(&s->lock);
	free(s->what);
	free(s);
}
