/* SPDX-License-Identifier: Apache-2.0
 *
 * User networks, see net.h.
 *
 * passt speaks to the hypervisor through a socket pair, so that neither needs a path, and ends when
 * the hypervisor does.  Nobody waits for it: what the guest sends before it is up lies in the
 * socket.  Before all of that lies a frame of ours, which nobody answers: once passt has taken it,
 * it serves.
 */
#define _GNU_SOURCE
#include "monitor/net.h"

#include "backend/backend.h"
#include "backend/qemu/probe.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/forward.h"
#include "config/network.h"
#include "monitor/ports.h"
#include "monitor/relay.h"
#include "monitor/resolv.h"
#include "monitor/taken.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PASST_FD 3
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX ((size_t)64 << 10)
/* Addresses that only a default route leads to. Nothing is sent there. */
#define FAR4 "1.1.1.1"
#define FAR6 "2606:4700:4700::1111"
/* What passt and the hypervisor may have on the way to each other: some frames of the largest
 * size. */
#define SOCKET_BUFFER (1 << 20)
/* What passt takes, and gains from: it hands whole buffers to the host's sockets. */
#define PASST_MTU 65520
#define ETHERTYPE_EXPERIMENT 0x88b5	/* by IEEE Std 802 nobody's: whoever gets it drops it */
#define ADDRESS_TEXT (HULL_IP_TEXT + 4) /* with a prefix length */

struct nic {
	struct hull_network_numbers numbers;
	Hull__Agent__V1__Interface message;
	char address4[ADDRESS_TEXT], address6[ADDRESS_TEXT];
	char *addresses[2], *gateways[2];
	struct hull_net *net;	  /* its owner */
	bool passt;		  /* else the hypervisor */
	bool up;		  /* passt is */
	struct hull_taken *first; /* what tells */
};

struct hull_net {
	struct hull_loop *loop;
	const struct hull_config *config; /* borrowed */
	void (*up)(void *ctx);
	void *ctx;
	bool route4, route6; /* the host's default routes */
	struct hull_resolv resolv;
	struct hull_relay *relay; /* NULL: nothing to relay */
	struct nic nics[HULL_CONFIG_MAX_NETWORKS];
	Hull__Agent__V1__Interface *interfaces[HULL_CONFIG_MAX_NETWORKS];
	char *nameservers[2];
};

static bool has_route(const char *to)
{
	struct sockaddr_storage addr;
	struct hull_ip ip;
	socklen_t len;
	cleanup_close int fd = -1;

	if (hull_parse_ip(to, &ip) < 0)
		return false;
	len = hull_ip_sockaddr(&ip, 53, &addr);
	fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&addr, len) == 0;
}

static int read_resolv(struct hull_net *net, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	/* Without one, or with an endless one, the guest does as the host does. */
	(void)hull_file_read(RESOLV_CONF, RESOLV_CONF_MAX, &text);
	return hull_resolv_parse(hull_strbuf_str(&text), &net->resolv) < 0 ? hull_fail_nomem(err)
									   : 0;
}

int hull_net_new(struct hull_loop *loop, const struct hull_config *config, void (*up)(void *ctx),
		 void *ctx, struct hull_net **ret, struct hull_error **err)
{
	struct hull_net *net = calloc(1, sizeof(*net));

	if (!net)
		return hull_fail_nomem(err);
	net->loop = loop;
	net->config = config;
	net->up = up;
	net->ctx = ctx;
	net->route4 = has_route(FAR4);
	net->route6 = has_route(FAR6);
	if (read_resolv(net, err) < 0) {
		hull_net_free(net);
		return -1;
	}
	*ret = net;
	return 0;
}

bool hull_net_has_ipv6(const struct hull_net *net)
{
	return net->route6;
}

/* ---- choosing who does it ---- */

/* passt locks itself up in a user namespace, and carries no IPv4 where the host's default routes
 * are of IPv6 only. */
static bool suits_passt(const struct hull_net *net, const struct hull_net_env *env)
{
	const struct hull_spawn who = {.set_ids = env->set_ids, .uid = env->uid, .gid = env->gid};

	return !env->without_passt && (net->route4 || !net->route6) &&
	       hull_proc_can_unshare_users(&who);
}

int hull_net_choose(const struct hull_net *net, const struct hull_net_env *env, size_t index,
		    char **ret_passt, struct hull_error **err)
{
	static const char *const names[] = {"passt", NULL};
	enum hull_network_provider wanted = net->config->networks.v[index].provider;
	const char *configured = net->config->programs.passt;
	cleanup_error struct hull_error *missing = NULL;
	bool can = env->caps & HULL_CAP_STREAM_NET, must = wanted == HULL_NETWORK_PASST;

	*ret_passt = NULL;
	if (wanted == HULL_NETWORK_AUTO)
		can = can && suits_passt(net, env);
	if (can && wanted != HULL_NETWORK_BUILTIN &&
	    hull_find_program(configured, names, ret_passt, &missing) == 0)
		return 0;
	if ((must || configured) && missing) {
		hull_error_move(err, &missing);
		hull_prefix(err, "passt, which is to carry the network");
		hull_hint(err, "on Debian: apt install passt; without it: --net builtin");
		return -1;
	}
	if (must || !(env->caps & HULL_CAP_USER_NET))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "this hypervisor can't have a network that '%s' carries",
				 hull_network_provider_names[wanted]);
	return 0;
}

/* ---- passt ---- */

static void add_forwards(struct hull_strv *argv, const struct hull_forwards *forwards)
{
	for (size_t i = 0; i < forwards->n; i++) {
		const struct hull_forward *f = &forwards->v[i];
		char ip[HULL_IP_TEXT];

		if (f->relayed)
			continue;
		hull_ip_format(&f->address, false, ip);
		hull_strv_add(argv, f->protocol == HULL_PROTOCOL_TCP ? "-t" : "-u");
		hull_strv_addf(argv, "%s/%u-%u:%u-%u", ip, f->host, f->host + f->count - 1,
			       f->guest, f->guest + f->count - 1);
	}
}

static void add_words(struct hull_strv *argv, const char *const *words)
{
	for (; *words; words += 2) {
		hull_strv_add(argv, words[0]);
		hull_strv_add(argv, words[1]);
	}
}

/* A guest with our agent is told its addresses by us; others may ask for them. */
static void make_argv(const struct hull_net *net, const struct hull_network_numbers *n,
		      const struct hull_forwards *forwards, struct hull_strv *argv)
{
	const char *const v4[] = {"-a",
				  n->guest4,
				  "-n",
				  "24",
				  "-g",
				  n->host4,
				  "-M",
				  HULL_NETWORK_HOST_MAC,
				  "--dns-forward",
				  n->dns4,
				  NULL};
	const char *const v6[] = {"-a", n->guest6, "-g", n->host6, "--dns-forward", n->dns6, NULL};

	hull_strv_add(argv, "passt");
	hull_strv_add(argv, "--foreground");
	hull_strv_add(argv, "--quiet");
	hull_strv_add(argv, "--fd");
	hull_strv_addf(argv, "%d", PASST_FD);
	add_words(argv, v4);
	if (net->route6)
		add_words(argv, v6);
	else
		hull_strv_add(argv, "--ipv4-only");
	/* It insists on an interface; what it would learn from it has been said. */
	if (!net->route4) {
		hull_strv_add(argv, "--interface");
		hull_strv_add(argv, "lo");
	}
	if (net->config->agent == HULL_AGENT_HULL) {
		hull_strv_add(argv, "--no-dhcp");
		hull_strv_add(argv, "--no-dhcpv6");
		hull_strv_add(argv, "--no-ra");
	}
	add_forwards(argv, forwards);
}

static void on_first_taken(void *ctx)
{
	struct nic *nic = ctx;

	nic->up = true;
	nic->net->up(nic->net->ctx);
}

/* As QEMU's stream has frames: each after its length.  It is from the guest's address, which passt
 * learns from what it gets. */
static int send_first(struct nic *nic, int fd, struct hull_error **err)
{
	struct {
		uint32_t len;
		struct ethhdr head;
		uint8_t body[ETH_ZLEN - ETH_HLEN];
	} __attribute__((packed)) frame = {
		.len = htonl(ETH_ZLEN),
		.head = {.h_proto = htons(ETHERTYPE_EXPERIMENT)},
	};
	int r;

	(void)hull_parse_mac(HULL_NETWORK_HOST_MAC, frame.head.h_dest);
	(void)hull_parse_mac(nic->numbers.mac, frame.head.h_source);
	r = hull_taken_new(nic->net->loop, fd, &frame, sizeof(frame), on_first_taken, nic,
			   &nic->first);
	return r < 0 ? hull_fail_errno(err, -r, "send passt its first frame") : 0;
}

static int start_passt(struct nic *nic, const struct hull_net_env *env, const char *path,
		       const struct hull_forwards *forwards, struct hull_helper **ret_helper,
		       int *ret_socket, struct hull_error **err)
{
	cleanup_strv struct hull_strv argv = {0}, envp = {0};
	struct hull_helper_env helper = env->helper;
	struct hull_spawn spawn = {
		.path = path,
		.n_fds = 1,
		.set_ids = env->set_ids,
		.uid = env->uid,
		.gid = env->gid,
	};
	struct hull_fd_map fd = {-1, PASST_FD};
	int pair[2], r = hull_socketpair(pair);

	if (r < 0)
		return hull_fail_errno(err, -r, "make a socket pair");
	cleanup_close int near = pair[0];
	cleanup_close int far = pair[1];

	hull_widen(near, SOCKET_BUFFER);
	hull_widen(far, SOCKET_BUFFER);
	make_argv(nic->net, &nic->numbers, forwards, &argv);
	hull_strv_add(&envp, "PATH=/usr/bin:/bin");
	hull_strv_add(&envp, "LC_ALL=C");
	hull_proc_pass_mark(&envp);
	spawn.envp = envp.v;
	if (argv.failed || envp.failed)
		return hull_fail_nomem(err);
	if (send_first(nic, near, err) < 0)
		return -1;
	fd.from = far;
	spawn.fds = &fd;
	spawn.argv = argv.v;
	/* It listens before it gives up the last of its rights. */
	if (env->set_ids && hull_ports_privileged(forwards))
		spawn.keep_caps = UINT64_C(1) << CAP_NET_BIND_SERVICE;
	helper.chatter = "Failed to send";
	if (hull_helper_start(&helper, "passt, which carries the network,", &spawn, ret_helper,
			      err) < 0)
		return -1;
	*ret_socket = steal_fd(&near);
	return 0;
}

/* ---- ports ---- */

static int relay_port(struct hull_net *net, const struct hull_forwards *forwards, size_t i,
		      uint32_t k, struct hull_error **err)
{
	const struct hull_forward *f = &forwards->v[i], *t = &forwards->v[f->target];
	int fd = hull_port_listen(f, f->host + k), r = fd;

	if (f->optional && (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT))
		return 0;
	if (fd >= 0)
		r = hull_relay_add(net->relay, fd, f->protocol, &t->address,
				   (uint16_t)(t->host + k));
	return r < 0 ? hull_port_fail(f, f->host + k, -r, err) : 0;
}

static int relay_ports(struct hull_net *net, const struct hull_forwards *forwards,
		       struct hull_error **err)
{
	for (size_t i = 0; i < forwards->n; i++) {
		const struct hull_forward *f = &forwards->v[i];

		if (!f->relayed)
			continue;
		if (!net->relay && hull_relay_new(net->loop, &net->relay, err) < 0)
			return -1;
		for (uint32_t k = 0; k < f->count; k++)
			if (relay_port(net, forwards, i, k, err) < 0)
				return -1;
	}
	return 0;
}

/* The hypervisor has no rights at all. */
static int check_builtin(const struct hull_net_env *env, const struct hull_forwards *forwards,
			 struct hull_error **err)
{
	const struct hull_forward *f = env->set_ids ? hull_ports_privileged(forwards) : NULL;
	char text[HULL_FORWARD_TEXT];

	if (!f)
		return 0;
	hull_forward_text(f, f->host, text);
	hull_fail_cause(err, HULL_E_UNSUPPORTED, "port-denied",
			"port %s: the hypervisor, which carries the network, may not listen there",
			text);
	hull_hint(err, "choose a higher host port; or passt, which may: apt install passt");
	return -1;
}

int hull_net_start(struct hull_net *net, const struct hull_net_env *env, size_t index,
		   struct hull_helper **ret_helper, int *ret_socket, struct hull_error **err)
{
	struct nic *nic = &net->nics[index];
	cleanup_forwards struct hull_forwards forwards = {0};
	cleanup_free char *passt = NULL;

	nic->net = net;
	hull_network_numbers(net->config, index, &nic->numbers);
	if (hull_net_choose(net, env, index, &passt, err) < 0 ||
	    hull_forwards_plan(&net->config->networks.v[index],
			       passt ? &hull_forward_passt : &hull_forward_builtin, &forwards,
			       err) < 0 ||
	    hull_ports_try(&forwards, err) < 0 || relay_ports(net, &forwards, err) < 0)
		return -1;
	*ret_helper = NULL;
	*ret_socket = -1;
	nic->passt = passt;
	if (!passt)
		return check_builtin(env, &forwards, err);
	return start_passt(nic, env, passt, &forwards, ret_helper, ret_socket, err);
}

bool hull_net_is_up(const struct hull_net *net)
{
	for (size_t i = 0; i < net->config->networks.n; i++)
		if (net->nics[i].passt && !net->nics[i].up)
			return false;
	return true;
}

bool hull_net_has_passt(const struct hull_net *net)
{
	for (size_t i = 0; i < net->config->networks.n; i++)
		if (net->nics[i].passt)
			return true;
	return false;
}

/* ---- the guest ---- */

static void with_prefix(char out[ADDRESS_TEXT], const char *address, int prefix)
{
	size_t len = strnlen(address, HULL_IP_TEXT - 1);

	memcpy(out, address, len);
	snprintf(out + len, ADDRESS_TEXT - len, "/%d", prefix);
}

static void describe_nic(struct hull_net *net, size_t index)
{
	struct nic *nic = &net->nics[index];
	struct hull_network_numbers *n = &nic->numbers;
	Hull__Agent__V1__Interface *m = &nic->message;

	hull__agent__v1__interface__init(m);
	with_prefix(nic->address4, n->guest4, HULL_NETWORK_PREFIX4);
	with_prefix(nic->address6, n->guest6, HULL_NETWORK_PREFIX6);
	nic->addresses[0] = nic->address4;
	nic->addresses[1] = nic->address6;
	nic->gateways[0] = n->host4;
	nic->gateways[1] = n->host6;
	m->mac = n->mac;
	m->name = n->name;
	m->addresses = nic->addresses;
	m->gateways = nic->gateways;
	m->n_addresses = m->n_gateways = net->route6 ? 2 : 1;
	m->mtu = nic->passt ? PASST_MTU : 0;
	net->interfaces[index] = m;
}

void hull_net_describe(struct hull_net *net, Hull__Agent__V1__SetupRequest *rq)
{
	for (size_t i = 0; i < net->config->networks.n; i++)
		describe_nic(net, i);
	rq->interfaces = net->interfaces;
	rq->n_interfaces = net->config->networks.n;
	if (net->resolv.v4 || !net->resolv.v6 || !net->route6)
		net->nameservers[rq->n_nameservers++] = net->nics[0].numbers.dns4;
	if (net->resolv.v6 && net->route6)
		net->nameservers[rq->n_nameservers++] = net->nics[0].numbers.dns6;
	rq->nameservers = net->nameservers;
	rq->search = net->resolv.search.v;
	rq->n_search = net->resolv.search.n;
}

void hull_net_free(struct hull_net *net)
{
	if (!net)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(net->nics); i++)
		hull_taken_free(net->nics[i].first);
	hull_relay_free(net->relay);
	hull_resolv_fini(&net->resolv);
	free(net);
}
