/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of REST services, see resturi.h.  The order of checks is that of vfkit: host, path,
 * port; for sockets path, host, length.
 */
#define _GNU_SOURCE
#include "config/resturi.h"

#include "base/cleanup.h"
#include "base/inet.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The text cut up: [scheme] : [// [user@] authority] path */
struct parts {
	char *authority; /* "" if there is none */
	char *path;	 /* "" likewise; escapes are still there */
	bool opaque;	 /* what follows the scheme does not begin with a slash */
};

static int refuse(struct hull_error **err, const char *text, const char *why)
{
	hull_fail(err, HULL_E_INVALID, "'%s': %s", text, why);
	hull_hint(err, "write it like unix:///PATH or tcp://localhost:PORT");
	return -1;
}

/* What begins a URI: a letter, then letters, digits, '+', '-' and '.', then a colon. */
static size_t scheme_len(const char *text)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*text))
		return 0;
	while (isalnum((unsigned char)text[n]) || (text[n] && strchr("+-.", text[n])))
		n++;
	return text[n] == ':' ? n : 0;
}

/* Cuts up @rest, what follows the colon; its bytes are moved. */
static void split(char *rest, struct parts *ret)
{
	char *query = strchr(rest, '?'), *at;

	if (query)
		*query = '\0';
	*ret = (struct parts){.authority = rest + strlen(rest), .path = rest};
	ret->opaque = *rest != '/';
	if (strncmp(rest, "//", 2) != 0)
		return;
	/* To the left, which makes room for its end, so that the slash of the path can stay. */
	ret->path = rest + 2 + strcspn(rest + 2, "/");
	memmove(rest, rest + 2, (size_t)(ret->path - rest - 2));
	rest[ret->path - rest - 2] = '\0';
	at = strrchr(rest, '@');
	ret->authority = at ? at + 1 : rest;
}

/* In place. */
static int unescape(char *s)
{
	ssize_t n = hull_unescape(s, strlen(s), s);

	if (n < 0)
		return (int)n;
	s[n] = '\0';
	return 0;
}

/* ---- tcp ---- */

/* "HOST:PORT", HOST in brackets if it has colons of its own: *ret_port is NULL without one. */
static int split_host(char *authority, char **ret_host, char **ret_port)
{
	char *end = authority, *colon;

	if (*authority == '[') {
		end = strchr(authority, ']');
		if (!end)
			return -EINVAL;
		*end++ = '\0';
		*ret_host = authority + 1;
		if (!**ret_host || (*end && *end != ':'))
			return -EINVAL;
	} else {
		*ret_host = authority;
	}
	colon = strchr(end, ':');
	if (colon && strchr(colon + 1, ':'))
		return -EINVAL;
	if (colon)
		*colon++ = '\0';
	*ret_port = colon && *colon ? colon : NULL;
	return 0;
}

static bool is_host(const char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-._:%", *s))
			return false;
	return true;
}

static int parse_tcp(const char *text, const struct parts *p, struct hull_rest *ret,
		     struct hull_error **err)
{
	char *host, *port;

	if (!*p->authority)
		return refuse(err, text, "the host is missing");
	if (*p->path)
		return refuse(err, text, "there is no path with tcp");
	if (split_host(p->authority, &host, &port) < 0 || !is_host(host))
		return refuse(err, text, "the host is none");
	if (!port)
		return refuse(err, text, "the port is missing");
	if (hull_parse_u64(port, UINT16_MAX, &ret->port) < 0)
		return refuse(err, text, "the port is no number up to 65535");
	ret->kind = HULL_REST_TCP;
	ret->address = *host ? strdup(host) : NULL;
	return *host && !ret->address ? hull_fail_nomem(err) : 0;
}

static int parse_unix(const char *text, const struct parts *p, struct hull_rest *ret,
		      struct hull_error **err)
{
	if (!*p->path || p->opaque)
		return refuse(err, text, "the path is missing");
	if (*p->authority)
		return refuse(err, text, "there is no host with unix");
	if (unescape(p->path) < 0)
		return refuse(err, text, "the path has a '%' that is no escape");
	if (strlen(p->path) > HULL_CONFIG_MAX_SOCKET)
		return refuse(err, text, "the path is longer than a socket's may be");
	ret->kind = HULL_REST_UNIX;
	ret->path = strdup(p->path);
	return ret->path ? 0 : hull_fail_nomem(err);
}

static int parse(const char *text, bool vfkit, struct hull_rest *ret, struct hull_error **err)
{
	cleanup_free char *copy = strdup(text);
	size_t n = scheme_len(text);
	struct parts p;

	if (!copy)
		return hull_fail_nomem(err);
	if (!n || hull_has_control(text, strlen(text)))
		return refuse(err, text, "not a URI");
	split(copy + n + 1, &p);
	if ((n == 3 && !strncasecmp(text, "tcp", n)) ||
	    (vfkit && n == 4 && !strncasecmp(text, "http", n)))
		return parse_tcp(text, &p, ret, err);
	if (n == 4 && !strncasecmp(text, "unix", n))
		return parse_unix(text, &p, ret, err);
	if (n == 4 && !strncasecmp(text, "none", n))
		return refuse(err, text, "no service at all is exactly 'none://'");
	return refuse(err, text, "the scheme is unknown");
}

int hull_rest_uri_parse(const char *text, bool vfkit, struct hull_rest *ret,
			struct hull_error **err)
{
	struct hull_rest rest = {0};

	if (strcmp(text, "none://") != 0 && parse(text, vfkit, &rest, err) < 0)
		return -1;
	free(ret->path);
	free(ret->address);
	*ret = rest;
	return 0;
}

char *hull_rest_uri_text(const struct hull_rest *rest)
{
	struct hull_strbuf out = HULL_STRBUF_INIT;
	bool v6 = rest->address && strchr(rest->address, ':');

	switch (rest->kind) {
	case HULL_REST_UNIX:
		hull_strbuf_adds(&out, "unix://");
		for (const char *s = rest->path; *s; s++) {
			bool plain = (unsigned char)*s >= ' ' && *s != 0x7f && !strchr("%?", *s);

			hull_strbuf_addf(&out, plain ? "%c" : "%%%02X", (unsigned char)*s);
		}
		break;
	case HULL_REST_TCP:
		hull_strbuf_addf(&out, "tcp://%s%s%s:%u", v6 ? "[" : "",
				 rest->address ? rest->address : "", v6 ? "]" : "",
				 (unsigned int)rest->port);
		break;
	default:
		hull_strbuf_adds(&out, "none://");
	}
	return hull_strbuf_steal(&out);
}

bool hull_rest_is_loopback(const struct hull_rest *rest)
{
	struct hull_ip ip;

	if (!rest->address || !strcasecmp(rest->address, "localhost"))
		return true;
	if (hull_parse_ip(rest->address, &ip) < 0)
		return false;
	return ip.family == AF_INET
		       ? ip.bytes[0] == 127
		       : !memcmp(ip.bytes, &in6addr_loopback, sizeof(in6addr_loopback));
}

int hull_rest_check(const struct hull_rest *rest, struct hull_error **err)
{
	struct hull_ip ip;

	if ((rest->kind == HULL_REST_UNIX) != (rest->path != NULL))
		return hull_fail(err, HULL_E_INVALID,
				 "rest.path: to be given with rest.kind 'unix', and only then");
	if (rest->path && *rest->path != '/')
		return hull_fail(err, HULL_E_INVALID, "rest.path: '%s' is not an absolute path",
				 rest->path);
	if (rest->kind != HULL_REST_TCP && (rest->address || rest->port))
		return hull_fail(err, HULL_E_INVALID,
				 "rest.address, rest.port: only with rest.kind 'tcp'");
	if (rest->address && strcasecmp(rest->address, "localhost") != 0 &&
	    hull_parse_ip(rest->address, &ip) < 0)
		return hull_fail(err, HULL_E_INVALID, "rest.address: '%s' is not an address",
				 rest->address);
	return 0;
}
