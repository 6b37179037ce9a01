/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a network block device is: nbd://HOST[:PORT][/EXPORT], or
 * nbd+unix:///[EXPORT]?socket=PATH.
 */
#ifndef HULL_CONFIG_NBD_H
#define HULL_CONFIG_NBD_H

#include "base/error.h"

#include <stdint.h>

#define HULL_NBD_PORT 10809
#define HULL_NBD_URI_MAX 4095

/* Either host or socket is not NULL; all are owned, plain text. */
struct hull_nbd {
	char *host; /* a name, or an address without brackets */
	uint16_t port;
	char *socket; /* absolute, fits into a socket's address */
	char *export; /* "": the server's default */
};

/* Outputs on success only. */
int hull_nbd_parse(const char *uri, struct hull_nbd *ret, struct hull_error **err);
void hull_nbd_fini(struct hull_nbd *nbd);
#define cleanup_nbd __attribute__((cleanup(hull_nbd_fini)))

#endif
