/* SPDX-License-Identifier: Apache-2.0
 *
 * From ttrpc calls to methods and back.
 */
#include "agent/rpc.h"

#include "base/cleanup.h"
#include "proto/status.h"

#include <string.h>

struct hull_rpc_conn {
	struct hull_agent *agent;
	struct hull_ttrpc *ttrpc; /* owned */
	hull_ttrpc_output_fn output;
	void *ctx;
};

void hull_rpc_park(struct hull_rpc_ticket *t, struct hull_ttrpc_call *call,
		   void (*gone)(struct hull_rpc_ticket *t))
{
	t->call = call;
	t->gone = gone;
	hull_ttrpc_set_user(call, t);
}

static struct hull_ttrpc_call *unpark(struct hull_rpc_ticket *t)
{
	struct hull_ttrpc_call *call = t->call;

	t->call = NULL;
	if (call)
		hull_ttrpc_set_user(call, NULL);
	return call;
}

void hull_rpc_settle(struct hull_rpc_ticket *t, const ProtobufCMessage *reply)
{
	struct hull_ttrpc_call *call = unpark(t);

	if (call)
		hull_rpc_reply(call, reply);
}

void hull_rpc_settle_error(struct hull_rpc_ticket *t, const struct hull_error *err)
{
	struct hull_ttrpc_call *call = unpark(t);

	if (call)
		hull_ttrpc_fail_error(call, err);
}

void hull_rpc_reply(struct hull_ttrpc_call *call, const ProtobufCMessage *reply)
{
	uint8_t small[512];
	cleanup_free uint8_t *big = NULL;
	size_t len = protobuf_c_message_get_packed_size(reply);

	if (len > sizeof(small)) {
		big = malloc(len);
		if (!big) {
			cleanup_error struct hull_error *err = NULL;

			hull_fail_nomem(&err);
			hull_ttrpc_fail_error(call, err);
			return;
		}
	}
	(void)protobuf_c_message_pack(reply, big ? big : small);
	hull_ttrpc_reply(call, big ? big : small, len);
}

static const struct hull_rpc_method *find_method(const char *service, const char *name)
{
	for (size_t i = 0; i < hull_rpc_n_methods; i++)
		if (!strcmp(hull_rpc_methods[i].name, name) &&
		    !strcmp(hull_rpc_methods[i].service, service))
			return &hull_rpc_methods[i];
	return NULL;
}

static int dispatch(struct hull_agent *a, struct hull_ttrpc_call *call, struct hull_error **err)
{
	const char *service = hull_ttrpc_service(call), *name = hull_ttrpc_method(call);
	const struct hull_rpc_method *m = find_method(service, name);
	ProtobufCMessage *request;
	const void *payload;
	size_t len;
	int r;

	if (!m)
		return hull_fail_cause(err, HULL_E_UNSUPPORTED, "no-such-method",
				       "the agent has no method '%s' of '%s'", name, service);
	payload = hull_ttrpc_payload(call, &len);
	request = protobuf_c_message_unpack(m->request, NULL, len, payload);
	if (!request)
		return hull_fail(err, HULL_E_INVALID, "malformed request to '%s'", name);
	r = m->handle(a, call, request, err);
	protobuf_c_message_free_unpacked(request, NULL);
	return r;
}

static void on_output(void *ctx, const void *data, size_t len)
{
	struct hull_rpc_conn *conn = ctx;

	conn->output(conn->ctx, data, len);
}

static void on_request(void *ctx, struct hull_ttrpc_call *call)
{
	struct hull_rpc_conn *conn = ctx;
	cleanup_error struct hull_error *err = NULL;

	if (dispatch(conn->agent, call, &err) < 0)
		hull_ttrpc_fail_error(call, err);
}

static void on_gone(void *ctx, struct hull_ttrpc_call *call)
{
	struct hull_rpc_ticket *t = hull_ttrpc_user(call);

	if (!t)
		return;
	t->call = NULL;
	if (t->gone)
		t->gone(t);
}

static const struct hull_ttrpc_server_ops server_ops = {
	.output = on_output,
	.request = on_request,
	.gone = on_gone,
};

int hull_rpc_conn_new(struct hull_agent *a, hull_ttrpc_output_fn output, void *ctx,
		      struct hull_rpc_conn **ret_conn)
{
	struct hull_rpc_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return -ENOMEM;
	conn->agent = a;
	conn->output = output;
	conn->ctx = ctx;
	if (hull_ttrpc_server_new(&server_ops, conn, &conn->ttrpc, NULL) < 0) {
		free(conn);
		return -ENOMEM;
	}
	*ret_conn = conn;
	return 0;
}

int hull_rpc_conn_feed(struct hull_rpc_conn *conn, const void *data, size_t len)
{
	return hull_ttrpc_feed(conn->ttrpc, data, len, NULL);
}

void hull_rpc_conn_free(struct hull_rpc_conn *conn)
{
	if (!conn)
		return;
	hull_ttrpc_free(conn->ttrpc);
	free(conn);
}
