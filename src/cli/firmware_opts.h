/* SPDX-License-Identifier: Apache-2.0
 *
 * The value of --firmware: "efi[,store=FILE][,create][,code=FILE,template=FILE]", or "none".
 */
#ifndef HULL_CLI_FIRMWARE_OPTS_H
#define HULL_CLI_FIRMWARE_OPTS_H

#include "base/error.h"
#include "config/config.h"

/* Replaces what an earlier one said. */
int hull_firmware_parse(const char *value, struct hull_firmware *ret, struct hull_error **err);

#endif
