/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering what host.h says.
 */
#define _GNU_SOURCE
#include "backend/qemu/host.h"

#include "backend/qemu/files.h"
#include "backend/qemu/version.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/proc.h"

int hull_qemu_look_over(const struct hull_backend_env *env, const struct hull_config *config,
			char **ret_binary, struct hull_accel_choice *ret_accel,
			struct hull_error **err)
{
	const struct hull_accel_user user = {env->set_ids, env->uid, env->gid};
	struct hull_kvm_facts facts = {0};
	cleanup_error struct hull_error *why = NULL;
	struct hull_qemu_version version;

	if (config->accel != HULL_ACCEL_TCG)
		hull_kvm_gather(&facts);
	facts.foreign = config->arch != HULL_ARCH_HOST;
	if (hull_accel_choose(config->accel, &facts, &user, ret_accel, err) < 0 ||
	    hull_qemu_find(config->programs.qemu, config->arch, ret_binary, err) < 0)
		return -1;
	if (ret_accel->accel != HULL_ACCEL_TCG || (config->cpus < 2 && config->cpus_max < 2))
		return 0;
	ret_accel->in_turn = true; /* which is always right */
	if (hull_qemu_version_ask(*ret_binary, &version, &why) == 0)
		ret_accel->in_turn = !hull_qemu_version_parallel(&version);
	else if (hull_error_code(why) == HULL_E_TIMEOUT)
		hull_warn("qemu", "%s; CPUs are emulated in turn", hull_error_message(why));
	else
		return hull_error_move(err, &why);
	return 0;
}

static uint64_t guest_tsc(const struct hull_config *config, const struct hull_tsc *tsc)
{
	return config->arch == HULL_ARCH_HOST ? hull_tsc_finish(tsc) : 0;
}

int hull_qemu_plan_here(const struct hull_config *config, const struct hull_qemu_found *found,
			const struct hull_backend_sockets *sockets,
			const struct hull_qemu_parts *parts, struct hull_qemu_plan *ret_plan,
			struct hull_error **err)
{
	struct hull_qemu_host host = {
		.binary = found->binary,
		.accel = found->accel->accel,
		.in_turn = found->accel->in_turn,
		.tsc_khz = guest_tsc(config, found->tsc),
		.block_devices = hull_qemu_block_devices(config),
		.device_blocks = hull_qemu_device_blocks(config),
		.relays_nbd = sockets->nbd >= 0,
		.n_shares = sockets->n_shares,
		.n_exports = sockets->exports.n,
		.ipv6 = found->ipv6,
		.vsock_cid = sockets->vsock_cid,
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts->v); i++)
		host.device_parts[i] = (uint16_t)parts->v[i].files.n;
	for (size_t i = 0; i < ARRAY_SIZE(sockets->networks); i++)
		if (sockets->networks[i] >= 0)
			host.net_sockets |= UINT32_C(1) << i;
	for (size_t i = 0; i < sockets->exports.n; i++) {
		const struct hull_backend_export *x = &sockets->exports.v[i];

		host.readonly_exports |= (uint32_t)x->readonly << i;
		host.others_exports |= (uint32_t)x->others << i;
	}
	return hull_qemu_plan_make(config, &host, ret_plan, err);
}

int hull_qemu_command(const struct hull_backend_env *env, const struct hull_config *config,
		      const struct hull_backend_sockets *sockets, struct hull_strv *ret_argv,
		      struct hull_error **err)
{
	cleanup_qemu_plan struct hull_qemu_plan plan = {0};
	cleanup_free char *binary = NULL;
	cleanup_parts struct hull_qemu_parts parts;
	struct hull_accel_choice accel;
	struct hull_tsc tsc;

	hull_qemu_parts_init(&parts);
	hull_tsc_start(&tsc);
	if (hull_qemu_look_over(env, config, &binary, &accel, err) < 0 ||
	    hull_qemu_parts_open(config, &parts, err) < 0 ||
	    hull_qemu_plan_here(config, &(struct hull_qemu_found){binary, &accel, &tsc, env->ipv6},
				sockets, &parts, &plan, err) < 0)
		return -1;
	*ret_argv = plan.argv;
	plan.argv = (struct hull_strv){0};
	return 0;
}

int hull_qemu_environment(const struct hull_strv *more, struct hull_strv *env,
			  struct hull_error **err)
{
	hull_strv_add(env, "PATH=/usr/bin:/bin");
	hull_strv_add(env, "LC_ALL=C");
	hull_proc_pass_mark(env);
	for (size_t i = 0; more && i < more->n; i++)
		hull_strv_add(env, more->v[i]);
	return env->failed ? hull_fail_nomem(err) : 0;
}
