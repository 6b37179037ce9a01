/* SPDX-License-Identifier: Apache-2.0
 *
 * Planning for this host: its QEMU and its acceleration, and what plan.h wants to know of it,
 * gathered from what has been found, been opened and is connected.
 */
#ifndef HULL_BACKEND_QEMU_HOST_H
#define HULL_BACKEND_QEMU_HOST_H

#include "backend/backend.h"
#include "backend/qemu/parts.h"
#include "backend/qemu/plan.h"
#include "backend/qemu/probe.h"

/* Borrowed, all of it. */
struct hull_qemu_found {
	const char *binary;
	const struct hull_accel_choice *accel;
	const struct hull_tsc *tsc;
	bool ipv6; /* the host has it */
};

/* Finds QEMU and chooses the acceleration.  The caller frees *ret_binary, also on failure. */
int hull_qemu_look_over(const struct hull_backend_env *env, const struct hull_config *config,
			char **ret_binary, struct hull_accel_choice *ret_accel,
			struct hull_error **err);
int hull_qemu_plan_here(const struct hull_config *config, const struct hull_qemu_found *found,
			const struct hull_backend_sockets *sockets,
			const struct hull_qemu_parts *parts, struct hull_qemu_plan *ret_plan,
			struct hull_error **err);
/* The operation "command" of backend.h. */
int hull_qemu_command(const struct hull_backend_env *env, const struct hull_config *config,
		      const struct hull_backend_sockets *sockets, struct hull_strv *ret_argv,
		      struct hull_error **err);
/* Its environment: nothing of ours but the VM's mark, as that may hold what the user passes to the
 * guest; and @more, which may be NULL. */
int hull_qemu_environment(const struct hull_strv *more, struct hull_strv *env,
			  struct hull_error **err);

#endif
