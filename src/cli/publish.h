/* SPDX-License-Identifier: Apache-2.0
 *
 * The value of --publish: [ADDRESS:]HOST[-LAST][:GUEST[-LAST]][/tcp|udp].
 */
#ifndef HULL_CLI_PUBLISH_H
#define HULL_CLI_PUBLISH_H

#include "config/config.h"

/* The caller frees ret_port->address. */
int hull_publish_parse(const char *text, struct hull_port *ret_port, struct hull_error **err);

#endif
