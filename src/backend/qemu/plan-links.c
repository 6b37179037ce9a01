/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices of the description's list that lead out of the VM: consoles, network devices, vsock
 * ports and directories.
 *
 * All consoles are ports of one controller, which is in the place of the first of them: so the
 * guest's hvc0, hvc1... are in the order of the list.  All vsock ports are those of one device.
 */
#define _GNU_SOURCE
#include "backend/qemu/plan-build.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "config/network.h"
#include "config/virtiofs.h"

#include <inttypes.h>
#include <stdio.h>

/* QEMU writes a log by itself: nobody else has to wake up for it.  It opens nothing, a descriptor
 * set being a copy of what it has; whether it begins with an empty one is our affair. */
int hull_plan_console(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		      struct hull_error **err)
{
	char properties[48];
	int fd;

	if (!b->n_consoles) {
		snprintf(properties, sizeof(properties), ",id=consoles,max_ports=%zu",
			 hull_config_count(b->config, HULL_DEVICE_SERIAL));
		hull_plan_listed_virtio(b, "virtio-serial", properties);
	}
	fd = hull_plan_fd(b, HULL_QEMU_FD_DEVICE, nth);
	if (dev->serial.log) {
		hull_plan_addf(b, "-add-fd", "fd=%d,set=%zu", fd, HULL_QEMU_SET_LOG + nth);
		hull_plan_addf(b, "-chardev", "file,id=console%zu,path=/dev/fdset/%zu,append=on",
			       nth, HULL_QEMU_SET_LOG + nth);
	} else {
		hull_plan_addf(b, "-chardev", "socket,id=console%zu,fd=%d", nth, fd);
	}
	hull_plan_addf(b, "-device", "virtconsole,bus=consoles.0,nr=%zu,chardev=console%zu",
		       b->n_consoles++, nth);
	return 0;
}

/* QEMU's sockets carry frames alone: without a header for what is left undone, there is nothing
 * that the guest could leave undone. */
static int check_nic(const struct hull_dev_net *net, struct hull_error **err)
{
	if (net->nat)
		return hull_fail(err, HULL_E_INTERNAL, "'nat' is to be one of the networks");
	if (!net->features)
		return 0;
	hull_fail(err, HULL_E_UNSUPPORTED,
		  "features: QEMU's sockets can't carry '%s': they have frames without a header",
		  net->features);
	hull_hint(err, "leave them out; a larger mtu serves the same end");
	return -1;
}

/* Without "romfile=" the guest would be offered firmware to boot from the network. */
int hull_plan_nic(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err)
{
	const struct hull_dev_net *net = &dev->net;
	char properties[128], mac[HULL_MAC_TEXT], mtu[32] = "";
	int fd;

	if (check_nic(net, err) < 0)
		return -1;
	fd = hull_plan_fd(b, HULL_QEMU_FD_DEVICE, nth);
	if (hull_dev_net_is_stream(net))
		hull_plan_addf(b, "-netdev", "stream,id=nic%zu,server=off,addr.type=fd,addr.str=%d",
			       nth, fd);
	else
		hull_plan_addf(b, "-netdev", "dgram,id=nic%zu,local.type=fd,local.str=%d", nth, fd);
	hull_network_device_mac(b->config, nth, mac);
	if (net->mtu)
		snprintf(mtu, sizeof(mtu), ",host_mtu=%" PRIu64, net->mtu);
	snprintf(properties, sizeof(properties), ",netdev=nic%zu,mac=%s%s%s", nth, mac, mtu,
		 hull_plan_is_microvm(b) ? "" : ",romfile=");
	hull_plan_listed_virtio(b, "virtio-net", properties);
	return 0;
}

/* The ports are the affair of whoever is at the other end, the guest's address too. */
void hull_plan_vports(struct hull_plan *b)
{
	if (b->has_vsock)
		return;
	b->has_vsock = true;
	hull_plan_addf(b, "-chardev", "socket,id=vsock,fd=%d",
		       hull_plan_fd(b, HULL_QEMU_FD_VPORTS, 0));
	hull_plan_listed_virtio(b, "vhost-user-vsock", ",chardev=vsock");
}

int hull_plan_vport(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		    struct hull_error **err)
{
	hull_plan_vports(b);
	return 0;
}

/* QEMU reads a doubled comma as one that belongs to the value. */
int hull_plan_fs(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		 struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf properties = HULL_STRBUF_INIT;
	const char *tag;
	size_t len;

	hull_plan_addf(b, "-chardev", "socket,id=fs%zu,fd=%d", nth,
		       hull_plan_fd(b, HULL_QEMU_FD_DEVICE, nth));
	hull_strbuf_addf(&properties, ",chardev=fs%zu,queue-size=1024,tag=", nth);
	tag = hull_fs_tag(&dev->fs, &len);
	for (size_t i = 0; i < len; i++) {
		hull_strbuf_add(&properties, &tag[i], 1);
		if (tag[i] == ',')
			hull_strbuf_add(&properties, ",", 1);
	}
	if (properties.failed)
		return hull_fail_nomem(err);
	hull_plan_listed_virtio(b, "vhost-user-fs", properties.data);
	return 0;
}
