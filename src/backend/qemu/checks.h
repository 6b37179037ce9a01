/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of the QEMU backend.
 */
#ifndef HULL_BACKEND_QEMU_CHECKS_H
#define HULL_BACKEND_QEMU_CHECKS_H

#include "config/check.h"

extern const struct hull_check hull_qemu_checks[];

#endif
