/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of a user network: the same whoever provides it, so that a guest can't tell, and the
 * same for each VM, for nobody but the VM and its provider ever sees them.
 *
 * The n-th network is 10.0.(2+n).0/24 and fd48:756c:6c:n::/64.  In it the guest is .15, the host's
 * loopback .2, which is the gateway too, and what passes on to the host's name server .3.
 */
#ifndef HULL_CONFIG_NETWORK_H
#define HULL_CONFIG_NETWORK_H

#include "base/inet.h"
#include "config/config.h"

#define HULL_NETWORK_PREFIX4 24
#define HULL_NETWORK_PREFIX6 64
/* The gateway's hardware address. */
#define HULL_NETWORK_HOST_MAC "52:55:0a:00:02:02"

struct hull_network_numbers {
	char mac[HULL_MAC_TEXT]; /* the guest's */
	char name[16];		 /* of its interface */
	char net4[HULL_IP_TEXT], guest4[HULL_IP_TEXT], host4[HULL_IP_TEXT], dns4[HULL_IP_TEXT];
	char net6[HULL_IP_TEXT], guest6[HULL_IP_TEXT], host6[HULL_IP_TEXT], dns6[HULL_IP_TEXT];
};

void hull_network_numbers(const struct hull_config *config, size_t index,
			  struct hull_network_numbers *ret);

/* hull_config_validate()'s part on a network and its ports. */
int hull_network_check(const struct hull_config *config, size_t index, struct hull_error **err);
/* The same on devices[index], a network device. */
int hull_network_device_check(const struct hull_config *config, size_t index,
			      struct hull_error **err);

/* The hardware address of devices[index]: its own, or one that is derived from the VM's id. */
void hull_network_device_mac(const struct hull_config *config, size_t index,
			     char ret[HULL_MAC_TEXT]);

/* Devices that are behind the host's address become networks of the description, at its end. */
int hull_networks_adopt(struct hull_config *config, struct hull_error **err);

#endif
