/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses from arbitrary text: what is taken is written and read back as the same.
 */
#include "base/cleanup.h"
#include "base/inet.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_ip(const struct hull_ip *ip, bool prefix)
{
	char text[HULL_IP_TEXT];
	struct hull_ip again;

	assert(ip->family == AF_INET || ip->family == AF_INET6);
	assert(ip->prefix && ip->prefix <= 8 * hull_ip_len(ip));
	assert(hull_ip_contains(ip, ip));
	hull_ip_format(ip, prefix, text);
	assert((prefix ? hull_parse_ip_prefix(text, &again) : hull_parse_ip(text, &again)) == 0);
	assert(again.family == ip->family && again.prefix == ip->prefix);
	assert(!memcmp(again.bytes, ip->bytes, hull_ip_len(ip)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *text = malloc(len + 1);
	uint8_t mac[HULL_MAC_LEN], again[HULL_MAC_LEN];
	char written[HULL_MAC_TEXT];
	struct hull_ip ip;

	assert(text);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	if (hull_parse_ip(text, &ip) == 0)
		check_ip(&ip, false);
	if (hull_parse_ip_prefix(text, &ip) == 0)
		check_ip(&ip, true);
	if (hull_parse_mac(text, mac) == 0) {
		hull_mac_format(mac, written);
		assert(hull_parse_mac(written, again) == 0 && !memcmp(mac, again, sizeof(mac)));
	}
	return 0;
}
