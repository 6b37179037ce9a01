/* SPDX-License-Identifier: Apache-2.0
 *
 * Sharing out listeners between provider and monitor, see forward.h.
 */
#define _GNU_SOURCE
#include "config/forward.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const struct hull_forward_rules hull_forward_passt = {.port_once = true, .who = "passt"};
const struct hull_forward_rules hull_forward_builtin = {
	.v4_only = true, .max = 1024, .who = "the hypervisor's own network"};

static const struct hull_ip loopback4 = {AF_INET, 32, {127, 0, 0, 1}};
static const struct hull_ip loopback6 = {
	AF_INET6, 128, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

static bool same_place(const struct hull_ip *a, const struct hull_ip *b)
{
	return a->family == b->family && (hull_ip_is_any(a) || hull_ip_is_any(b) ||
					  !memcmp(a->bytes, b->bytes, hull_ip_len(a)));
}

static bool ranges_meet(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

/* Where a port is listened for: one address, or both families' loopback. */
static size_t places(const struct hull_port *p, struct hull_ip ret[2])
{
	ret[0] = loopback4;
	ret[1] = loopback6;
	if (!p->address)
		return 2;
	(void)hull_parse_ip(p->address, &ret[0]);
	return 1;
}

bool hull_ports_overlap(const struct hull_port *a, const struct hull_port *b)
{
	struct hull_ip at[2], bt[2];
	size_t an = places(a, at), bn = places(b, bt);

	if (a->protocol != b->protocol || !ranges_meet(a->host, a->count, b->host, b->count))
		return false;
	for (size_t i = 0; i < an; i++)
		for (size_t k = 0; k < bn; k++)
			if (same_place(&at[i], &bt[k]))
				return true;
	return false;
}

static int expand(const struct hull_network *network, struct hull_forwards *f,
		  struct hull_error **err)
{
	for (size_t i = 0; i < network->ports.n; i++) {
		const struct hull_port *p = &network->ports.v[i];
		struct hull_ip at[2];
		size_t n = places(p, at);

		for (size_t k = 0; k < n; k++) {
			struct hull_forward *fwd = hull_vec_push(f);

			if (!fwd)
				return hull_fail_nomem(err);
			*fwd = (struct hull_forward){
				.address = at[k],
				.host = (uint32_t)p->host,
				.guest = (uint32_t)p->guest,
				.count = (uint32_t)p->count,
				.protocol = p->protocol,
				.optional = k > 0,
			};
		}
	}
	return 0;
}

/* Whether the provider has no place for @f because of @other, which it has. */
static bool in_the_way(const struct hull_forward *f, const struct hull_forward *other)
{
	if (f->protocol != other->protocol || other->relayed)
		return false;
	return ranges_meet(f->host, f->count, other->host, other->count) ||
	       (f->protocol == HULL_PROTOCOL_UDP && f->address.family == other->address.family &&
		ranges_meet(f->guest, f->count, other->guest, other->count));
}

static bool provider_can(const struct hull_forward_rules *rules, const struct hull_forwards *f,
			 size_t i)
{
	if (rules->v4_only && f->v[i].address.family != AF_INET)
		return false;
	for (size_t k = 0; rules->port_once && k < i; k++)
		if (in_the_way(&f->v[i], &f->v[k]))
			return false;
	return true;
}

/* One of the provider's that leads to the same ports. */
static bool find_target(const struct hull_forwards *f, size_t i, size_t *ret)
{
	const struct hull_forward *fwd = &f->v[i];

	for (size_t k = 0; k < f->n; k++) {
		const struct hull_forward *t = &f->v[k];

		if (t->relayed || t->protocol != fwd->protocol || t->guest != fwd->guest ||
		    t->count != fwd->count)
			continue;
		*ret = k;
		return true;
	}
	return false;
}

static int refuse(const struct hull_forward_rules *rules, const struct hull_forward *f,
		  struct hull_error **err)
{
	char text[HULL_FORWARD_TEXT];

	hull_forward_text(f, f->host, text);
	if (rules->v4_only) {
		hull_fail(err, HULL_E_UNSUPPORTED, "port %s: %s can't listen on an address of IPv6",
			  text, rules->who);
		hull_hint(err, "passt can: on Debian, apt install passt");
	} else {
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "port %s: %s can't lead it elsewhere than the same port of another "
			  "address",
			  text, rules->who);
		hull_hint(err, "choose another host port");
	}
	return -1;
}

static void drop(struct hull_forwards *f, size_t i)
{
	f->n--;
	memmove(&f->v[i], &f->v[i + 1], (f->n - i) * sizeof(*f->v));
	for (size_t k = 0; k < f->n; k++)
		if (f->v[k].relayed && f->v[k].target > i)
			f->v[k].target--;
}

static int relay_rest(const struct hull_forward_rules *rules, struct hull_forwards *f,
		      struct hull_error **err)
{
	uint32_t relayed = 0, listened = 0;

	for (size_t i = 0; i < f->n;) {
		struct hull_forward *fwd = &f->v[i];

		if (!fwd->relayed) {
			listened += fwd->count;
			i++;
			continue;
		}
		if (!find_target(f, i, &fwd->target)) {
			if (!fwd->optional)
				return refuse(rules, fwd, err);
			drop(f, i);
			continue;
		}
		relayed += fwd->count;
		if (relayed > HULL_FORWARD_RELAYED_MAX && fwd->optional) {
			relayed -= fwd->count;
			drop(f, i);
			continue;
		}
		i++;
	}
	if (relayed > HULL_FORWARD_RELAYED_MAX)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "%u ports on a second address are more than %d", relayed,
				 HULL_FORWARD_RELAYED_MAX);
	if (rules->max && listened > rules->max) {
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "%u ports are more than the %u that %s can listen on", listened,
			  rules->max, rules->who);
		hull_hint(err, "passt can: on Debian, apt install passt");
		return -1;
	}
	return 0;
}

int hull_forwards_plan(const struct hull_network *network, const struct hull_forward_rules *rules,
		       struct hull_forwards *ret, struct hull_error **err)
{
	cleanup_forwards struct hull_forwards f = {0};

	if (expand(network, &f, err) < 0)
		return -1;
	for (size_t i = 0; i < f.n; i++)
		f.v[i].relayed = !provider_can(rules, &f, i);
	if (relay_rest(rules, &f, err) < 0)
		return -1;
	*ret = f;
	f = (struct hull_forwards){0};
	return 0;
}

void hull_forwards_fini(struct hull_forwards *f)
{
	free(f->v);
	*f = (struct hull_forwards){0};
}

void hull_forward_text(const struct hull_forward *f, uint32_t port, char ret[HULL_FORWARD_TEXT])
{
	bool v6 = f->address.family == AF_INET6;
	char ip[HULL_IP_TEXT];

	hull_ip_format(&f->address, false, ip);
	snprintf(ret, HULL_FORWARD_TEXT, "%s%s%s:%u/%s", v6 ? "[" : "", ip, v6 ? "]" : "", port,
		 hull_protocol_names[f->protocol]);
}
