/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of "hull run" that say what a machine is like.  They are members of hull's own JSON
 * in other words: by one table, there and back.
 */
#define _GNU_SOURCE
#include "lib/handle.h"

#include "base/json.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "config/config.h"

#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

enum option_type { WORD, NUMBER, SIZE, LIST, FLAG, ROOT, OBJECT, NET, DEVICE, TIMESYNC, RESTART };

/* Of objects that are a list of words, each ended by NULL.  A kind comes first, without its key. */
static const char *const firmware_members[] = {"kind", "store", "create", "code", "template", NULL};
static const char *const backing_members[] = {"prealloc", "hugepages", "lock", "dir", NULL};

/* Those options of "hull run" that say what the machine is like, in the order of writing. */
static const struct option {
	const char *name;
	char letter;
	enum option_type type;
	const char *key;	    /* member of the description */
	const char *const *members; /* OBJECT */
} options[] = {
	{"name", 0, WORD, "name", NULL},
	{"cpus", 'c', NUMBER, "cpus", NULL},
	{"memory", 'm', SIZE, "memory", NULL},
	{"cpus-max", 0, NUMBER, "cpus_max", NULL},
	{"memory-max", 0, SIZE, "memory_max", NULL},
	{"memory-slots", 0, NUMBER, "memory_slots", NULL},
	{"memory-backing", 0, OBJECT, "memory_backing", backing_members},
	{"arch", 0, WORD, "arch", NULL},
	{"machine", 0, WORD, "machine", NULL},
	{"accel", 0, WORD, "accel", NULL},
	{"cpu", 0, WORD, "cpu_model", NULL},
	{"iommu", 0, WORD, "iommu", NULL},
	{"cpu-feature", 0, LIST, "cpu_features", NULL},
	{"firmware", 0, OBJECT, "firmware", firmware_members},
	{"kernel", 0, WORD, "kernel", NULL},
	{"initrd", 0, WORD, "initrd", NULL},
	{"modules", 0, WORD, "modules", NULL},
	{"append", 0, LIST, "append", NULL},
	{"dump-on-panic", 0, WORD, "panic_dump", NULL},
	{"agent", 0, WORD, "agent", NULL},
	{"link", 0, WORD, "link", NULL},
	{"console", 0, FLAG, "console", NULL},
	{"root", 0, ROOT, "root", NULL},
	{"share-driver", 0, WORD, "share_driver", NULL},
	{"share-cache", 0, WORD, "share_cache", NULL},
	{"net", 0, NET, "networks", NULL},
	{"device", 0, DEVICE, "devices", NULL},
	{"ignition", 0, WORD, "ignition", NULL},
	{"timesync", 0, TIMESYNC, "timesync", NULL},
	{"on-reboot", 0, WORD, "on_reboot", NULL},
	{"isolation", 0, WORD, "isolation", NULL},
	{"restart", 0, RESTART, "restart", NULL},
};

static struct hull_json *object_of(const char *key, const char *value)
{
	struct hull_json *object = hull_json_object();

	if (object && hull_json_set(object, key, hull_json_string(value)) < 0) {
		hull_json_free(object);
		return NULL;
	}
	return object;
}

static int set_device(struct hull_json *json, const char *value,
		      const struct hull_vfkit_hooks *hooks, struct hull_error **err)
{
	struct hull_device dev;
	int r;

	if (hull_vfkit_parse_device(value, hooks, &dev, err) < 0)
		return -1;
	r = hull_lib_append(json, "devices", hull_device_fields.own->to_json(&dev));
	hull_device_fini(&dev);
	return r < 0 ? hull_fail_nomem(err) : 0;
}

static int set_timesync(struct hull_json *json, const char *value, struct hull_error **err)
{
	struct hull_timesync timesync;
	struct hull_json *object;

	if (hull_vfkit_parse_timesync(value, &timesync, err) < 0 ||
	    hull_fields_to_json(&hull_timesync_class.fields, &timesync, &object, err) < 0)
		return -1;
	return hull_json_set(json, "timesync", object) < 0 ? hull_fail_nomem(err) : 0;
}

/* "efi,store=FILE,create" */
static int set_object(struct hull_json *json, const struct option *o, const char *value,
		      struct hull_error **err)
{
	bool kind = !strcmp(o->members[0], "kind");
	cleanup_free char *copy = strdup(value);
	char *rest = copy, *word = copy && kind ? strsep(&rest, ",") : NULL;
	cleanup_json struct hull_json *object = word ? object_of("kind", word) : hull_json_object();

	if (!object || !copy)
		return hull_fail_nomem(err);
	while ((word = strsep(&rest, ",")) != NULL) {
		char *text = strchr(word, '=');
		size_t i = kind;
		int r;

		if (text)
			*text++ = '\0';
		while (o->members[i] && strcmp(word, o->members[i]) != 0)
			i++;
		if (!o->members[i])
			return hull_fail(err, HULL_E_INVALID, "unknown option '%s'", word);
		r = hull_json_set(object, word,
				  text ? hull_json_string(text) : hull_json_bool(true));
		if (r < 0)
			return hull_fail_nomem(err);
	}
	return hull_json_set(json, o->key, steal_ptr(&object)) < 0 ? hull_fail_nomem(err) : 0;
}

/* "on-failure:3" */
static int set_restart(struct hull_json *json, const char *value, struct hull_error **err)
{
	cleanup_json struct hull_json *object = NULL;
	struct hull_restart r;

	if (hull_policy_parse_restart(value, &r, err) < 0)
		return -1;
	object = object_of("policy", hull_restart_policy_names[r.policy]);
	if (!object || (r.max && hull_json_set(object, "max", hull_json_u64(r.max)) < 0) ||
	    hull_json_set(json, "restart", steal_ptr(&object)) < 0)
		return hull_fail_nomem(err);
	return 0;
}

static int set_option(struct hull_json *json, const struct option *o, const char *value,
		      const struct hull_vfkit_hooks *hooks, struct hull_error **err)
{
	uint64_t number = 0;
	int r = 0;

	switch (o->type) {
	case DEVICE:
		return set_device(json, value, hooks, err);
	case OBJECT:
		return set_object(json, o, value, err);
	case TIMESYNC:
		return set_timesync(json, value, err);
	case RESTART:
		return set_restart(json, value, err);
	case NUMBER:
		if (hull_parse_u64(value, UINT64_MAX, &number) < 0)
			return hull_fail(err, HULL_E_INVALID, "'%s' is no number", value);
		r = hull_json_set(json, o->key, hull_json_u64(number));
		break;
	case LIST:
		r = hull_lib_append(json, o->key, hull_json_string(value));
		break;
	case FLAG:
		r = hull_json_set(json, o->key, hull_json_bool(true));
		break;
	case ROOT:
		r = hull_json_set(json, o->key, object_of("kind", value));
		break;
	case NET:
		r = hull_json_set(json, o->key, hull_json_array());
		if (r == 0 && strcmp(value, "none") != 0)
			r = hull_lib_append(json, o->key, object_of("kind", value));
		break;
	case WORD:
	case SIZE:
		r = hull_json_set(json, o->key, hull_json_string(value));
		break;
	}
	return r < 0 ? hull_fail_nomem(err) : 0;
}

/* The option that begins @word; *ret_value is what stands behind it in the word, or NULL. */
static const struct option *find_option(const char *word, const char **ret_value)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		size_t len = strlen(o->name);

		*ret_value = NULL;
		if (!strncmp(word, "--", 2) && !strncmp(word + 2, o->name, len) &&
		    (!word[2 + len] || word[2 + len] == '=')) {
			*ret_value = word[2 + len] ? word + 3 + len : NULL;
			return o;
		}
		if (word[0] == '-' && o->letter && word[1] == o->letter) {
			*ret_value = word[2] ? word + 2 : NULL;
			return o;
		}
	}
	return NULL;
}

static int fail_option(const char *word, struct hull_error **err)
{
	if (*word == '-')
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "'%s' is none of the options that describe a machine", word);
	return hull_fail(err, HULL_E_UNSUPPORTED, "'%s': a command is no part of a description",
			 word);
}

static int read_args(struct hull_json *json, const char *const *args, size_t n,
		     const struct hull_vfkit_hooks *hooks, struct hull_error **err)
{
	for (size_t i = 0; i < n; i++) {
		const char *value, *word = args[i];
		const struct option *o = find_option(word, &value);

		if (!o)
			return fail_option(word, err);
		if (o->type == FLAG && value)
			return hull_fail(err, HULL_E_INVALID, "--%s takes no value", o->name);
		if (o->type != FLAG && !value) {
			if (++i == n)
				return hull_fail(err, HULL_E_INVALID, "--%s needs a value",
						 o->name);
			value = args[i];
		}
		if (set_option(json, o, value, hooks, err) < 0)
			return hull_prefix(err, "--%s", o->name);
	}
	return 0;
}

int hull_lib_own_parse(struct hull_vm_config *c, const char *const *args, size_t n, uint32_t flags,
		       struct hull_error **err)
{
	cleanup_json struct hull_json *json = hull_json_object();
	cleanup_free char *text = NULL;
	struct hull_vfkit_hooks hooks;

	if (hull_lib_hooks(flags, HULL_DIALECT_HULL, &hooks, err) < 0)
		return -1;
	if (!json || hull_json_set(json, "version", hull_json_u64(HULL_CONFIG_VERSION)) < 0)
		return hull_fail_nomem(err);
	if (read_args(json, args, n, &hooks, err) < 0)
		return -1;
	text = hull_json_text(json);
	if (!text)
		return hull_fail_nomem(err);
	return hull_lib_own_read(c, text, strlen(text), err);
}

static void add_option(struct hull_strv *args, const char *name, const char *value)
{
	hull_strv_addf(args, "--%s", name);
	hull_strv_add(args, value);
}

static void render_size(struct hull_strv *args, const char *name, const struct hull_json *value)
{
	uint64_t bytes = 0;

	if (hull_json_str(value)) { /* as somebody has written it */
		add_option(args, name, hull_json_str(value));
		return;
	}
	hull_strv_addf(args, "--%s", name);
	(void)hull_json_get_u64(value, &bytes); /* written by us */
	hull_strv_addf(args, "%" PRIu64 "%s", bytes % MIB ? bytes : bytes / MIB,
		       bytes % MIB ? "" : "M");
}

/* The JSON of the device that @words mean; NULL if they mean none. */
static struct hull_json *json_of_words(const char *words)
{
	const struct hull_vfkit_hooks hooks = {.ours = true};
	struct hull_json *json;
	struct hull_device dev;

	if (hull_vfkit_parse_device(words, &hooks, &dev, NULL) < 0)
		return NULL;
	json = hull_device_fields.own->to_json(&dev);
	hull_device_fini(&dev);
	return json;
}

static bool same_json(const struct hull_json *a, const struct hull_json *b)
{
	cleanup_free char *x = a ? hull_json_text(a) : NULL, *y = b ? hull_json_text(b) : NULL;

	return x && y && !strcmp(x, y);
}

struct adding {
	const struct hull_json *said;
	struct hull_strbuf *words;
};

/* ",key=value" for what vfkit's words don't say. */
static int add_word(void *ctx, const char *key, struct hull_json *value)
{
	const struct adding *a = ctx;
	cleanup_free char *text = NULL;
	const char *string = hull_json_str(value);

	if (same_json(value, hull_json_get(a->said, key)))
		return 0;
	if (hull_json_type(value) == HULL_JSON_BOOL)
		return hull_strbuf_addf(a->words, ",%s", key);
	text = string ? NULL : hull_json_text(value);
	return string || text ? hull_strbuf_addf(a->words, ",%s=%s", key, string ? string : text)
			      : -ENOMEM;
}

/* vfkit's words, and our own for the rest. */
static int render_device(const struct hull_device *dev, struct hull_strbuf *words,
			 struct hull_error **err)
{
	cleanup_json struct hull_json *want = hull_device_fields.own->to_json(dev), *said = NULL,
				      *got = NULL;
	struct adding adding = {NULL, words};

	if (!want)
		return hull_fail_nomem(err);
	if (hull_vfkit_render_device(dev, words, err) < 0)
		return -1;
	said = json_of_words(hull_strbuf_str(words));
	adding.said = said;
	if (said && hull_json_each(want, add_word, &adding) < 0)
		return hull_fail_nomem(err);
	got = json_of_words(hull_strbuf_str(words));
	return same_json(want, got)
		       ? 0
		       : hull_fail(err, HULL_E_UNSUPPORTED, "there are no options for all of it");
}

static int render_devices(const struct hull_vfkit *vm, struct hull_strv *args,
			  struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;

	for (size_t i = 0; i < vm->devices.n; i++) {
		hull_strbuf_clear(&value);
		if (render_device(&vm->devices.v[i], &value, err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
		add_option(args, "device", hull_strbuf_str(&value));
	}
	return 0;
}

/* What has members beside its kind has no option. */
static const char *only_kind(const struct hull_json *object)
{
	cleanup_free char *text = hull_json_text(object);
	const char *kind = hull_json_str(hull_json_get(object, "kind"));

	return kind && text && strlen(text) == strlen(kind) + strlen("{\"kind\":\"\"}") ? kind
											: NULL;
}

static int render_object(const struct option *o, const struct hull_json *object,
			 struct hull_strv *args, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;

	for (size_t i = 0; o->members[i]; i++) {
		const struct hull_json *member = hull_json_get(object, o->members[i]);
		bool flag = hull_json_type(member) == HULL_JSON_BOOL;
		cleanup_free char *number = NULL;
		const char *text = hull_json_str(member);

		if (!member)
			continue;
		if (text && strchr(text, ','))
			return hull_fail(err, HULL_E_UNSUPPORTED,
					 "%s.%s: there is no option for a path with a comma",
					 o->key, o->members[i]);
		if (!text && !flag)
			text = number = hull_json_text(member);
		hull_strbuf_adds(&value, value.len ? "," : "");
		if (strcmp(o->members[i], "kind") != 0)
			hull_strbuf_addf(&value, "%s%s", o->members[i], flag ? "" : "=");
		hull_strbuf_adds(&value, text ? text : "");
	}
	if (value.failed)
		return hull_fail_nomem(err);
	add_option(args, o->name, hull_strbuf_str(&value));
	return 0;
}

/* Only "on-failure" has a number as an option. */
static int render_restart(const struct hull_json *object, struct hull_strv *args,
			  struct hull_error **err)
{
	const char *policy = hull_json_str(hull_json_get(object, "policy"));
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;
	struct hull_restart r;
	uint64_t max = 0;

	(void)hull_json_get_u64(hull_json_get(object, "max"), &max);
	hull_strbuf_adds(&value, policy ? policy : "no");
	if (max)
		hull_strbuf_addf(&value, ":%" PRIu64, max);
	if (value.failed)
		return hull_fail_nomem(err);
	if (hull_policy_parse_restart(hull_strbuf_str(&value), &r, NULL) < 0)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "restart: there is no option for all of it");
	add_option(args, "restart", hull_strbuf_str(&value));
	return 0;
}

static int render_option(const struct hull_vm_config *c, const struct option *o,
			 const struct hull_json *value, struct hull_strv *args,
			 struct hull_error **err)
{
	bool flag = false;
	uint64_t number = 0;
	const char *text = hull_json_str(value);
	size_t n = hull_json_length(value);

	switch (o->type) {
	case DEVICE:
		return render_devices(&c->vm, args, err);
	case OBJECT:
		return render_object(o, value, args, err);
	case TIMESYNC:
		(void)hull_json_get_u64(hull_json_get(value, "port"), &number); /* by us */
		hull_strv_addf(args, "--%s", o->name);
		hull_strv_addf(args, "vsockPort=%" PRIu64, number);
		return 0;
	case RESTART:
		return render_restart(value, args, err);
	case NUMBER:
		(void)hull_json_get_u64(value, &number);
		hull_strv_addf(args, "--%s", o->name);
		hull_strv_addf(args, "%" PRIu64, number);
		return 0;
	case SIZE:
		render_size(args, o->name, value);
		return 0;
	case LIST:
		for (size_t i = 0; i < n; i++)
			add_option(args, o->name, hull_json_str(hull_json_at(value, i)));
		return 0;
	case FLAG:
		(void)hull_json_get_bool(value, &flag);
		if (flag)
			hull_strv_addf(args, "--%s", o->name);
		return 0;
	case NET:
		text = n == 0 ? "none" : n == 1 ? only_kind(hull_json_at(value, 0)) : NULL;
		break;
	case ROOT:
		text = only_kind(value);
		break;
	case WORD:
		break;
	}
	if (!text)
		return hull_fail(err, HULL_E_UNSUPPORTED, "%s: there is no option for all of it",
				 o->key);
	add_option(args, o->name, text);
	return 0;
}

static int find_key(void *ctx, const char *key, struct hull_json *value)
{
	const char **lost = ctx;

	/* The last one has no option: a loss that is told. */
	if (!strcmp(key, "version") || !strcmp(key, "rng"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(key, options[i].key))
			return 0;
	*lost = key;
	return 1;
}

int hull_lib_own_render(const struct hull_vm_config *c, struct hull_strv *args,
			struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	cleanup_free char *text = NULL;
	const char *lost = NULL;

	/* Of what can be written, that is. */
	if (hull_lib_own_write(c, &text, err) < 0 || hull_lib_own_object(c, &json, err) < 0)
		return -1;
	if (hull_json_each(json, find_key, &lost) > 0)
		return hull_fail(err, HULL_E_UNSUPPORTED, "%s: there is no option for it", lost);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (hull_json_has(json, options[i].key) &&
		    render_option(c, &options[i], hull_json_get(json, options[i].key), args, err) <
			    0)
			return -1;
	return args->failed ? hull_fail_nomem(err) : 0;
}
