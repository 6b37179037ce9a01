/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of user networks, and what a description may say of networks.
 */
#define _GNU_SOURCE
#include "config/network.h"

#include "base/cleanup.h"
#include "config/forward.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GUEST 15
#define HOST 2
#define DNS 3

/* 40 bits of the VM's own id, behind an octet that marks them as nobody's number. */
static void derive_mac(const char *id, size_t index, char ret[HULL_MAC_TEXT])
{
	uint8_t mac[HULL_MAC_LEN] = {0x52};
	unsigned int byte;

	for (size_t i = 1; i < sizeof(mac); i++)
		if (id && strlen(id) >= 2 * i && sscanf(id + 2 * (i - 1), "%2x", &byte) == 1)
			mac[i] = (uint8_t)byte;
	mac[HULL_MAC_LEN - 1] ^= (uint8_t)index;
	hull_mac_format(mac, ret);
}

void hull_network_numbers(const struct hull_config *config, size_t index,
			  struct hull_network_numbers *ret)
{
	const struct {
		unsigned int host;
		char *v4, *v6;
	} rows[] = {
		{0, ret->net4, ret->net6},
		{GUEST, ret->guest4, ret->guest6},
		{HOST, ret->host4, ret->host6},
		{DNS, ret->dns4, ret->dns6},
	};
	const char *mac = config->networks.v[index].mac;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hull_ip ip = {0};
		char text[HULL_IP_TEXT];

		snprintf(rows[i].v4, HULL_IP_TEXT, "10.0.%zu.%u", 2 + index, rows[i].host);
		snprintf(text, sizeof(text), "fd48:756c:6c:%zx::%u", index, rows[i].host);
		(void)hull_parse_ip(text, &ip);
		hull_ip_format(&ip, false, rows[i].v6); /* in its shortest form */
	}
	snprintf(ret->name, sizeof(ret->name), "eth%zu", index);
	if (mac)
		snprintf(ret->mac, sizeof(ret->mac), "%s", mac);
	else
		derive_mac(config->id, index, ret->mac);
}

static int check_port(const struct hull_port *p, size_t net, size_t i, struct hull_error **err)
{
	struct hull_ip ip;

	if (p->address && hull_parse_ip(p->address, &ip) < 0)
		return hull_fail(err, HULL_E_INVALID,
				 "networks[%zu].ports[%zu].address: '%s' is no IPv4 or IPv6 "
				 "address",
				 net, i, p->address);
	if (p->host + p->count > 65536)
		return hull_fail(err, HULL_E_INVALID,
				 "networks[%zu].ports[%zu].host: %" PRIu64 " ports from %" PRIu64
				 " are more than there are",
				 net, i, p->count, p->host);
	if (p->guest + p->count > 65536)
		return hull_fail(err, HULL_E_INVALID,
				 "networks[%zu].ports[%zu].guest: %" PRIu64 " ports from %" PRIu64
				 " are more than there are",
				 net, i, p->count, p->guest);
	return 0;
}

static int check_overlap(const struct hull_config *c, size_t net, size_t i, struct hull_error **err)
{
	const struct hull_port *p = &c->networks.v[net].ports.v[i];

	for (size_t n = 0; n <= net; n++)
		for (size_t k = 0; k < (n == net ? i : c->networks.v[n].ports.n); k++)
			if (hull_ports_overlap(&c->networks.v[n].ports.v[k], p))
				return hull_fail(err, HULL_E_INVALID,
						 "networks[%zu].ports[%zu].host: port %" PRIu64
						 "/%s is forwarded twice, by "
						 "networks[%zu].ports[%zu] too",
						 net, i,
						 MAX(p->host, c->networks.v[n].ports.v[k].host),
						 hull_protocol_names[p->protocol], n, k);
	return 0;
}

void hull_network_device_mac(const struct hull_config *config, size_t index,
			     char ret[HULL_MAC_TEXT])
{
	const char *mac = config->devices.v[index].net.mac;

	if (mac && strlen(mac) < HULL_MAC_TEXT)
		memcpy(ret, mac, strlen(mac) + 1);
	else
		derive_mac(config->id, HULL_CONFIG_MAX_NETWORKS + index, ret);
}

static int check_mac(const struct hull_config *c, size_t net, struct hull_error **err)
{
	struct hull_network_numbers mine, other;
	uint8_t mac[HULL_MAC_LEN], others[HULL_MAC_LEN];

	hull_network_numbers(c, net, &mine);
	if (hull_parse_mac(mine.mac, mac) < 0)
		return hull_fail(err, HULL_E_INVALID,
				 "networks[%zu].mac: '%s' is not the hardware address of one "
				 "device, such as 52:54:00:12:34:56",
				 net, mine.mac);
	for (size_t i = 0; i < net; i++) {
		hull_network_numbers(c, i, &other);
		if (hull_parse_mac(other.mac, others) == 0 && !memcmp(mac, others, sizeof(mac)))
			return hull_fail(err, HULL_E_INVALID,
					 "networks[%zu].mac: same as that of another network", net);
	}
	return 0;
}

int hull_network_check(const struct hull_config *c, size_t index, struct hull_error **err)
{
	const struct hull_network *net = &c->networks.v[index];

	if (check_mac(c, index, err) < 0)
		return -1;
	for (size_t i = 0; i < net->ports.n; i++)
		if (check_port(&net->ports.v[i], index, i, err) < 0 ||
		    check_overlap(c, index, i, err) < 0)
			return -1;
	return 0;
}

/* ---- the list of devices ---- */

static bool is_nic(const struct hull_device *d)
{
	return d->kind == HULL_DEVICE_NET;
}

static int check_device_mac(const struct hull_config *c, size_t index, struct hull_error **err)
{
	const char *given = c->devices.v[index].net.mac;
	char mine[HULL_MAC_TEXT], other[HULL_MAC_TEXT];
	struct hull_network_numbers n;
	uint8_t mac[HULL_MAC_LEN];

	if (given && hull_parse_mac(given, mac) < 0)
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].mac: '%s' is not the hardware address of one "
				 "device, such as 52:54:00:12:34:56",
				 index, given);
	hull_network_device_mac(c, index, mine);
	for (size_t i = 0; i < c->networks.n; i++) {
		hull_network_numbers(c, i, &n);
		if (!strcasecmp(mine, n.mac))
			return hull_fail(err, HULL_E_INVALID,
					 "devices[%zu].mac: same as that of networks[%zu]", index,
					 i);
	}
	for (size_t i = 0; i < index; i++) {
		if (!is_nic(&c->devices.v[i]))
			continue;
		hull_network_device_mac(c, i, other);
		if (!strcasecmp(mine, other))
			return hull_fail(err, HULL_E_INVALID,
					 "devices[%zu].mac: same as that of devices[%zu]", index,
					 i);
	}
	return 0;
}

int hull_network_device_check(const struct hull_config *c, size_t index, struct hull_error **err)
{
	const struct hull_dev_net *net = &c->devices.v[index].net;

	if (net->socket && net->fd < 0)
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].fd: missing", index);
	if (net->path && *net->path != '/')
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].path: not an absolute path",
				 index);
	if (net->path && strlen(net->path) > HULL_CONFIG_MAX_SOCKET)
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].path: longer than the %d bytes of a socket's path",
				 index, HULL_CONFIG_MAX_SOCKET);
	return check_device_mac(c, index, err);
}

/* Takes its address along. */
static int adopt(struct hull_config *config, struct hull_dev_net *from, struct hull_error **err)
{
	struct hull_network *net;

	if (config->networks.n == HULL_CONFIG_MAX_NETWORKS)
		return hull_fail(err, HULL_E_INVALID, "more than %d networks",
				 HULL_CONFIG_MAX_NETWORKS);
	net = hull_vec_push(&config->networks);
	if (!net)
		return hull_fail_nomem(err);
	net->mac = steal_ptr(&from->mac);
	return 0;
}

int hull_networks_adopt(struct hull_config *config, struct hull_error **err)
{
	for (size_t i = 0; i < config->devices.n;) {
		struct hull_device *d = &config->devices.v[i];

		if (!is_nic(d) || !d->net.nat) {
			i++;
			continue;
		}
		if (adopt(config, &d->net, err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
		hull_device_fini(d);
		memmove(d, d + 1, (--config->devices.n - i) * sizeof(*d));
	}
	return 0;
}
