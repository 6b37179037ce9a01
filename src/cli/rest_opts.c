/* SPDX-License-Identifier: Apache-2.0
 *
 * --restful-uri.  Names of hosts are looked up here, where waiting does no harm; what travels to
 * the monitor is an address.
 */
#define _GNU_SOURCE
#include "cli/rest_opts.h"

#include "base/cleanup.h"
#include "base/inet.h"
#include "config/resturi.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

/* The first, and of v4 if there is one: as Go's net package chooses. */
static void choose(const struct addrinfo *list, struct hull_ip *ret)
{
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (a->ai_family == AF_INET) {
			*ret = (struct hull_ip){AF_INET, 32, {0}};
			memcpy(ret->bytes, &((struct sockaddr_in *)a->ai_addr)->sin_addr, 4);
			return;
		}
		if (a->ai_family == AF_INET6 && !ret->family) {
			*ret = (struct hull_ip){AF_INET6, 128, {0}};
			memcpy(ret->bytes, &((struct sockaddr_in6 *)a->ai_addr)->sin6_addr, 16);
		}
	}
}

static int look_up(char **address, struct hull_error **err)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	struct hull_ip ip = {0};
	char text[HULL_IP_TEXT];
	int r;

	if (!*address || !strcasecmp(*address, "localhost") || hull_parse_ip(*address, &ip) == 0)
		return 0;
	r = getaddrinfo(*address, NULL, &hints, &list);
	if (r != 0)
		return hull_fail(err, HULL_E_NOT_FOUND, "look up '%s': %s", *address,
				 gai_strerror(r));
	choose(list, &ip);
	freeaddrinfo(list);
	if (!ip.family)
		return hull_fail(err, HULL_E_NOT_FOUND, "'%s' has no address", *address);
	hull_ip_format(&ip, false, text);
	free(*address);
	*address = strdup(text);
	return *address ? 0 : hull_fail_nomem(err);
}

int hull_rest_opt_parse(const char *value, bool vfkit, struct hull_rest *ret,
			struct hull_error **err)
{
	return hull_rest_uri_parse(value, vfkit, ret, err) < 0 ? -1 : look_up(&ret->address, err);
}
