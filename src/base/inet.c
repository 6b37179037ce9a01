/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses as text and bytes.
 */
#define _GNU_SOURCE
#include "base/inet.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int hull_parse_ip(const char *s, struct hull_ip *ret)
{
	struct hull_ip ip = {.family = AF_INET, .prefix = 32};

	if (strchr(s, ':'))
		ip = (struct hull_ip){.family = AF_INET6, .prefix = 128};
	if (inet_pton(ip.family, s, ip.bytes) != 1)
		return -EINVAL;
	*ret = ip;
	return 0;
}

int hull_parse_ip_prefix(const char *s, struct hull_ip *ret)
{
	const char *slash = strchr(s, '/');
	char address[HULL_IP_TEXT];
	struct hull_ip ip;
	uint64_t bits;
	size_t n;

	if (!slash || slash[1] == '0')
		return -EINVAL;
	n = (size_t)(slash - s);
	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, s, n);
	address[n] = '\0';
	if (hull_parse_ip(address, &ip) < 0 || hull_parse_u64(slash + 1, ip.prefix, &bits) < 0)
		return -EINVAL;
	ip.prefix = (uint8_t)bits;
	*ret = ip;
	return 0;
}

int hull_parse_mac(const char *s, uint8_t ret[HULL_MAC_LEN])
{
	static const uint8_t zero[HULL_MAC_LEN];
	uint8_t mac[HULL_MAC_LEN];

	if (strlen(s) != HULL_MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < HULL_MAC_LEN; i++, s += 3) {
		int high = hull_hex_digit(s[0]), low = hull_hex_digit(s[1]);

		if (high < 0 || low < 0 || s[2] != (i + 1 < HULL_MAC_LEN ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	if (mac[0] & 1 || !memcmp(mac, zero, sizeof(zero)))
		return -EINVAL;
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

void hull_ip_format(const struct hull_ip *ip, bool prefix, char ret[HULL_IP_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(ip->family, ip->bytes, address, sizeof(address));
	if (prefix)
		snprintf(ret, HULL_IP_TEXT, "%s/%u", address, ip->prefix);
	else
		snprintf(ret, HULL_IP_TEXT, "%s", address);
}

void hull_mac_format(const uint8_t mac[HULL_MAC_LEN], char ret[HULL_MAC_TEXT])
{
	snprintf(ret, HULL_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
}

size_t hull_ip_len(const struct hull_ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

bool hull_ip_contains(const struct hull_ip *net, const struct hull_ip *ip)
{
	size_t whole = net->prefix / 8, bits = net->prefix % 8;

	if (net->family != ip->family || memcmp(net->bytes, ip->bytes, whole))
		return false;
	return !bits || !((net->bytes[whole] ^ ip->bytes[whole]) >> (8 - bits));
}

bool hull_ip_is_host(const struct hull_ip *ip)
{
	static const uint8_t zero[16], ones[4] = {255, 255, 255, 255};
	const uint8_t *b = ip->bytes;

	if (!memcmp(b, zero, hull_ip_len(ip)))
		return false;
	if (ip->family == AF_INET)
		return (b[0] & 0xf0) != 0xe0 && memcmp(b, ones, sizeof(ones));
	return b[0] != 0xff;
}

bool hull_ip_is_link_local(const struct hull_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool hull_ip_is_any(const struct hull_ip *ip)
{
	static const uint8_t zero[16];

	return !memcmp(ip->bytes, zero, hull_ip_len(ip));
}

socklen_t hull_ip_sockaddr(const struct hull_ip *ip, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = ip->family;
	if (ip->family == AF_INET) {
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, ip->bytes, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, ip->bytes, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}
