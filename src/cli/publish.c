/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports as the container tools write them.  A colon can part addresses from ports, or be part of an
 * address of IPv6, which therefore stands in brackets.
 */
#define _GNU_SOURCE
#include "cli/publish.h"

#include "base/cleanup.h"
#include "base/inet.h"
#include "base/text.h"
#include "cli/cli.h"

#include <string.h>

#define PORT_MAX 65535
#define FORM "[ADDRESS:]HOST[-LAST][:GUEST[-LAST]][/tcp|udp]"

static int fail_form(struct hull_error **err, const char *text)
{
	hull_fail(err, HULL_E_INVALID, "'%s' is not a port to publish", text);
	hull_hint(err, "write it like 8080:80, 127.0.0.1:8080:80, [::1]:53:53/udp or 8000-8010");
	return -1;
}

static int parse_number(const char *text, uint64_t *ret, struct hull_error **err)
{
	if (hull_parse_u64(text, PORT_MAX, ret) == 0 && *ret)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' is not a port", text);
	hull_hint(err, "ports are numbers from 1 to %d; the form is " FORM, PORT_MAX);
	return -1;
}

/* "80" or "80-89"; cuts @text. */
static int parse_range(char *text, uint64_t *ret_first, uint64_t *ret_count,
		       struct hull_error **err)
{
	char *dash = strchr(text, '-');
	uint64_t first, last;

	if (dash)
		*dash++ = '\0';
	if (parse_number(text, &first, err) < 0)
		return -1;
	last = first;
	if (dash && parse_number(dash, &last, err) < 0)
		return -1;
	if (last < first)
		return hull_fail(err, HULL_E_INVALID, "the range '%s-%s' ends before it begins",
				 text, dash);
	*ret_first = first;
	*ret_count = last - first + 1;
	return 0;
}

/* Takes "/udp" off the end. */
static int parse_protocol(char *text, enum hull_protocol *ret, struct hull_error **err)
{
	char *slash = strchr(text, '/');
	int i = HULL_PROTOCOL_TCP;

	if (slash) {
		*slash++ = '\0';
		i = hull_name_index("protocol", slash, hull_protocol_names, err);
	}
	if (i < 0)
		return -1;
	*ret = (enum hull_protocol)i;
	return 0;
}

/* Takes the address off the front, if there is one: *ret_rest is what follows its colon.  Only a v4
 * address has dots, and only a v6 one brackets. */
static int parse_address(char *text, const char *whole, char **ret_address, char **ret_rest,
			 struct hull_error **err)
{
	bool bracket = *text == '[';
	char *end = strchr(text, bracket ? ']' : ':');
	struct hull_ip ip;

	*ret_rest = text;
	if (!bracket && (!end || strcspn(text, ".") > (size_t)(end - text)))
		return 0;
	if (bracket) {
		if (!end || end[1] != ':')
			return fail_form(err, whole);
		*end++ = '\0';
		text++;
	}
	*end = '\0';
	if (hull_parse_ip(text, &ip) < 0 || (ip.family == AF_INET6) != bracket) {
		hull_fail(err, HULL_E_INVALID, "'%s' is not an IPv%d address", text,
			  bracket ? 6 : 4);
		hull_hint(err, "host names are not looked up; the form is " FORM);
		return -1;
	}
	*ret_address = strdup(text);
	*ret_rest = end + 1;
	return *ret_address ? 0 : hull_fail_nomem(err);
}

static int parse_ports(char *text, const char *whole, struct hull_port *p, struct hull_error **err)
{
	char *colon = strchr(text, ':');
	uint64_t count;

	if (colon && strchr(colon + 1, ':')) {
		hull_fail(err, HULL_E_INVALID, "'%s' has too many colons", whole);
		hull_hint(err, "an IPv6 address stands in brackets: [::1]:8080:80");
		return -1;
	}
	if (colon)
		*colon++ = '\0';
	if (parse_range(text, &p->host, &p->count, err) < 0)
		return -1;
	p->guest = p->host;
	if (!colon)
		return 0;
	if (parse_range(colon, &p->guest, &count, err) < 0)
		return -1;
	if (count == p->count)
		return 0;
	hull_fail(err, HULL_E_INVALID, "'%s' leads %llu ports of the host to %llu of the guest",
		  whole, (unsigned long long)p->count, (unsigned long long)count);
	hull_hint(err, "both ranges have the same length, as in 8000-8010:80-90");
	return -1;
}

int hull_publish_parse(const char *text, struct hull_port *ret_port, struct hull_error **err)
{
	cleanup_free char *copy = strdup(text), *address = NULL;
	struct hull_port p = {.count = 1};
	char *rest;

	if (!copy)
		return hull_fail_nomem(err);
	if (parse_protocol(copy, &p.protocol, err) < 0 ||
	    parse_address(copy, text, &address, &rest, err) < 0 ||
	    parse_ports(rest, text, &p, err) < 0)
		return -1;
	p.address = steal_ptr(&address);
	*ret_port = p;
	return 0;
}
