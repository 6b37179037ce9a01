/* SPDX-License-Identifier: Apache-2.0
 *
 * Options for people who work on kernels, see kernel_opts.h.
 */
#define _GNU_SOURCE
#include "cli/kernel_opts.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "cli/cli.h"
#include "cli/path_opts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hull_gdb_parse(const char *value, struct hull_gdb *ret, struct hull_error **err)
{
	if (hull_place_parse(value, &ret->path, &ret->port, err) < 0)
		return -1;
	ret->kind = ret->port ? HULL_GDB_TCP : HULL_GDB_SOCKET;
	return 0;
}

int hull_arch_parse(const char *value, enum hull_arch *ret, struct hull_error **err)
{
	static const char *const aliases[] = {
		[HULL_ARCH_X86_64] = "amd64", [HULL_ARCH_AARCH64] = "arm64", NULL};
	int i = 0;

	while (aliases[i] && strcmp(aliases[i], value) != 0)
		i++;
	if (!aliases[i])
		i = hull_name_index("architecture", value, hull_arch_names, err);
	if (i < 0)
		return -1;
	*ret = (enum hull_arch)i;
	return 0;
}

int hull_root_check(const struct hull_config *c, bool said, struct hull_error **err)
{
	if (c->arch == HULL_ARCH_HOST || c->root.kind == HULL_ROOT_NONE || !said)
		return 0;
	(void)hull_fail(err, HULL_E_UNSUPPORTED,
			"--root host: this host's programs are for %s, and the guest is %s",
			hull_arch_names[HULL_ARCH_HOST], hull_arch_names[c->arch]);
	hull_hint(
		err,
		"leave --root out, and share programs for %s with -v: -v ./busybox:/bin/busybox:ro",
		hull_arch_names[c->arch]);
	return -1;
}

char *hull_gdb_target(const struct hull_config *config)
{
	const struct hull_gdb *g = &config->gdb;
	char *text = NULL;

	if (g->kind == HULL_GDB_SOCKET)
		return g->path ? strdup(g->path) : hull_path_join(config->run_dir, "gdb.sock");
	return asprintf(&text, "127.0.0.1:%llu", (unsigned long long)g->port) < 0 ? NULL : text;
}
