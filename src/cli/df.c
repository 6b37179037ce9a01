/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull df": a line for each kind of what hull takes on disk, or all of it as JSON.
 */
#define _GNU_SOURCE
#include "cli/df.h"

#include "base/cleanup.h"
#include "cli/settings.h"
#include "cli/vms.h"
#include "vm/usage.h"

#include <stdio.h>
#include <string.h>

const struct hull_opt hull_df_opts[] = {
	HULL_VMS_OPT_OUTPUT("table or json"),
	{0, NULL, NULL, NULL, NULL},
};

const char hull_df_details[] =
	"The kinds are store (the catalogue of VMs), volumes, guest (kernels and initramfs\n"
	"archives), run (directories of VMs), and logs (what their consoles said).\n";

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	enum hull_vms_format *format = ctx;

	if (hull_vms_format_parse(value, format, err) < 0)
		return -1;
	if (*format == HULL_VMS_TABLE || *format == HULL_VMS_JSON)
		return 0;
	return hull_fail(err, HULL_E_INVALID, "format '%s' is not for this; use table or json",
			 value);
}

static void print_table(const struct hull_usages *all)
{
	uint64_t total = 0;
	char size[32];

	hull_out_styled(HULL_OUT_STRONG, "%-8s  %5s  %10s  %s\n", "KIND", "ITEMS", "SIZE", "PATH");
	for (size_t i = 0; i < all->n; i++) {
		const struct hull_usage *u = &all->v[i];

		total += u->bytes;
		hull_vms_short_size(u->bytes, size);
		hull_out_styled(HULL_OUT_PLAIN, "%-8s  %5zu  %10s  %s\n", u->kind, u->items.n, size,
				u->path);
	}
	hull_vms_short_size(total, size);
	hull_out("%-8s  %5s  %10s\n", "total", "", size);
}

static struct hull_json *usage_json(const struct hull_usage *u)
{
	cleanup_json struct hull_json *j = hull_json_object(), *items = hull_json_array();
	int r = j && items ? 0 : -ENOMEM;

	for (size_t i = 0; i < u->items.n && !r; i++) {
		struct hull_json *item = hull_json_object();

		r |= hull_json_set(item, "name", hull_json_string(u->items.v[i].name));
		r |= hull_json_set(item, "bytes", hull_json_u64(u->items.v[i].bytes));
		r |= hull_json_append(items, item);
	}
	if (r)
		return NULL;
	r |= hull_json_set(j, "kind", hull_json_string(u->kind));
	r |= hull_json_set(j, "path", hull_json_string(u->path));
	r |= hull_json_set(j, "bytes", hull_json_u64(u->bytes));
	r |= hull_json_set(j, "items", steal_ptr(&items));
	if (u->error)
		r |= hull_json_set(j, "error", hull_vms_error_json(u->error));
	return r ? NULL : steal_ptr(&j);
}

static int print_json(const struct hull_usages *all, struct hull_error **err)
{
	cleanup_json struct hull_json *list = hull_json_array();

	for (size_t i = 0; i < all->n; i++)
		if (hull_json_append(list, usage_json(&all->v[i])) < 0)
			return hull_fail_nomem(err);
	return hull_vms_print_json(list, true, err);
}

int hull_cmd_df(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	enum hull_vms_format format = HULL_VMS_TABLE;
	const struct hull_settings *settings;
	struct hull_usages all = {0};
	int r = hull_opts_parse_all(verb, argc, argv, on_option, &format, &err);
	int code = r < 0 ? HULL_EXIT_USAGE : HULL_EXIT_OK;

	if (r == 0) {
		settings = hull_cli_settings(&err);
		r = settings ? hull_usage_gather(settings->guest_dir, &all, &err) : -1;
		if (r == 0 && format == HULL_VMS_JSON)
			r = print_json(&all, &err);
		else if (r == 0)
			print_table(&all);
		code = r < 0 ? hull_exit_code(err) : HULL_EXIT_OK;
	}
	if (r < 0)
		hull_out_error(err);
	for (size_t i = 0; i < all.n; i++) {
		if (!all.v[i].error)
			continue;
		code = HULL_EXIT_FAILED;
		if (format != HULL_VMS_JSON)
			hull_out_error(all.v[i].error);
	}
	hull_usages_fini(&all);
	return code;
}
