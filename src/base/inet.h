/* SPDX-License-Identifier: Apache-2.0
 *
 * Internet and hardware addresses as text and as bytes.  Parsers take the whole string in one form
 * or nothing: 0 or -EINVAL, outputs untouched on failure.
 */
#ifndef HULL_BASE_INET_H
#define HULL_BASE_INET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define HULL_MAC_LEN 6
/* An address with prefix length, and a hardware address, as text with the NUL. */
#define HULL_IP_TEXT 50
#define HULL_MAC_TEXT 18

struct hull_ip {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix; /* bits of the network; all of them for an address alone */
	uint8_t bytes[16];
};

/* "10.0.2.15", "fd00::1": no host names, no zones, no short or octal forms of v4. */
int hull_parse_ip(const char *s, struct hull_ip *ret);
/* "10.0.2.15/24": the prefix length must be there, and not 0. */
int hull_parse_ip_prefix(const char *s, struct hull_ip *ret);
/* "52:54:00:12:34:56", either case: the address of one device, so neither zero nor a group's. */
int hull_parse_mac(const char *s, uint8_t ret[HULL_MAC_LEN]);

void hull_ip_format(const struct hull_ip *ip, bool prefix, char ret[HULL_IP_TEXT]);
void hull_mac_format(const uint8_t mac[HULL_MAC_LEN], char ret[HULL_MAC_TEXT]);

size_t hull_ip_len(const struct hull_ip *ip);
/* Whether @ip lies in the network that @net is in. */
bool hull_ip_contains(const struct hull_ip *net, const struct hull_ip *ip);
/* Whether it can be that of one host: neither unspecified, nor multicast, nor v4's broadcast. */
bool hull_ip_is_host(const struct hull_ip *ip);
bool hull_ip_is_link_local(const struct hull_ip *ip); /* v6's fe80::/10 */
bool hull_ip_is_any(const struct hull_ip *ip);	      /* 0.0.0.0 or :: */

/* For bind() and connect(): returns its length. */
socklen_t hull_ip_sockaddr(const struct hull_ip *ip, uint16_t port, struct sockaddr_storage *ret);

#endif
