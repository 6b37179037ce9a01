/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests of netdev.h.
 */
#define _GNU_SOURCE
#include "base/netdev.h"

#include "base/cleanup.h"
#include "base/nl.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* How often a dump that a change has overtaken is begun again. */
#define DUMP_TRIES 16

/* ---- devices ---- */

int hull_netdev_parse(const struct hull_nl_in *in, struct hull_netdev *ret_dev)
{
	struct hull_nl_rest rest = in->payload;
	struct hull_netdev dev = {0};
	struct hull_nl_attr a;
	struct ifinfomsg info;
	int r;

	if (in->type != RTM_NEWLINK || hull_nl_take(&rest, &info, sizeof(info)) < 0 ||
	    info.ifi_index <= 0)
		return -EBADMSG;
	dev.index = info.ifi_index;
	dev.flags = info.ifi_flags;
	while ((r = hull_nl_take_attr(&rest, &a)) == 1) {
		if (a.type == IFLA_IFNAME) {
			if (!a.value.n || a.value.n > sizeof(dev.name) || a.value.p[a.value.n - 1])
				return -EBADMSG;
			memcpy(dev.name, a.value.p, a.value.n);
		} else if (a.type == IFLA_MTU) {
			if (a.value.n != sizeof(dev.mtu))
				return -EBADMSG;
			memcpy(&dev.mtu, a.value.p, sizeof(dev.mtu));
		} else if (a.type == IFLA_ADDRESS && a.value.n == sizeof(dev.mac)) {
			memcpy(dev.mac, a.value.p, sizeof(dev.mac));
			dev.has_mac = true;
		}
	}
	if (r < 0 || !dev.name[0])
		return -EBADMSG;
	*ret_dev = dev;
	return 0;
}

struct search {
	const uint8_t *mac; /* NULL: any */
	struct hull_netdev dev;
	bool found;
};

static int on_link(void *ctx, const struct hull_nl_in *in)
{
	struct search *s = ctx;
	struct hull_netdev dev;
	int r = hull_netdev_parse(in, &dev);

	if (r < 0)
		return r;
	if (s->mac && (!dev.has_mac || memcmp(dev.mac, s->mac, HULL_MAC_LEN)))
		return 0;
	/* Indices grow. */
	if (s->found && s->dev.index < dev.index)
		return 0;
	s->dev = dev;
	s->found = true;
	return 0;
}

int hull_netdev_find_mac(struct hull_nl *nl, const uint8_t mac[HULL_MAC_LEN],
			 struct hull_netdev *ret_dev, struct hull_error **err)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct hull_nl_msg m;
	struct search s;
	int r, tries = 0;

	do {
		s = (struct search){.mac = mac};
		hull_nl_start(&m, RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
		r = hull_nl_call(nl, &m, on_link, &s);
	} while (r == -EINTR && ++tries < DUMP_TRIES);
	if (r < 0)
		return hull_nl_fail(nl, r, err, "list network devices");
	if (s.found)
		*ret_dev = s.dev;
	return s.found;
}

int hull_netdev_find_name(struct hull_nl *nl, const char *name, struct hull_netdev *ret_dev,
			  struct hull_error **err)
{
	const struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct search s = {0};
	struct hull_nl_msg m;
	int r;

	hull_nl_start(&m, RTM_GETLINK, 0, &info, sizeof(info));
	hull_nl_put_string(&m, IFLA_IFNAME, name);
	r = hull_nl_call(nl, &m, on_link, &s);
	if (r == -ENODEV)
		return 0;
	if (r < 0 || !s.found)
		return hull_nl_fail(nl, r < 0 ? r : -EBADMSG, err, "look up network device '%s'",
				    name);
	*ret_dev = s.dev;
	return 1;
}

bool hull_netdev_name_ok(const char *name)
{
	size_t n =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return n && n < IFNAMSIZ && !name[n] && strcmp(name, ".") && strcmp(name, "..");
}

static void start_link(struct hull_nl_msg *m, int index, unsigned int flags, unsigned int change)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = flags,
		.ifi_change = change,
	};

	hull_nl_start(m, RTM_NEWLINK, 0, &info, sizeof(info));
}

int hull_netdev_set_up(struct hull_nl *nl, int index, bool up, struct hull_error **err)
{
	struct hull_nl_msg m;
	int r;

	start_link(&m, index, up ? IFF_UP : 0, IFF_UP);
	r = hull_nl_call(nl, &m, NULL, NULL);
	if (r < 0)
		return hull_nl_fail(nl, r, err, "bring network device %d %s", index,
				    up ? "up" : "down");
	return 0;
}

int hull_netdev_set_name(struct hull_nl *nl, int index, const char *name, struct hull_error **err)
{
	struct hull_nl_msg m;
	int r;

	start_link(&m, index, 0, 0);
	hull_nl_put_string(&m, IFLA_IFNAME, name);
	r = hull_nl_call(nl, &m, NULL, NULL);
	if (r < 0)
		return hull_nl_fail(nl, r, err, "name network device %d '%s'", index, name);
	return 0;
}

int hull_netdev_set_mtu(struct hull_nl *nl, int index, uint32_t mtu, struct hull_error **err)
{
	struct hull_nl_msg m;
	int r;

	start_link(&m, index, 0, 0);
	hull_nl_put_u32(&m, IFLA_MTU, mtu);
	r = hull_nl_call(nl, &m, NULL, NULL);
	if (r < 0)
		return hull_nl_fail(nl, r, err, "set the MTU of network device %d to %u", index,
				    mtu);
	return 0;
}

/* ---- addresses and routes ---- */

/* The kernel sends to it whatever it is told, but makes none up. */
static void put_broadcast(struct hull_nl_msg *m, const struct hull_ip *ip)
{
	uint8_t all[4];

	if (ip->family != AF_INET || ip->prefix > 30)
		return;
	memcpy(all, ip->bytes, sizeof(all));
	for (unsigned int bit = ip->prefix; bit < 32; bit++)
		all[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	hull_nl_put(m, IFA_BROADCAST, all, sizeof(all));
}

int hull_netdev_add_address(struct hull_nl *nl, int index, const struct hull_ip *ip,
			    struct hull_error **err)
{
	const struct ifaddrmsg info = {
		.ifa_family = ip->family,
		.ifa_prefixlen = ip->prefix,
		.ifa_flags = ip->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned int)index,
	};
	struct hull_nl_msg m;
	char text[HULL_IP_TEXT];
	int r;

	hull_nl_start(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	hull_nl_put(&m, IFA_LOCAL, ip->bytes, hull_ip_len(ip));
	hull_nl_put(&m, IFA_ADDRESS, ip->bytes, hull_ip_len(ip));
	put_broadcast(&m, ip);
	r = hull_nl_call(nl, &m, NULL, NULL);
	if (r < 0) {
		hull_ip_format(ip, true, text);
		return hull_nl_fail(nl, r, err, "add address '%s' to network device %d", text,
				    index);
	}
	return 0;
}

int hull_route_set_default(struct hull_nl *nl, const struct hull_gateway *gateway,
			   struct hull_error **err)
{
	const struct hull_ip *ip = &gateway->ip;
	const struct rtmsg info = {
		.rtm_family = ip->family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = gateway->onlink ? RTNH_F_ONLINK : 0,
	};
	struct hull_nl_msg m;
	char text[HULL_IP_TEXT];
	int r;

	hull_nl_start(&m, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	hull_nl_put(&m, RTA_GATEWAY, ip->bytes, hull_ip_len(ip));
	hull_nl_put_u32(&m, RTA_OIF, (uint32_t)gateway->index);
	if (gateway->metric)
		hull_nl_put_u32(&m, RTA_PRIORITY, gateway->metric);
	r = hull_nl_call(nl, &m, NULL, NULL);
	if (r < 0) {
		hull_ip_format(ip, false, text);
		return hull_nl_fail(nl, r, err, "set default gateway '%s' on network device %d",
				    text, gateway->index);
	}
	return 0;
}
