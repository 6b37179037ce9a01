/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the spec, see spec.h.
 */
#define _GNU_SOURCE
#include "vsock/spec.h"

#include "base/cleanup.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOBODY 65534
#define CID_MIN 3
#define CID_MAX (UINT32_MAX - 1)
#define ID_MAX (UINT32_MAX - 1)	  /* the last one means "unchanged" */
#define PORT_MAX (UINT32_MAX - 1) /* the last one means "any" */
#define FD_MAX 1023

struct reading {
	struct hull_vsock_spec *spec;
	struct hull_vsock_port *port; /* NULL: at the top */
	size_t index;
	bool has_direction;
	struct hull_error **err;
};

static int wrong(const struct reading *r, const char *key, const char *what)
{
	if (r->port)
		return hull_fail(r->err, HULL_E_INVALID, "ports[%zu].%s: %s", r->index, key, what);
	return hull_fail(r->err, HULL_E_INVALID, "%s: %s", key, what);
}

static int get_number(const struct reading *r, const char *key, const struct hull_json *value,
		      uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (hull_json_get_u64(value, &n) < 0 || n < min || n > max) {
		char text[80];

		(void)snprintf(text, sizeof(text), "not a number from %" PRIu64 " to %" PRIu64, min,
			       max);
		return wrong(r, key, text);
	}
	*ret = n;
	return 0;
}

static int get_path(const struct reading *r, const char *key, const struct hull_json *value,
		    char **ret)
{
	const char *s = hull_json_str(value);
	char *copy;

	if (!s || *s != '/')
		return wrong(r, key, "not an absolute path");
	if (strlen(s) >= HULL_VSOCK_PATH_MAX)
		return wrong(r, key, "a path too long for a socket: 107 bytes are allowed");
	copy = strdup(s);
	if (!copy)
		return hull_fail_nomem(r->err);
	free(*ret);
	*ret = copy;
	return 0;
}

static int read_port_member(void *ctx, const char *key, struct hull_json *value)
{
	struct reading *r = ctx;
	uint64_t n = 0;

	if (!strcmp(key, "port")) {
		if (get_number(r, key, value, 1, PORT_MAX, &n) < 0)
			return -1;
		r->port->port = (uint32_t)n;
		return 0;
	}
	if (!strcmp(key, "socket"))
		return get_path(r, key, value, &r->port->socket);
	if (!strcmp(key, "fd"))
		return get_number(r, key, value, HULL_VSOCK_FIRST_FD, FD_MAX, &r->port->fd);
	if (!strcmp(key, "direction")) {
		const char *word = hull_json_str(value);

		if (!word || (strcmp(word, "listen") && strcmp(word, "connect")))
			return wrong(r, key, "neither 'listen' nor 'connect'");
		r->port->listen = !strcmp(word, "listen");
		r->has_direction = true;
		return 0;
	}
	return wrong(r, key, "unknown key");
}

/* Whether both stand for the same on the host. */
static bool same_place(const struct hull_vsock_port *a, const struct hull_vsock_port *b)
{
	if (a->socket && b->socket)
		return !strcmp(a->socket, b->socket);
	return a->fd && a->fd == b->fd;
}

static int check_port(const struct reading *r)
{
	const struct hull_vsock_spec *s = r->spec;
	const struct hull_vsock_port *p = r->port;

	if (!p->port)
		return wrong(r, "port", "missing");
	if (!r->has_direction)
		return wrong(r, "direction", "missing");
	if (p->fd && (p->socket || p->listen))
		return wrong(r, "fd", p->socket ? "not with a socket" : "only to connect");
	if (!p->socket && !p->fd)
		return wrong(r, "socket", "missing");
	for (size_t i = 0; i < r->index; i++) {
		const struct hull_vsock_port *other = &s->ports.v[i];

		if (p->listen && other->listen && p->port == other->port)
			return wrong(r, "port", "it leads to another socket already");
		if (!(p->listen && other->listen) && same_place(p, other))
			return wrong(r, p->fd ? "fd" : "socket",
				     "it stands for another port already");
	}
	return 0;
}

static int read_ports(struct reading *top, const struct hull_json *value)
{
	const size_t n = hull_json_length(value);

	if (hull_json_type(value) != HULL_JSON_ARRAY)
		return wrong(top, "ports", "not an array");
	if (n > HULL_VSOCK_PORTS_MAX)
		return wrong(top, "ports", "more than 256");
	for (size_t i = 0; i < n; i++) {
		const struct hull_json *item = hull_json_at(value, i);
		struct reading r = {.spec = top->spec, .index = i, .err = top->err};

		r.port = hull_vec_push(&top->spec->ports);
		if (!r.port)
			return hull_fail_nomem(top->err);
		if (hull_json_type(item) != HULL_JSON_OBJECT)
			return wrong(top, "ports", "not an array of objects");
		if (hull_json_each(item, read_port_member, &r) < 0 || check_port(&r) < 0)
			return -1;
	}
	return 0;
}

static int read_member(void *ctx, const char *key, struct hull_json *value)
{
	struct reading *r = ctx;

	if (!strcmp(key, "cid"))
		return get_number(r, key, value, CID_MIN, CID_MAX, &r->spec->cid);
	if (!strcmp(key, "uid"))
		return get_number(r, key, value, 1, ID_MAX, &r->spec->uid);
	if (!strcmp(key, "gid"))
		return get_number(r, key, value, 1, ID_MAX, &r->spec->gid);
	if (!strcmp(key, "hybrid"))
		return get_path(r, key, value, &r->spec->hybrid);
	if (!strcmp(key, "ports"))
		return r->spec->ports.n ? wrong(r, key, "given twice") : read_ports(r, value);
	return wrong(r, key, "unknown key");
}

int hull_vsock_spec_parse(const char *text, size_t len, struct hull_vsock_spec *ret,
			  struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	struct reading r = {.spec = ret, .err = err};

	*ret = (struct hull_vsock_spec){.uid = NOBODY, .gid = NOBODY};
	if (hull_json_parse(text, len, &json, err) < 0)
		return -1;
	if (hull_json_type(json) != HULL_JSON_OBJECT)
		return hull_fail(err, HULL_E_INVALID, "not an object");
	if (hull_json_each(json, read_member, &r) < 0)
		return -1;
	if (!ret->cid)
		return wrong(&r, "cid", "missing");
	for (size_t i = 0; i < ret->ports.n; i++)
		if (ret->hybrid && ret->ports.v[i].socket &&
		    !strcmp(ret->hybrid, ret->ports.v[i].socket))
			return wrong(&r, "hybrid", "it stands for a port already");
	return 0;
}

void hull_vsock_spec_fini(struct hull_vsock_spec *s)
{
	for (size_t i = 0; i < s->ports.n; i++)
		free(s->ports.v[i].socket);
	free(s->ports.v);
	free(s->hybrid);
	*s = (struct hull_vsock_spec){.cid = 0};
}

const char *hull_vsock_spec_find(const struct hull_vsock_spec *s, uint32_t port, char *buf)
{
	int len;

	for (size_t i = 0; i < s->ports.n; i++)
		if (s->ports.v[i].listen && s->ports.v[i].port == port)
			return s->ports.v[i].socket;
	if (!s->hybrid)
		return NULL;
	len = snprintf(buf, HULL_VSOCK_PATH_MAX, "%s_%u", s->hybrid, port);
	return len > 0 && len < HULL_VSOCK_PATH_MAX ? buf : NULL;
}
