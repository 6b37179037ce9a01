/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM's user networks: who carries each (passt, or the hypervisor itself), the ports of the host
 * that lead into the guest, and what the guest is to be told.
 */
#ifndef HULL_MONITOR_NET_H
#define HULL_MONITOR_NET_H

#include "agent.pb-c.h"
#include "config/config.h"
#include "monitor/helper.h"

#include <sys/types.h>

struct hull_net;

struct hull_net_env {
	struct hull_helper_env helper;
	bool set_ids; /* uid and gid are for passt to become */
	uid_t uid;
	gid_t gid;
	uint64_t caps;	    /* of the backend */
	bool without_passt; /* it was tried, and does not work here */
};

/* Looks the host over.  @config must outlive it.  @up: hull_net_is_up() may have become true. */
int hull_net_new(struct hull_loop *loop, const struct hull_config *config, void (*up)(void *ctx),
		 void *ctx, struct hull_net **ret, struct hull_error **err);
/* Who is going to carry network @index: path of passt, or NULL for the hypervisor. */
int hull_net_choose(const struct hull_net *net, const struct hull_net_env *env, size_t index,
		    char **ret_passt, struct hull_error **err);
/* Starts network @index, after it has made sure that its ports are free.  *ret_helper is passt and
 * *ret_socket the hypervisor's end of it; NULL and -1 where the hypervisor is to do it. */
int hull_net_start(struct hull_net *net, const struct hull_net_env *env, size_t index,
		   struct hull_helper **ret_helper, int *ret_socket, struct hull_error **err);
bool hull_net_has_ipv6(const struct hull_net *net);
/* Once all are started: whether whoever carries them takes what the guest sends.  The hypervisor,
 * if it is that, does as long as there is a guest. */
bool hull_net_is_up(const struct hull_net *net);
bool hull_net_has_passt(const struct hull_net *net);
/* The guest's part: valid as long as @net. */
void hull_net_describe(struct hull_net *net, Hull__Agent__V1__SetupRequest *rq);
void hull_net_free(struct hull_net *net); /* NULL is fine */

#endif
