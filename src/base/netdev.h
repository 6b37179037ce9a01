/* SPDX-License-Identifier: Apache-2.0
 *
 * Network devices, addresses and routes through netlink.  All work in the network namespace that
 * the socket was opened in.  What is there already counts as done, so that all of it can be
 * repeated.
 */
#ifndef HULL_BASE_NETDEV_H
#define HULL_BASE_NETDEV_H

#include "base/error.h"
#include "base/inet.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct hull_nl;
struct hull_nl_in;

struct hull_netdev {
	int index;
	unsigned int flags; /* IFF_* */
	uint32_t mtu;
	char name[IFNAMSIZ];
	bool has_mac;
	uint8_t mac[HULL_MAC_LEN];
};

/* 1 and *ret_dev, 0 if there is none, or -1.  Of several with the same hardware address (a bridge
 * has that of a port) it is the first to have been there. */
int hull_netdev_find_mac(struct hull_nl *nl, const uint8_t mac[HULL_MAC_LEN],
			 struct hull_netdev *ret_dev, struct hull_error **err);
int hull_netdev_find_name(struct hull_nl *nl, const char *name, struct hull_netdev *ret_dev,
			  struct hull_error **err);
/* Whether the kernel takes it and nobody has to quote it: letters, digits, ".", "_", "-". */
bool hull_netdev_name_ok(const char *name);

int hull_netdev_set_up(struct hull_nl *nl, int index, bool up, struct hull_error **err);
/* Old kernels want it down. */
int hull_netdev_set_name(struct hull_nl *nl, int index, const char *name, struct hull_error **err);
int hull_netdev_set_mtu(struct hull_nl *nl, int index, uint32_t mtu, struct hull_error **err);

/* v6: usable at once, without asking the neighbours whether it is taken. */
int hull_netdev_add_address(struct hull_nl *nl, int index, const struct hull_ip *ip,
			    struct hull_error **err);

struct hull_gateway {
	struct hull_ip ip;
	int index;	 /* the device it is reached through */
	bool onlink;	 /* it is, though no address's network has it */
	uint32_t metric; /* 0: the kernel's usual; there is one default route for each */
};
/* The default route of its family and metric becomes this one. */
int hull_route_set_default(struct hull_nl *nl, const struct hull_gateway *gateway,
			   struct hull_error **err);

/* One message of a dump of devices: 0 or -EBADMSG. */
int hull_netdev_parse(const struct hull_nl_in *in, struct hull_netdev *ret_dev);

#endif
