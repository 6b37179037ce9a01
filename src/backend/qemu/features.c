/* SPDX-License-Identifier: Apache-2.0
 *
 * The questions of features.h: where the first CPU is, then one for each feature, which are
 * properties of that object.
 */
#define _GNU_SOURCE
#include "backend/qemu/features.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <string.h>

static int fail_feature(const char *feature, struct hull_error **err)
{
	if (*feature == '-')
		hull_fail_cause(err, HULL_E_UNSUPPORTED, "cpu-feature",
				"cpu_features: '%s' can't be taken from this CPU", feature + 1);
	else
		hull_fail_cause(err, HULL_E_UNSUPPORTED, "cpu-feature",
				"cpu_features: '%s' can't be had: this host's processor, or its "
				"emulation, has no such thing",
				feature + 1);
	hull_hint(err, "leave it out, or choose another model with --cpu");
	return -1;
}

static int fail_unknown(const char *feature, struct hull_error **err)
{
	hull_fail_cause(err, HULL_E_INVALID, "unknown-cpu-feature",
			"cpu_features: this CPU has no feature '%s' to switch %s", feature + 1,
			*feature == '-' ? "off" : "on");
	hull_hint(err, "'qemu-system-x86_64 -cpu help' lists those of x86_64; is it one of this "
		       "model's?");
	return -1;
}

static void finish(struct hull_qemu_features *f)
{
	f->done(f->ctx, steal_ptr(&f->error));
}

static void on_feature(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct hull_qemu_features *f = ctx;
	const char *feature = f->config->cpu_features.v[f->answered++]; /* in the order asked */
	bool on = false;

	if (!f->error && error && hull_error_code(error) == HULL_E_UNAVAILABLE)
		(void)hull_fail_copy(&f->error, error);
	else if (!f->error && (error || hull_json_get_bool(result, &on) < 0))
		(void)fail_unknown(feature, &f->error);
	else if (!f->error && on != (*feature == '+'))
		(void)fail_feature(feature, &f->error);
	if (f->answered == f->asked)
		finish(f);
}

/* -1 without memory, or a connection. */
static int ask_feature(struct hull_qemu_features *f, const char *path, const char *name)
{
	cleanup_json struct hull_json *args = hull_json_object();

	if (!args || hull_json_set(args, "path", hull_json_string(path)) < 0 ||
	    hull_json_set(args, "property", hull_json_string(name)) < 0) {
		(void)hull_fail_nomem(&f->error);
		return -1;
	}
	return hull_qmp_execute(f->qmp, "qom-get", steal_ptr(&args), on_feature, f, &f->error);
}

static void on_cpus(void *ctx, const struct hull_json *result, const struct hull_error *error)
{
	struct hull_qemu_features *f = ctx;
	const struct hull_strv *all = &f->config->cpu_features;
	const char *path = hull_json_str(hull_json_get(hull_json_at(result, 0), "qom-path"));

	if (error)
		(void)hull_fail_copy(&f->error, error);
	else if (!path)
		(void)hull_fail(&f->error, HULL_E_BACKEND, "QMP: QEMU does not tell of its CPUs");
	while (!f->error && f->asked < all->n && ask_feature(f, path, all->v[f->asked] + 1) == 0)
		f->asked++;
	if (!f->asked)
		finish(f);
}

int hull_qemu_features_check(struct hull_qemu_features *f, const struct hull_config *config,
			     struct hull_qmp *qmp,
			     void (*done)(void *ctx, struct hull_error *error), void *ctx,
			     struct hull_error **err)
{
	*f = (struct hull_qemu_features){.config = config, .qmp = qmp, .done = done, .ctx = ctx};
	return hull_qmp_execute(qmp, "query-cpus-fast", NULL, on_cpus, f, err);
}

int hull_qemu_features_explain(const struct hull_config *config, const char *said,
			       struct hull_error **err)
{
	for (size_t i = 0; i < config->cpu_features.n; i++) {
		const char *feature = config->cpu_features.v[i], *at = said;
		size_t len = strlen(feature + 1);

		/* "'x86_64-cpu.NAME'", or "'NAME'" */
		while ((at = strstr(at + 1, feature + 1)))
			if (strchr(".'", at[-1]) && at[len] == '\'')
				return fail_unknown(feature, err);
	}
	return 0;
}
