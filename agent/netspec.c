/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking and converting of Setup's network part.
 */
#define _GNU_SOURCE
#include "agent/netspec.h"

#include "base/netdev.h"

#include <string.h>

/* The least that IPv4 is promised (RFC 791), the most that a packet can hold. */
#define MTU_MIN 68
#define MTU_MAX 65535
#define DOMAIN_MAX 253

typedef Hull__Agent__V1__Interface Interface;

static int parse_addresses(const Interface *in, struct hull_nic *nic, struct hull_error **err)
{
	if (in->n_addresses > HULL_NIC_ADDRESSES_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d addresses",
				 HULL_NIC_ADDRESSES_MAX);
	for (size_t i = 0; i < in->n_addresses; i++) {
		struct hull_ip *ip = &nic->addresses[i];

		if (hull_parse_ip_prefix(in->addresses[i], ip) < 0)
			return hull_fail(err, HULL_E_INVALID,
					 "address '%s' is not ADDRESS/PREFIX-LENGTH",
					 in->addresses[i]);
		if (!hull_ip_is_host(ip))
			return hull_fail(err, HULL_E_INVALID,
					 "address '%s' can't be that of a host", in->addresses[i]);
		nic->n_addresses++;
	}
	return 0;
}

static bool has_family(const struct hull_ip *ips, size_t n, uint8_t family)
{
	for (size_t i = 0; i < n; i++)
		if (ips[i].family == family)
			return true;
	return false;
}

static int parse_gateways(const Interface *in, struct hull_nic *nic, struct hull_error **err)
{
	for (size_t i = 0; i < in->n_gateways; i++) {
		const char *text = in->gateways[i];
		struct hull_ip ip;

		if (hull_parse_ip(text, &ip) < 0)
			return hull_fail(err, HULL_E_INVALID, "gateway '%s' is no IP address",
					 text);
		if (!hull_ip_is_host(&ip))
			return hull_fail(err, HULL_E_INVALID,
					 "gateway '%s' can't be that of a host", text);
		if (has_family(nic->gateways, nic->n_gateways, ip.family))
			return hull_fail(err, HULL_E_INVALID,
					 "gateway '%s' is the second of its family", text);
		if (!has_family(nic->addresses, nic->n_addresses, ip.family))
			return hull_fail(err, HULL_E_INVALID,
					 "gateway '%s', but no address of its family", text);
		nic->gateways[nic->n_gateways++] = ip;
	}
	return 0;
}

static int parse_nic(const Interface *in, struct hull_nic *nic, struct hull_error **err)
{
	if (*in->name && !hull_netdev_name_ok(in->name))
		return hull_fail(err, HULL_E_INVALID,
				 "name '%s' is not 1 to 15 letters, digits, '.', '_', '-'",
				 in->name);
	if (in->mtu && (in->mtu < MTU_MIN || in->mtu > MTU_MAX))
		return hull_fail(err, HULL_E_INVALID, "MTU %u is not within %d and %d", in->mtu,
				 MTU_MIN, MTU_MAX);
	nic->name = in->name;
	nic->mtu = in->mtu;
	if (parse_addresses(in, nic, err) < 0)
		return -1;
	return parse_gateways(in, nic, err);
}

static int check_unique(const struct hull_netspec *s, const struct hull_nic *nic,
			struct hull_error **err)
{
	for (size_t i = 0; i < s->n_nics; i++) {
		const struct hull_nic *other = &s->nics[i];

		if (!memcmp(other->mac, nic->mac, HULL_MAC_LEN))
			return hull_fail(err, HULL_E_INVALID, "interface '%s' is there twice",
					 nic->label);
		if (*nic->name && !strcmp(other->name, nic->name))
			return hull_fail(err, HULL_E_INVALID,
					 "interfaces '%s' and '%s' can't both be named '%s'",
					 other->label, nic->label, nic->name);
	}
	return 0;
}

/* ---- resolv.conf ---- */

/* The text goes into a file: what could end a word or a line must not be in it. */
static bool is_domain(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n && n <= DOMAIN_MAX && !s[n] && s[0] != '-';
}

static int make_resolv(const Hull__Agent__V1__SetupRequest *rq, struct hull_strbuf *out,
		       struct hull_error **err)
{
	if (rq->n_nameservers > HULL_NAMESERVERS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d name servers",
				 HULL_NAMESERVERS_MAX);
	if (rq->n_search > HULL_SEARCH_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d search domains",
				 HULL_SEARCH_MAX);
	for (size_t i = 0; i < rq->n_nameservers; i++) {
		struct hull_ip ip;

		if (hull_parse_ip(rq->nameservers[i], &ip) < 0 || !hull_ip_is_host(&ip))
			return hull_fail(err, HULL_E_INVALID,
					 "name server '%s' is no IP address of a host",
					 rq->nameservers[i]);
		(void)hull_strbuf_addf(out, "nameserver %s\n", rq->nameservers[i]);
	}
	for (size_t i = 0; i < rq->n_search; i++) {
		if (!is_domain(rq->search[i]))
			return hull_fail(err, HULL_E_INVALID,
					 "search domain '%s' is no domain name", rq->search[i]);
		(void)hull_strbuf_addf(out, "%s %s", i ? "" : "search", rq->search[i]);
	}
	if (rq->n_search)
		(void)hull_strbuf_adds(out, "\n");
	return out->failed ? hull_fail_nomem(err) : 0;
}

int hull_netspec_parse(const Hull__Agent__V1__SetupRequest *rq, struct hull_netspec *ret_spec,
		       struct hull_error **err)
{
	struct hull_netspec *s = ret_spec;

	*s = (struct hull_netspec){0};
	if (rq->n_interfaces > HULL_NICS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d interfaces", HULL_NICS_MAX);
	for (size_t i = 0; i < rq->n_interfaces; i++) {
		const Interface *in = rq->interfaces[i];
		struct hull_nic *nic = &s->nics[i];

		nic->label = in->mac;
		if (hull_parse_mac(in->mac, nic->mac) < 0)
			return hull_fail(err, HULL_E_INVALID,
					 "interface %zu: '%s' is no hardware address of a device",
					 i, in->mac);
		if (parse_nic(in, nic, err) < 0)
			return hull_prefix(err, "interface '%s'", in->mac);
		if (check_unique(s, nic, err) < 0)
			return -1;
		s->n_nics++;
	}
	return s->n_nics ? make_resolv(rq, &s->resolv, err) : 0;
}

void hull_netspec_fini(struct hull_netspec *spec)
{
	hull_strbuf_fini(&spec->resolv);
}

bool hull_nic_is_onlink(const struct hull_nic *nic, const struct hull_ip *gateway)
{
	/* Every device is in this network. */
	if (hull_ip_is_link_local(gateway))
		return false;
	for (size_t i = 0; i < nic->n_addresses; i++)
		if (hull_ip_contains(&nic->addresses[i], gateway))
			return false;
	return true;
}
