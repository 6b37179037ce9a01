/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull doctor": runs all checks on a default VM's description and prints what they found.
 */
#define _GNU_SOURCE
#include "cli/doctor.h"

#include "backend/backend.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/settings.h"
#include "config.h"
#include "config/config.h"

#include <string.h>

enum { OUTPUT_TABLE, OUTPUT_JSON };
static const char *const output_names[] = {"table", "json", NULL};

const struct hull_opt hull_doctor_opts[] = {
	{'o', "output", "FORMAT", "table (default) or json", NULL},
	{'q', "quiet", NULL, "print nothing: the exit status tells", NULL},
	{0, NULL, NULL, NULL, NULL},
};

struct doctor {
	int output;
	bool quiet;
	HULL_VEC(struct finding {
		const char *name;
		struct hull_check_result result;
	})
	findings;
	size_t counts[HULL_CHECK_BROKEN + 1];
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct doctor *d = ctx;

	if (opt->id == 'q')
		d->quiet = true;
	else
		d->output = hull_name_index("format", value, output_names, err);
	return d->output < 0 ? -1 : 0;
}

static int examine(struct doctor *d, struct hull_error **err)
{
	const struct hull_backend_ops *backend = hull_backend_find("qemu");
	const struct hull_check *const tables[] = {hull_doctor_host_checks, backend->checks,
						   hull_doctor_checks};
	const struct hull_settings *s = hull_cli_settings(NULL); /* a check tells what is wrong */
	cleanup_config struct hull_config config;

	hull_config_init(&config);
	if (s) {
		hull_settings_begin(s, &config);
		if (hull_settings_complete(s, &config) < 0)
			return hull_fail_nomem(err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct hull_check *c = tables[i]; c && c->name; c++) {
			struct finding *f = hull_vec_push(&d->findings);

			if (!f)
				return hull_fail_nomem(err);
			f->name = c->name;
			c->fn(&config, &f->result);
			d->counts[f->result.level]++;
		}
	}
	return 0;
}

static void print_table(const struct doctor *d)
{
	static const enum hull_out_style styles[] = {HULL_OUT_GOOD, HULL_OUT_WARNING, HULL_OUT_BAD};
	size_t warnings = d->counts[HULL_CHECK_WARNING], broken = d->counts[HULL_CHECK_BROKEN];

	for (size_t i = 0; i < d->findings.n; i++) {
		const struct finding *f = &d->findings.v[i];
		const struct hull_check_result *r = &f->result;

		hull_out_styled(styles[r->level], "%-8s", hull_check_level_names[r->level]);
		hull_out(" %-13s ", f->name);
		hull_out_styled(HULL_OUT_PLAIN, "%s\n", r->text);
		if (*r->hint) {
			hull_out("%23s", "");
			hull_out_styled(HULL_OUT_STRONG, "fix:");
			hull_out_styled(HULL_OUT_PLAIN, " %s\n", r->hint);
		}
	}
	if (broken)
		hull_out("\n'hull run' can't work here: %zu broken.\n", broken);
	else if (warnings)
		hull_out("\n'hull run' works here; %zu %s.\n", warnings,
			 warnings == 1 ? "warning" : "warnings");
	else
		hull_out("\n'hull run' works here.\n");
}

static struct hull_json *finding_json(const struct finding *f)
{
	struct hull_json *j = hull_json_object();

	if (!j || hull_json_set(j, "check", hull_json_string(f->name)) ||
	    hull_json_set(j, "status", hull_json_string(hull_check_level_names[f->result.level])) ||
	    hull_json_set(j, "text", hull_json_string(f->result.text)) ||
	    hull_json_set(j, "hint", hull_json_string(f->result.hint))) {
		hull_json_free(j);
		return NULL;
	}
	return j;
}

static int print_json(const struct doctor *d, struct hull_error **err)
{
	cleanup_json struct hull_json *j = hull_json_object();
	struct hull_json *checks = hull_json_array(); /* j's, once it has been set */
	cleanup_free char *text = NULL;
	int r = !j;

	if (r)
		hull_json_free(checks);
	r = r || hull_json_set(j, "checks", checks) ||
	    hull_json_set(j, "ok", hull_json_bool(!d->counts[HULL_CHECK_BROKEN])) ||
	    hull_json_set(j, "version", hull_json_string(HULL_VERSION));
	for (size_t i = 0; !r && i < d->findings.n; i++)
		r = hull_json_append(checks, finding_json(&d->findings.v[i]));
	text = r ? NULL : hull_json_pretty(j);
	if (!text)
		return hull_fail_nomem(err);
	hull_out("%s", text);
	return 0;
}

int hull_cmd_doctor(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct doctor d = {0};
	int r = hull_opts_parse_all(verb, argc, argv, on_option, &d, &err);

	if (r > 0)
		return HULL_EXIT_OK;
	if (r == 0)
		r = examine(&d, &err);
	if (r == 0 && !d.quiet && d.output == OUTPUT_JSON)
		r = print_json(&d, &err);
	else if (r == 0 && !d.quiet)
		print_table(&d);
	free(d.findings.v);
	if (r < 0) {
		hull_out_error(err);
		return hull_exit_code(err);
	}
	return d.counts[HULL_CHECK_BROKEN] ? HULL_EXIT_FAILED : HULL_EXIT_OK;
}
