/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's side of a guest's vsock device: the sockets that programs of the host's connect to,
 * and hull-vsock, which serves the device.
 *
 * The sockets are made here, before anything runs: what is wrong with a path ends the start, a
 * second launch finds them made already, and they go with the VM however hull-vsock has ended.
 */
#ifndef HULL_MONITOR_VPORTS_H
#define HULL_MONITOR_VPORTS_H

#include "config/config.h"
#include "monitor/helper.h"

#include <sys/types.h>

struct hull_vports;

/* *ret is NULL where the guest has no such device.  @config must outlive it. */
int hull_vports_new(const struct hull_config *config, struct hull_vports **ret,
		    struct hull_error **err);
/* @uid, @gid: whom the part of hull-vsock that reads the guest's memory becomes where we are root.
 * *ret_socket: the hypervisor's end of the device. */
int hull_vports_start(const struct hull_vports *v, const struct hull_helper_env *env, uid_t uid,
		      gid_t gid, struct hull_helper **ret_helper, int *ret_socket,
		      struct hull_error **err);
/* Removes the sockets.  NULL is fine. */
void hull_vports_free(struct hull_vports *v);

#endif
