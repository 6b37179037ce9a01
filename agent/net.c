/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out a netspec.  All devices get their names before any gets addresses: a name may have
 * to be taken from another device, which costs that one what it has.
 */
#define _GNU_SOURCE
#include "agent/net.h"

#include "agent/inroot.h"
#include "agent/netspec.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/netdev.h"
#include "base/nl.h"
#include "base/os.h"
#include "base/path.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"
/* A driver registers its device before its module counts as loaded, but a device that is plugged in
 * meanwhile comes when it likes. */
#define APPEAR_TIMEOUT_MS 5000
/* Of the second device's default routes, and so on: the first device's come before.  The kernel's
 * own choice for v6 is 1024, for v4 0. */
#define METRIC_BASE 1024

static int find(struct hull_nl *nl, const struct hull_nic *nic, uint64_t deadline_ns,
		struct hull_netdev *ret_dev, struct hull_error **err)
{
	cleanup_close int changes = -1;
	int found = hull_netdev_find_mac(nl, nic->mac, ret_dev, err), r;

	while (found == 0) {
		if (changes < 0)
			r = changes = hull_nl_listen(RTNLGRP_LINK);
		else
			r = hull_nl_wait(changes, deadline_ns);
		if (r == -ETIMEDOUT) {
			(void)hull_fail(err, HULL_E_NOT_FOUND,
					"no network device with this hardware address");
			hull_hint(err, "the guest's kernel may lack its driver");
			return -1;
		}
		if (r < 0)
			return hull_fail_errno(err, -r, "wait for the network device");
		found = hull_netdev_find_mac(nl, nic->mac, ret_dev, err);
	}
	return found < 0 ? -1 : 0;
}

/* Down meanwhile: kernels before 6.2 insist on it. */
static int rename_dev(struct hull_nl *nl, const struct hull_netdev *dev, const char *name,
		      struct hull_error **err)
{
	bool up = dev->flags & IFF_UP;

	if (up && hull_netdev_set_up(nl, dev->index, false, err) < 0)
		return -1;
	if (hull_netdev_set_name(nl, dev->index, name, err) < 0)
		return -1;
	return up ? hull_netdev_set_up(nl, dev->index, true, err) : 0;
}

static int set_name(struct hull_nl *nl, const struct hull_netdev *dev, const char *name,
		    struct hull_error **err)
{
	struct hull_netdev holder;
	char other[IFNAMSIZ];
	int r;

	if (!*name || !strcmp(dev->name, name))
		return 0;
	r = hull_netdev_find_name(nl, name, &holder, err);
	if (r < 0)
		return -1;
	if (r) {
		snprintf(other, sizeof(other), "hull%d", holder.index);
		if (rename_dev(nl, &holder, other, err) < 0)
			return hull_prefix(err, "free the name '%s'", name);
	}
	return rename_dev(nl, dev, name, err);
}

/* What routers announce would come on top of what we are told.  And nobody else is on the wire to
 * have our addresses: without that being checked the link-local one can be used at once too, which
 * is where connections from outside come in.  A kernel without IPv6 has nothing to be told. */
static void settle_ipv6(const char *name)
{
	static const char *const off[] = {"accept_ra", "accept_dad"};

	for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
		char path[80];
		cleanup_close int fd = -1;

		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", name, off[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			(void)hull_fd_write_all(fd, "0", 1);
	}
}

static int configure(struct hull_nl *nl, const struct hull_nic *nic, const struct hull_netdev *dev,
		     uint32_t metric, struct hull_error **err)
{
	if (nic->mtu && nic->mtu != dev->mtu &&
	    hull_netdev_set_mtu(nl, dev->index, nic->mtu, err) < 0)
		return -1;
	if (nic->n_addresses)
		settle_ipv6(*nic->name ? nic->name : dev->name);
	if (hull_netdev_set_up(nl, dev->index, true, err) < 0)
		return -1;
	for (size_t i = 0; i < nic->n_addresses; i++)
		if (hull_netdev_add_address(nl, dev->index, &nic->addresses[i], err) < 0)
			return -1;
	for (size_t i = 0; i < nic->n_gateways; i++) {
		struct hull_gateway g = {
			.ip = nic->gateways[i],
			.index = dev->index,
			.onlink = hull_nic_is_onlink(nic, &nic->gateways[i]),
			.metric = metric,
		};

		if (hull_route_set_default(nl, &g, err) < 0)
			return -1;
	}
	return 0;
}

int hull_net_apply(const struct hull_netspec *spec, uint64_t deadline_ns, struct hull_error **err)
{
	cleanup_nl struct hull_nl nl = HULL_NL_INIT;
	struct hull_netdev devs[HULL_NICS_MAX];

	if (hull_nl_open(&nl, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->n_nics; i++) {
		const struct hull_nic *nic = &spec->nics[i];

		if (find(&nl, nic, deadline_ns, &devs[i], err) < 0 ||
		    set_name(&nl, &devs[i], nic->name, err) < 0)
			return hull_prefix(err, "interface '%s'", nic->label);
	}
	for (size_t i = 0; i < spec->n_nics; i++) {
		uint32_t metric = i ? METRIC_BASE + (uint32_t)i : 0;

		if (configure(&nl, &spec->nics[i], &devs[i], metric, err) < 0)
			return hull_prefix(err, "interface '%s'", spec->nics[i].label);
	}
	return 0;
}

int hull_net_write_resolv(const char *root, const struct hull_strbuf *text, struct hull_error **err)
{
	cleanup_close int rootfd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	int r;

	if (rootfd < 0)
		return hull_fail_errno(err, errno, "open root '%s'", root);
	fd = hull_inroot_rewrite(rootfd, RESOLV_CONF);
	r = fd < 0 ? fd : hull_fd_write_all(fd, hull_strbuf_str(text), text->len);
	if (r == -EROFS) {
		hull_warn("net", "write '%s' of the root '%s': %s, ignoring", RESOLV_CONF, root,
			  hull_strerror(-r));
		return 0;
	}
	if (r < 0)
		return hull_fail_errno(err, -r, "write '%s' of the root '%s'", RESOLV_CONF, root);
	return 0;
}

void hull_net_raise_loopback(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		hull_warn("net", "raise the loopback interface: %s, ignoring",
			  hull_strerror(errno));
}

int hull_net_setup(const char *root, const Hull__Agent__V1__SetupRequest *rq,
		   struct hull_error **err)
{
	cleanup_with(hull_netspec_fini) struct hull_netspec spec = {0};

	if (hull_netspec_parse(rq, &spec, err) < 0)
		return -1;
	if (!spec.n_nics)
		return 0;
	if (hull_net_apply(&spec, hull_deadline_ms(APPEAR_TIMEOUT_MS), err) < 0)
		return -1;
	return spec.resolv.len ? hull_net_write_resolv(root, &spec.resolv, err) : 0;
}
