/* SPDX-License-Identifier: Apache-2.0
 *
 * Gathering what host.h says.
 */
#define _GNU_SOURCE
#include "backend/qemu/host.h"

#include "backend/qemu/files.h"
#include "base/cleanup.h"

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
