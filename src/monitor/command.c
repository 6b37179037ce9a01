/* SPDX-License-Identifier: Apache-2.0
 *
 * The decisions of prepare.c, with placeholders for what it opens.
 */
#define _GNU_SOURCE
#include "monitor/command.h"

#include "base/cleanup.h"
#include "boot/modules.h"
#include "config/network.h"
#include "monitor/cidata.h"
#include "monitor/export.h"
#include "monitor/net.h"
#include "monitor/share.h"

#include <fcntl.h>
#include <unistd.h>

/* As the address of a guest's vsock is a free one, chosen at the start. */
#define SOME_CID 3

static int plan_shares(struct hull_config *config, const struct hull_backend_ops *ops,
		       struct hull_exports *exports, struct hull_backend_sockets *s,
		       struct hull_error **err)
{
	cleanup_error struct hull_error *why = NULL;
	struct hull_share_plan shares = {0};

	if (hull_exports_plan(exports, &shares, config, ops->caps, &why, err) < 0)
		return -1;
	if (config->share_driver == HULL_SHARE_DRIVER_NINEP)
		return hull_exports_open(exports, config, &s->exports, err);
	s->n_shares = shares.n_groups;
	return 0;
}

/* For what a monitor would have open. */
static int placeholder(int *ret_fd, struct hull_error **err)
{
	*ret_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return *ret_fd < 0 ? hull_fail_errno(err, errno, "open '/dev/null'") : 0;
}

static int plan_networks(const struct hull_config *config, const struct hull_backend_ops *ops,
			 struct hull_backend_sockets *s, bool *ret_ipv6, struct hull_error **err)
{
	const struct hull_net_env env = {.set_ids = geteuid() == 0, .caps = ops->caps};
	struct hull_net *net;
	int r = 0;

	if (hull_net_new(NULL, config, NULL, NULL, &net, err) < 0)
		return -1;
	*ret_ipv6 = hull_net_has_ipv6(net);
	for (size_t i = 0; r == 0 && i < config->networks.n; i++) {
		cleanup_free char *passt = NULL;

		r = hull_net_choose(net, &env, i, &passt, err);
		if (r == 0 && passt)
			r = placeholder(&s->networks[i], err);
	}
	hull_net_free(net);
	return r;
}

/* Servers' own sockets, where the hypervisor has our rights. */
static int plan_nbd(const struct hull_config *config, bool set_ids, struct hull_backend_sockets *s,
		    struct hull_error **err)
{
	return set_ids && hull_config_count(config, HULL_DEVICE_NBD) ? placeholder(&s->nbd, err)
								     : 0;
}

int hull_monitor_command(struct hull_config *config, const struct hull_backend_ops *ops,
			 struct hull_strv *ret_argv, struct hull_error **err)
{
	struct hull_backend_env env = {.set_ids = geteuid() == 0};
	cleanup_close int initrd = -1;
	cleanup_sockets struct hull_backend_sockets sockets;
	struct hull_exports exports;
	int r;

	hull_backend_sockets_init(&sockets);
	hull_exports_init(&exports);
	if (config->link == HULL_LINK_VSOCK)
		sockets.vsock_cid = SOME_CID;
	r = hull_networks_adopt(config, err);
	if (r == 0)
		r = hull_cidata_adopt(config, err);
	/* What a start adds for the link is within the initramfs, and shows nowhere else. */
	if (r == 0 && config->modules)
		r = hull_boot_modules(config, &initrd, err);
	if (r == 0)
		r = plan_shares(config, ops, &exports, &sockets, err);
	if (r == 0)
		r = plan_networks(config, ops, &sockets, &env.ipv6, err);
	if (r == 0)
		r = plan_nbd(config, env.set_ids, &sockets, err);
	if (r == 0)
		r = ops->command(&env, config, &sockets, ret_argv, err);
	hull_exports_fini(&exports);
	return r;
}
