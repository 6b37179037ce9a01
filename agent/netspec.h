/* SPDX-License-Identifier: Apache-2.0
 *
 * What Setup says about the network, from text to values: all of it is checked before anything is
 * done.  Pure.
 */
#ifndef HULL_AGENT_NETSPEC_H
#define HULL_AGENT_NETSPEC_H

#include "base/error.h"
#include "base/inet.h"
#include "base/strbuf.h"
#include "hull/agent.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HULL_NICS_MAX 16
#define HULL_NIC_ADDRESSES_MAX 32
#define HULL_NIC_GATEWAYS_MAX 2 /* one for each family */
#define HULL_NAMESERVERS_MAX 16
#define HULL_SEARCH_MAX 32

struct hull_nic {
	const char *label; /* borrowed: the hardware address as it was written */
	const char *name;  /* borrowed; "": leave it */
	uint8_t mac[HULL_MAC_LEN];
	uint32_t mtu; /* 0: leave it */
	struct hull_ip addresses[HULL_NIC_ADDRESSES_MAX];
	size_t n_addresses;
	struct hull_ip gateways[HULL_NIC_GATEWAYS_MAX];
	size_t n_gateways;
};

struct hull_netspec {
	struct hull_nic nics[HULL_NICS_MAX];
	size_t n_nics;
	struct hull_strbuf resolv; /* contents of resolv.conf; empty: leave it */
};

/* @rq must outlive *ret_spec, which is to be finished in any case. */
int hull_netspec_parse(const Hull__Agent__V1__SetupRequest *rq, struct hull_netspec *ret_spec,
		       struct hull_error **err);
void hull_netspec_fini(struct hull_netspec *spec);
/* Whether @gateway is outside of every network that the device has. */
bool hull_nic_is_onlink(const struct hull_nic *nic, const struct hull_ip *gateway);

#endif
