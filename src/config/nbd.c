/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the URI of a network block device, see nbd.h.
 */
#define _GNU_SOURCE
#include "config/nbd.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "base/utf8.h"

#include <string.h>
#include <sys/un.h>

#define HOST_MAX 255
#define SOCKET_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

void hull_nbd_fini(struct hull_nbd *n)
{
	free(n->host);
	free(n->socket);
	free(n->export);
	*n = (struct hull_nbd){0};
}

/* Undoes "%41".  What comes out is text: valid UTF-8 without control characters. */
static int decode(const char *s, size_t len, const char *what, char **ret, struct hull_error **err)
{
	cleanup_free char *out = malloc(len + 1);
	size_t step;
	ssize_t n;

	if (!out)
		return hull_fail_nomem(err);
	n = hull_unescape(s, len, out);
	if (n == -EINVAL)
		return hull_fail(err, HULL_E_INVALID,
				 "%s: '%%' must be followed by two hexadecimal digits", what);
	for (ssize_t i = 0; i < n; i += (ssize_t)step) {
		step = hull_utf8_length(out + i, (size_t)(n - i));
		if (!step || (unsigned char)out[i] < 0x20 || out[i] == 0x7f)
			n = -EILSEQ;
	}
	if (n < 0)
		return hull_fail(err, HULL_E_INVALID, "%s is no plain text", what);
	out[n] = '\0';
	*ret = steal_ptr(&out);
	return 0;
}

static int set_port(struct hull_nbd *n, const char *text, size_t len, struct hull_error **err)
{
	cleanup_free char *copy = strndup(text, len);
	uint64_t port = 0;

	if (!copy)
		return hull_fail_nomem(err);
	if (hull_parse_u64(copy, UINT16_MAX, &port) < 0 || !port)
		return hull_fail(err, HULL_E_INVALID, "port '%s' is no number from 1 to 65535",
				 copy);
	n->port = (uint16_t)port;
	return 0;
}

/* "host", "host:1", "[::1]", "[::1]:1" */
static int set_address(struct hull_nbd *n, const char *s, size_t len, struct hull_error **err)
{
	const char *host = s, *end, *rest;

	if (memchr(s, '@', len))
		return hull_fail(err, HULL_E_INVALID, "users have no place in it");
	if (len && *s == '[') {
		host = s + 1;
		end = memchr(s, ']', len);
		if (!end)
			return hull_fail(err, HULL_E_INVALID, "'[' without ']'");
		rest = end + 1;
	} else {
		end = memchr(s, ':', len);
		end = end ? end : s + len;
		rest = end;
	}
	if (end == host || end - host > HOST_MAX)
		return hull_fail(err, HULL_E_INVALID, "a host of 1 to %d bytes is needed",
				 HOST_MAX);
	if (rest < s + len && *rest != ':')
		return hull_fail(err, HULL_E_INVALID, "after the host: ':' and a port, or '/'");
	n->port = HULL_NBD_PORT;
	if (rest < s + len && set_port(n, rest + 1, len - (size_t)(rest + 1 - s), err) < 0)
		return -1;
	return decode(host, (size_t)(end - host), "host", &n->host, err);
}

/* Only "socket=PATH". */
static int set_socket(struct hull_nbd *n, const char *query, struct hull_error **err)
{
	static const char key[] = "socket=";

	if (strncmp(query, key, sizeof(key) - 1) != 0)
		return hull_fail(err, HULL_E_INVALID, "'?socket=' and a path are needed");
	query += sizeof(key) - 1;
	if (query[strcspn(query, "&#")])
		return hull_fail(err, HULL_E_INVALID, "nothing may come after the socket's path");
	if (decode(query, strlen(query), "socket", &n->socket, err) < 0)
		return -1;
	if (*n->socket != '/' || strlen(n->socket) > SOCKET_MAX)
		return hull_fail(err, HULL_E_INVALID,
				 "the socket's path must be absolute, of at most %zu bytes",
				 SOCKET_MAX);
	return 0;
}

static int parse(const char *rest, bool local, struct hull_nbd *n, struct hull_error **err)
{
	size_t len = strcspn(rest, "/?#");
	const char *path = rest + len, *end = path + strcspn(path, "?#");

	if (local ? len != 0 : set_address(n, rest, len, err) < 0)
		return local ? hull_fail(err, HULL_E_INVALID, "a socket has no host") : -1;
	if (*path == '/')
		path++;
	if (decode(path, (size_t)(end - path), "export", &n->export, err) < 0)
		return -1;
	if (local)
		return set_socket(n, *end == '?' ? end + 1 : "", err);
	return *end ? hull_fail(err, HULL_E_INVALID, "nothing may come after the export's name")
		    : 0;
}

int hull_nbd_parse(const char *uri, struct hull_nbd *ret, struct hull_error **err)
{
	cleanup_nbd struct hull_nbd n = {0};
	const char *colon = strstr(uri, "://");
	size_t len = colon ? (size_t)(colon - uri) : 0;
	bool local = len == 8 && !memcmp(uri, "nbd+unix", len);

	if (strlen(uri) > HULL_NBD_URI_MAX)
		return hull_fail(err, HULL_E_INVALID, "longer than %d bytes", HULL_NBD_URI_MAX);
	if ((len == 4 && !memcmp(uri, "nbds", len)) ||
	    (len == 9 && !memcmp(uri, "nbds+unix", len))) {
		(void)hull_fail(err, HULL_E_UNSUPPORTED,
				"'%s': encrypted connections can't be made yet", uri);
		hull_hint(err,
			  "have a tunnel end on this host, and give its nbd:// or nbd+unix://");
		return -1;
	}
	if (!local && (len != 3 || memcmp(uri, "nbd", len) != 0))
		return hull_fail(err, HULL_E_INVALID, "'%s': must begin with nbd:// or nbd+unix://",
				 uri);
	if (parse(colon + 3, local, &n, err) < 0)
		return hull_prefix(err, "'%s'", uri);
	*ret = n;
	n = (struct hull_nbd){0};
	return 0;
}
