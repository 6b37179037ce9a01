/* SPDX-License-Identifier: Apache-2.0
 *
 * All of libhull.
 */
#ifndef HULL_HULL_H
#define HULL_HULL_H

#include <hull/client.h>
#include <hull/config.h>
#include <hull/error.h>
#include <hull/instance.h>
#include <hull/observe.h>
#include <hull/sessions.h>
#include <hull/vms.h>

#endif
