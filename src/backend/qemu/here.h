/* SPDX-License-Identifier: Apache-2.0
 *
 * What this host is like, as far as QEMU's command line depends on it: its QEMU, its acceleration,
 * its files; and the command line that follows.
 */
#ifndef HULL_BACKEND_QEMU_HERE_H
#define HULL_BACKEND_QEMU_HERE_H

#include "backend/backend.h"
#include "backend/qemu/parts.h"
#include "backend/qemu/plan.h"
#include "backend/qemu/probe.h"

struct hull_qemu_here {
	const char *binary;
	const struct hull_accel_choice *accel;
	const struct hull_tsc *tsc; /* being measured */
	bool ipv6;
};

/* Finds QEMU and chooses the acceleration.  The caller frees *ret_binary, also on failure. */
int hull_qemu_look_over(const struct hull_backend_env *env, const struct hull_config *config,
			char **ret_binary, struct hull_accel_choice *ret_accel,
			struct hull_error **err);
int hull_qemu_plan_here(const struct hull_config *config, const struct hull_qemu_here *here,
			const struct hull_backend_sockets *sockets,
			const struct hull_qemu_parts *parts, struct hull_qemu_plan *ret_plan,
			struct hull_error **err);
/* The operation "command" of backend.h. */
int hull_qemu_command(const struct hull_backend_env *env, const struct hull_config *config,
		      const struct hull_backend_sockets *sockets, struct hull_strv *ret_argv,
		      struct hull_error **err);

#endif
