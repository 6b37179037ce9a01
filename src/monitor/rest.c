/* SPDX-License-Identifier: Apache-2.0
 *
 * What the requests of rest.h mean.
 */
#define _GNU_SOURCE
#include "monitor/rest.h"

#include "base/cleanup.h"
#include "base/inet.h"
#include "base/json.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "config.h"
#include "config/forward.h"
#include "config/restapi.h"
#include "config/resturi.h"
#include "monitor/http.h"
#include "monitor/ports.h"
#include "monitor/state.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* Who finds it full is refused at once at a socket, and waits for seconds with TCP. */
#define BACKLOG 4096
#define TYPE_JSON "application/json; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"

static const struct hull_http_limits limits = {
	.connections = 128,
	.grace_ms = 250,
	.head_ms = 10000,
	.body_ms = 10000,
	.write_ms = 10000,
	.idle_ms = 60000,
	.request = {.line = 2048, .head = 8192, .body = 16384},
};

struct hull_rest_server {
	struct hull_monitor *m;
	struct hull_http_server *http;
	char *path; /* of the socket, which is ours to remove */
};

/* ---- answers ---- */

static void reply(struct hull_http_call *call, int status, const char *type, const char *body)
{
	const struct hull_http1_response r = {
		.status = status, .type = type, .body = body, .body_len = strlen(body)};

	hull_http_reply(call, &r);
}

/* Takes @body; NULL: there was no memory for it. */
static void reply_json(struct hull_http_call *call, int status, char *body)
{
	cleanup_free char *text = body;

	if (text)
		reply(call, status, TYPE_JSON, text);
	else
		reply(call, 500, NULL, "");
}

static void refuse(struct hull_http_call *call, int status, const char *why)
{
	reply_json(call, status, hull_rest_error_body(why));
}

static char *on_bad(void *ctx, const char *why, struct hull_http1_response *response)
{
	char *body = hull_rest_error_body(why);

	if (body) {
		response->type = TYPE_JSON;
		response->body = body;
		response->body_len = strlen(body);
	}
	return body;
}

/* ---- the VM ---- */

static enum hull_rest_state state_of(const struct hull_monitor *m)
{
	switch (m->state) {
	case HULL_MONITOR_WAITING:
	case HULL_MONITOR_GONE:
		return HULL_REST_STOPPED;
	case HULL_MONITOR_STARTING:
		return HULL_REST_STARTING;
	case HULL_MONITOR_RESTARTING:
		return HULL_REST_ERROR;
	case HULL_MONITOR_STOPPING:
		return HULL_REST_STOPPING;
	default:
		break;
	}
	if (m->panicked)
		return HULL_REST_ERROR;
	if (m->change != HULL_CHANGE_NONE)
		return m->change == HULL_CHANGE_PAUSING ? HULL_REST_PAUSING : HULL_REST_RESUMING;
	return m->state == HULL_MONITOR_PAUSED ? HULL_REST_PAUSED : HULL_REST_RUNNING;
}

/* Less than the state would allow where the backend has no means. */
static unsigned int possible_for(const struct hull_monitor *m)
{
	unsigned int possible = hull_rest_possible(state_of(m));

	if (m->state == HULL_MONITOR_RESTARTING) /* by itself, unless it is told not to */
		return HULL_REST_CAN_HARD_STOP;
	if (!m->inst || !hull_inst_can(m->inst, HULL_CAP_PAUSE))
		possible &= ~(HULL_REST_CAN_PAUSE | HULL_REST_CAN_RESUME);
	if (!m->agent && (!m->inst || !hull_inst_can(m->inst, HULL_CAP_POWERDOWN)))
		possible &= ~HULL_REST_CAN_STOP;
	return possible;
}

static void get_state(struct hull_rest_server *s, struct hull_http_call *call,
		      const struct hull_http1_request *rq)
{
	reply_json(call, 200, hull_rest_state_body(state_of(s->m), possible_for(s->m)));
}

static void get_inspect(struct hull_rest_server *s, struct hull_http_call *call,
			const struct hull_http1_request *rq)
{
	reply_json(call, 200, hull_rest_inspect_body(&s->m->config));
}

static void get_version(struct hull_rest_server *s, struct hull_http_call *call,
			const struct hull_http1_request *rq)
{
	reply(call, 200, TYPE_JSON, "{\"version\":\"" HULL_VERSION "\"}");
}

/* Its caller may have gone meanwhile. */
struct pause {
	struct hull_http_call *call;
};

static void on_paused(void *ctx, const struct hull_error *error)
{
	struct pause *p = ctx;

	if (p->call && error)
		refuse(p->call, 500, hull_error_message(error));
	else if (p->call)
		reply(p->call, 202, NULL, "");
	free(p);
}

static void pause_vm(struct hull_monitor *m, struct hull_http_call *call, bool pause)
{
	cleanup_error struct hull_error *err = NULL;
	struct pause *p = calloc(1, sizeof(*p));

	if (!p) {
		refuse(call, 500, "out of memory");
		return;
	}
	p->call = call;
	hull_http_call_set_user(call, p);
	if (hull_monitor_pause(m, pause, on_paused, p, &err) == 0)
		return;
	hull_http_call_set_user(call, NULL);
	free(p);
	refuse(call, 500, hull_error_message(err));
}

static void change_state(struct hull_monitor *m, struct hull_http_call *call, const char *word)
{
	unsigned int action = word ? hull_rest_action(word) : 0;
	cleanup_free char *why = NULL;
	int n;

	if (!(possible_for(m) & action)) {
		if (action)
			n = asprintf(&why, "%s is not possible in state %s", word,
				     hull_rest_state_name(state_of(m)));
		else
			n = asprintf(&why,
				     "'%s' can't be asked for, only Pause, Resume, Stop and "
				     "HardStop",
				     word ? word : "");
		if (n < 0)
			why = NULL;
		refuse(call, 500, why ? why : "out of memory");
		return;
	}
	if (action == HULL_REST_CAN_PAUSE || action == HULL_REST_CAN_RESUME) {
		pause_vm(m, call, action == HULL_REST_CAN_PAUSE);
		return;
	}
	/* Whoever only asks the guest gives it all the time it wants. */
	hull_monitor_stop(m, action == HULL_REST_CAN_STOP ? UINT64_MAX : 0);
	reply(call, 202, NULL, "");
}

static void post_state(struct hull_rest_server *s, struct hull_http_call *call,
		       const struct hull_http1_request *rq)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *word = NULL;

	if (hull_rest_read_state(rq->body, rq->body_len, &word, &err) < 0)
		refuse(call, 400, hull_error_message(err));
	else
		change_state(s->m, call, word);
}

/* ---- which request, and whose ---- */

static const struct route {
	const char *method, *path;
	void (*fn)(struct hull_rest_server *s, struct hull_http_call *call,
		   const struct hull_http1_request *rq);
} routes[] = {
	{"GET", "/vm/state", get_state},
	{"POST", "/vm/state", post_state},
	{"GET", "/vm/inspect", get_inspect},
	{"GET", "/version", get_version},
};

/* To @route, from the same with a slash behind it. */
static void redirect(struct hull_http_call *call, const struct route *route, const char *query)
{
	cleanup_free char *location = NULL, *body = NULL;
	struct hull_http1_response r = {.status = 307};

	if (asprintf(&location, "%s%s%s", route->path, query ? "?" : "", query ? query : "") < 0)
		location = NULL;
	if (!strcmp(route->method, "GET")) {
		r.status = 301;
		r.type = TYPE_HTML;
		/* Without the query, in which anything may stand. */
		if (asprintf(&body, "<a href=\"%s\">Moved Permanently</a>.\n\n", route->path) < 0)
			body = NULL;
	}
	r.location = location;
	r.body = body ? body : "";
	r.body_len = body ? strlen(body) : 0;
	hull_http_reply(call, &r);
}

static void dispatch(struct hull_rest_server *s, struct hull_http_call *call,
		     const struct hull_http1_request *rq)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	const char *query = NULL;

	if (hull_http1_path(rq->target, &path, &query) < 0) {
		refuse(call, 400, "the path has a '%' that is no escape");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		const char *end = hull_strbuf_str(&path);
		size_t len = strlen(routes[i].path);

		if (strcmp(routes[i].method, rq->method) != 0 ||
		    strncmp(end, routes[i].path, len) != 0)
			continue;
		end += len;
		if (!*end) {
			routes[i].fn(s, call, rq);
			return;
		}
		if (!strcmp(end, "/")) {
			redirect(call, &routes[i], query);
			return;
		}
	}
	reply(call, 404, "text/plain", "404 page not found");
}

/* Whether this Host can't be a name that somebody has lead here: it is a number, or no domain. */
static bool is_own_host(const char *host)
{
	char name[256];
	size_t len = strcspn(host, ":");
	struct hull_ip ip;

	if (*host == '[')
		return true;
	if (len && host[len - 1] == '.')
		len--;
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	if (!strchr(name, '.') || hull_parse_ip(name, &ip) == 0)
		return true;
	return len > 10 && !strcasecmp(name + len - 10, ".localhost");
}

static void on_request(void *ctx, struct hull_http_call *call, const struct hull_http1_request *rq)
{
	struct hull_rest_server *s = ctx;
	const struct hull_rest *rest = &s->m->config.rest;
	const char *host = hull_http1_header(rq, "host");

	if (rest->kind == HULL_REST_TCP && hull_http1_header(rq, "origin"))
		refuse(call, 403, "web pages may not control virtual machines");
	else if (rest->kind == HULL_REST_TCP && hull_rest_is_loopback(rest) && host &&
		 !is_own_host(host))
		refuse(call, 403, "this host is to be addressed as localhost, or by number");
	else
		dispatch(s, call, rq);
}

static void on_gone(void *ctx, struct hull_http_call *call)
{
	struct pause *p = hull_http_call_user(call);

	if (p)
		p->call = NULL;
}

static const struct hull_http_ops http_ops = {
	.request = on_request, .gone = on_gone, .bad = on_bad};

/* ---- listening ---- */

static int listen_unix(struct hull_rest_server *s, const char *path, struct hull_error **err)
{
	int fd = hull_unix_listen_anew(path, BACKLOG, 0600), r;

	if (fd == -EADDRINUSE) {
		hull_fail(err, HULL_E_EXISTS, "'%s' exists already", path);
		hull_hint(err, "remove it, or give the socket another path");
		return -1;
	}
	if (fd < 0)
		return hull_fail_errno(err, -fd, "listen on '%s'", path);
	s->path = strdup(path);
	r = hull_http_server_listen(s->http, fd);
	if (!s->path)
		(void)unlink(path);
	if (r < 0 || !s->path)
		return hull_fail_errno(err, r < 0 ? -r : ENOMEM, "serve '%s'", path);
	return 0;
}

static int port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	/* The port stands at the same place in both families. */
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

static int listen_tcp(struct hull_rest_server *s, const struct hull_rest *rest,
		      struct hull_error **err)
{
	struct hull_forward at = {.address = {AF_INET, 32, {127, 0, 0, 1}},
				  .protocol = HULL_PROTOCOL_TCP};
	bool both = !rest->address || hull_parse_ip(rest->address, &at.address) < 0;
	int fd = hull_port_listen(&at, (uint32_t)rest->port), r;
	char text[HULL_FORWARD_TEXT];

	if (fd < 0)
		return hull_port_fail(&at, (uint32_t)rest->port, -fd, err);
	if (!rest->port) {
		hull_forward_text(&at, (uint32_t)MAX(port_of(fd), 0), text);
		hull_strv_addf(&s->m->notes, "the REST service is at %s", text);
	}
	(void)listen(fd, BACKLOG); /* more than other ports have */
	r = hull_http_server_listen(s->http, fd);
	if (r < 0)
		return hull_fail_errno(err, -r, "serve port %d", (int)rest->port);
	if (!both || !rest->port)
		return 0;
	/* "localhost" is this too, where the host has it and nobody else does. */
	at.address = (struct hull_ip){AF_INET6, 128, {[15] = 1}};
	fd = hull_port_listen(&at, (uint32_t)rest->port);
	if (fd >= 0 && listen(fd, BACKLOG) == 0)
		(void)hull_http_server_listen(s->http, fd);
	else
		hull_closep(&fd);
	return 0;
}

int hull_rest_open(struct hull_monitor *m, struct hull_rest_server **ret, struct hull_error **err)
{
	const struct hull_rest *rest = &m->config.rest;
	struct hull_rest_server *s;
	int r;

	if (rest->kind == HULL_REST_NONE)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return hull_fail_nomem(err);
	s->m = m;
	r = hull_http_server_new(m->loop, &limits, &http_ops, s, &s->http, err);
	if (r == 0)
		r = rest->kind == HULL_REST_UNIX ? listen_unix(s, rest->path, err)
						 : listen_tcp(s, rest, err);
	if (r < 0) {
		hull_rest_close(s);
		return hull_prefix(err, "REST service");
	}
	*ret = s;
	return 0;
}

void hull_rest_close(struct hull_rest_server *s)
{
	if (!s)
		return;
	if (s->path)
		(void)unlink(s->path);
	hull_http_server_free(s->http);
	free(s->path);
	free(s);
}
