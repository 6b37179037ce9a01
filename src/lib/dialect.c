/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions from and to text: JSON and command lines, in either dialect.  See hull/config.h for
 * every function.
 */
#define _GNU_SOURCE
#include "lib/handle.h"

#include "config/dialect.h"

#include <string.h>

#define JSON_MAX ((size_t)4 << 20)

static int fail_dialect(uint32_t dialect, struct hull_error **err)
{
	return hull_fail(err, HULL_E_UNSUPPORTED, "dialect: %u is not known", dialect);
}

int hull_lib_pack(const struct hull_strv *list, char ***ret, struct hull_error **err)
{
	size_t size = (list->n + 1) * sizeof(char *);
	char **v, *at;

	for (size_t i = 0; i < list->n; i++)
		size += strlen(list->v[i]) + 1;
	v = list->failed ? NULL : malloc(size);
	if (!v)
		return hull_fail_nomem(err);
	at = (char *)&v[list->n + 1];
	for (size_t i = 0; i < list->n; i++) {
		v[i] = at;
		at = stpcpy(at, list->v[i]) + 1;
	}
	v[list->n] = NULL;
	*ret = v;
	return 0;
}

/* ---- the machine as vfkit sees it ---- */

/* *ret_vm is what the handle has, or @made where that has more in it. */
static int view_as_vfkit(const struct hull_vm_config *c, struct hull_vfkit *made,
			 struct hull_strv *notes, const struct hull_vfkit **ret_vm,
			 struct hull_error **err)
{
	cleanup_config struct hull_config config;

	hull_config_init(&config);
	*ret_vm = c->own ? made : &c->vm;
	if (!c->own)
		return 0;
	if (hull_lib_own_make(c, &config, NULL, err) < 0 ||
	    hull_config_to_vfkit(&config, made, notes, err) < 0)
		return -1;
	made->nested = c->vm.nested; /* hull has no place for it */
	return 0;
}

/* ---- JSON ---- */

int hull_vm_config_from_json(const char *text, size_t len, uint32_t dialect,
			     struct hull_vm_config **ret_config, struct hull_error **err)
{
	cleanup_vm_config struct hull_vm_config *c = hull_lib_config_new();
	int r;

	if (!c)
		return hull_fail_nomem(err);
	if (len > JSON_MAX)
		return hull_fail(err, HULL_E_INVALID, "JSON: more than %zu bytes", JSON_MAX);
	if (dialect == HULL_DIALECT_VFKIT)
		r = hull_vfkit_from_json(text, len, &c->vm, &c->notes, err);
	else if (dialect == HULL_DIALECT_HULL)
		r = hull_lib_own_read(c, text, len, err);
	else
		r = fail_dialect(dialect, err);
	if (r < 0)
		return -1;
	if (c->notes.failed)
		return hull_fail_nomem(err);
	*ret_config = steal_ptr(&c);
	return 0;
}

static int write_vfkit(const struct hull_vm_config *c, char **ret_text, struct hull_error **err)
{
	cleanup_vfkit struct hull_vfkit made = {0};
	cleanup_strv struct hull_strv notes = {0};
	const struct hull_vfkit *vm;

	if (view_as_vfkit(c, &made, &notes, &vm, err) < 0)
		return -1;
	return hull_vfkit_to_json(vm, ret_text, err);
}

int hull_vm_config_to_json(struct hull_vm_config *config, uint32_t dialect, char **ret_text,
			   struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);

	if (dialect == HULL_DIALECT_VFKIT)
		return write_vfkit(c, ret_text, err);
	if (dialect == HULL_DIALECT_HULL)
		return hull_lib_own_write(c, ret_text, err);
	return fail_dialect(dialect, err);
}

/* ---- arguments ---- */

static int note_flags(const struct hull_vfkit_flags *flags, struct hull_strv *notes,
		      struct hull_error **err)
{
	static const char *const names[] = {"cloud-init", "restful-uri", "log-level", "pidfile"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (hull_vfkit_given(flags, names[i]))
			hull_strv_addf(notes, "--%s is not part of the description", names[i]);
	return notes->failed ? hull_fail_nomem(err) : 0;
}

static int parse_vfkit(struct hull_vm_config *c, const char *const *args, size_t n, uint32_t flags,
		       struct hull_error **err)
{
	cleanup_vfkit_flags struct hull_vfkit_flags given = {0};
	struct hull_vfkit_hooks hooks;

	/* The parser writes to none of the words. */
	if (hull_lib_hooks(flags, HULL_DIALECT_VFKIT, &hooks, err) < 0 ||
	    hull_vfkit_parse_flags((char *const *)args, n, &given, err) < 0)
		return -1;
	if (given.help || given.version)
		return hull_fail(err, HULL_E_INVALID,
				 "'--%s' asks vfkit for words, not for a machine",
				 given.help ? "help" : "version");
	if (hull_vfkit_from_flags(&given, &hooks, &c->vm, err) < 0)
		return -1;
	return note_flags(&given, &c->notes, err);
}

int hull_vm_config_from_args(const char *const *args, size_t n, uint32_t dialect, uint32_t flags,
			     struct hull_vm_config **ret_config, struct hull_error **err)
{
	cleanup_vm_config struct hull_vm_config *c = hull_lib_config_new();
	int r;

	if (!c)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		if (!args[i])
			return hull_fail(err, HULL_E_INVALID, "args[%zu]: it is missing", i);
	if (dialect == HULL_DIALECT_VFKIT)
		r = parse_vfkit(c, args, n, flags, err);
	else if (dialect == HULL_DIALECT_HULL)
		r = hull_lib_own_parse(c, args, n, flags, err);
	else
		r = fail_dialect(dialect, err);
	if (r < 0)
		return -1;
	*ret_config = steal_ptr(&c);
	return 0;
}

static int render_vfkit(const struct hull_vm_config *c, struct hull_strv *args,
			struct hull_error **err)
{
	cleanup_vfkit struct hull_vfkit made = {0};
	cleanup_strv struct hull_strv notes = {0};
	const struct hull_vfkit *vm;

	if (view_as_vfkit(c, &made, &notes, &vm, err) < 0)
		return -1;
	return hull_vfkit_render(vm, args, err);
}

int hull_lib_render(const struct hull_vm_config *c, uint32_t dialect, struct hull_strv *args,
		    struct hull_error **err)
{
	if (dialect == HULL_DIALECT_VFKIT)
		return render_vfkit(c, args, err);
	if (dialect == HULL_DIALECT_HULL)
		return hull_lib_own_render(c, args, err);
	return fail_dialect(dialect, err);
}

int hull_vm_config_to_args(struct hull_vm_config *config, uint32_t dialect, char ***ret_args,
			   struct hull_error **err)
{
	cleanup_strv struct hull_strv args = {0};
	HULL_LIB_LOCKED(c, config);

	if (hull_lib_render(c, dialect, &args, err) < 0)
		return -1;
	return hull_lib_pack(&args, ret_args, err);
}

/* ---- what is lost ---- */

static int vfkit_losses(const struct hull_vm_config *c, uint32_t form, struct hull_strv *notes,
			struct hull_error **err)
{
	cleanup_vfkit struct hull_vfkit made = {0};
	const struct hull_vfkit *vm;
	int r;

	if (view_as_vfkit(c, &made, notes, &vm, err) < 0)
		return -1;
	r = form == HULL_FORM_JSON ? hull_vfkit_unwritten(vm, notes)
				   : hull_vfkit_unrendered(vm, notes);
	return r < 0 ? hull_fail_nomem(err) : 0;
}

static int own_losses(const struct hull_vm_config *c, uint32_t form, struct hull_strv *notes,
		      struct hull_error **err)
{
	cleanup_config struct hull_config config;

	hull_config_init(&config);
	if (hull_lib_own_make(c, &config, NULL, err) < 0)
		return -1;
	if (form == HULL_FORM_ARGS && !config.rng)
		hull_strv_add(notes, "rng: no option of 'hull run' says that there is none");
	return hull_config_unowned(&c->vm, notes) < 0 ? hull_fail_nomem(err) : 0;
}

int hull_vm_config_losses(struct hull_vm_config *config, uint32_t dialect, uint32_t form,
			  char ***ret_lines, struct hull_error **err)
{
	cleanup_strv struct hull_strv notes = {0};
	HULL_LIB_LOCKED(c, config);
	int r;

	if (form != HULL_FORM_JSON && form != HULL_FORM_ARGS)
		return hull_fail(err, HULL_E_UNSUPPORTED, "form: %u is not known", form);
	if (dialect == HULL_DIALECT_VFKIT)
		r = vfkit_losses(c, form, &notes, err);
	else if (dialect == HULL_DIALECT_HULL)
		r = own_losses(c, form, &notes, err);
	else
		r = fail_dialect(dialect, err);
	return r < 0 ? -1 : hull_lib_pack(&notes, ret_lines, err);
}

int hull_vm_config_notes(struct hull_vm_config *config, char ***ret_lines, struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);

	return hull_lib_pack(&c->notes, ret_lines, err);
}
