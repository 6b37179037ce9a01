/* SPDX-License-Identifier: Apache-2.0
 *
 * hull's own dialect.  A handle keeps of it, as text, what the shared model has no place for, so
 * that nothing is lost on the way through; what is written is read again before it is handed out.
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

/* ---- reading ---- */

static bool is_shared(const char *key, bool kernel)
{
	static const char *const always[] = {"cpus", "memory", "devices"};
	static const char *const boot[] = {"kernel", "initrd", "append"};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (!strcmp(key, always[i]))
			return true;
	for (size_t i = 0; kernel && i < ARRAY_SIZE(boot); i++)
		if (!strcmp(key, boot[i]))
			return true;
	return false;
}

struct keeping {
	struct hull_json *json;
	bool kernel; /* the bootloader is shared */
};

static int keep_member(void *ctx, const char *key, struct hull_json *value)
{
	struct keeping *k = ctx;
	cleanup_free char *text = is_shared(key, k->kernel) ? NULL : hull_json_text(value);
	struct hull_json *copy;

	if (is_shared(key, k->kernel))
		return 0;
	if (!text || hull_json_parse(text, strlen(text), &copy, NULL) < 0)
		return -ENOMEM;
	return hull_json_set(k->json, key, copy);
}

static int keep(struct hull_vm_config *c, const char *text, size_t len, bool kernel,
		struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL, *kept = hull_json_object();
	struct keeping k = {kept, kernel};

	if (!kept)
		return hull_fail_nomem(err);
	if (hull_json_parse(text, len, &json, err) < 0)
		return -1;
	if (hull_json_each(json, keep_member, &k) < 0)
		return hull_fail_nomem(err);
	c->own = hull_json_text(kept);
	return c->own ? 0 : hull_fail_nomem(err);
}

static int take_kernel(struct hull_vm_config *c, struct hull_config *config,
		       struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf cmdline = HULL_STRBUF_INIT;
	struct hull_boot_linux *boot = &c->vm.bootloader.linux_boot;

	c->vm.bootloader.kind = HULL_BOOT_LINUX;
	boot->kernel = steal_ptr(&config->kernel);
	boot->initrd = steal_ptr(&config->initrd);
	for (size_t i = 0; i < config->append.n; i++)
		hull_strbuf_addf(&cmdline, "%s%s", i ? " " : "", config->append.v[i]);
	if (!config->append.n)
		return 0;
	boot->cmdline = hull_strbuf_steal(&cmdline);
	return boot->cmdline ? 0 : hull_fail_nomem(err);
}

int hull_lib_own_read(struct hull_vm_config *c, const char *text, size_t len,
		      struct hull_error **err)
{
	cleanup_config struct hull_config config;
	bool kernel;

	hull_config_init(&config);
	if (hull_config_read_user(text, len, NULL, &config, NULL, err) < 0)
		return -1;
	kernel = config.kernel != NULL;
	if (keep(c, text, len, kernel, err) < 0 || (kernel && take_kernel(c, &config, err) < 0))
		return -1;
	c->vm.cpus = config.cpus;
	c->vm.memory_bytes = config.memory_bytes;
	for (size_t i = 0; i < config.devices.n; i++) {
		struct hull_device dev = config.devices.v[i];

		config.devices.v[i] = (struct hull_device){0};
		if (hull_lib_push(c, &dev, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- writing ---- */

static int fail_absent(const char *what, struct hull_error **err)
{
	return hull_fail(err, HULL_E_UNSUPPORTED, "hull's dialect can't say it: %s", what);
}

static int check_shared(const struct hull_vfkit *vm, struct hull_error **err)
{
	if (vm->bootloader.kind == HULL_BOOT_EFI || vm->bootloader.kind == HULL_BOOT_MACOS)
		return fail_absent(vm->bootloader.kind == HULL_BOOT_EFI ? "bootloader efi"
									: "bootloader macos",
				   err);
	if (vm->has_timesync)
		return fail_absent("timesync", err);
	if (vm->has_ignition)
		return fail_absent("ignition", err);
	return vm->nested ? fail_absent("nested virtualisation", err) : 0;
}

/* A machine that was not described in hull's dialect has none of hull's own in it. */
static struct hull_json *base_object(const struct hull_vm_config *c)
{
	static const char foreign[] = "{\"version\":1,\"agent\":\"none\"}";
	const char *text = c->own ? c->own : foreign;
	struct hull_json *json = NULL;

	return hull_json_parse(text, strlen(text), &json, NULL) < 0 ? NULL : json;
}

static int set_text(struct hull_json *json, const char *key, const char *text)
{
	return text ? hull_json_set(json, key, hull_json_string(text)) : 0;
}

static int set_boot(struct hull_json *json, const struct hull_bootloader *boot)
{
	struct hull_json *append;

	if (boot->kind != HULL_BOOT_LINUX)
		return 0;
	if (set_text(json, "kernel", boot->linux_boot.kernel) < 0 ||
	    set_text(json, "initrd", boot->linux_boot.initrd) < 0)
		return -ENOMEM;
	if (!boot->linux_boot.cmdline)
		return 0;
	append = hull_json_array();
	if (append && hull_json_append(append, hull_json_string(boot->linux_boot.cmdline)) < 0) {
		hull_json_free(append);
		append = NULL;
	}
	return hull_json_set(json, "append", append);
}

static int set_devices(struct hull_json *json, const struct hull_vfkit *vm)
{
	struct hull_json *list;

	if (!vm->devices.n)
		return 0;
	list = hull_json_array();
	for (size_t i = 0; list && i < vm->devices.n; i++)
		if (hull_json_append(list, hull_device_fields.own->to_json(&vm->devices.v[i])) <
		    0) {
			hull_json_free(list);
			list = NULL;
		}
	return hull_json_set(json, "devices", list);
}

static int to_object(const struct hull_vm_config *c, struct hull_json **ret,
		     struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;

	if (check_shared(&c->vm, err) < 0)
		return -1;
	json = base_object(c);
	if (!json || hull_json_set(json, "cpus", hull_json_u64(c->vm.cpus)) < 0 ||
	    hull_json_set(json, "memory", hull_json_u64(c->vm.memory_bytes)) < 0 ||
	    set_boot(json, &c->vm.bootloader) < 0 || set_devices(json, &c->vm) < 0)
		return hull_fail_nomem(err);
	*ret = steal_ptr(&json);
	return 0;
}

int hull_lib_own_write(const struct hull_vm_config *c, char **ret_text, struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	cleanup_config struct hull_config config;
	cleanup_free char *text = NULL;

	hull_config_init(&config);
	if (to_object(c, &json, err) < 0)
		return -1;
	text = hull_json_text(json);
	if (!text)
		return hull_fail_nomem(err);
	if (hull_config_read_user(text, strlen(text), NULL, &config, NULL, err) < 0)
		return hull_prefix(err, "hull's dialect");
	*ret_text = steal_ptr(&text);
	return 0;
}

/* ---- arguments ---- */

enum option_type { WORD, NUMBER, SIZE, LIST, FLAG, ROOT, NET, DEVICE };

/* Those options of "hull run" that say what the machine is like, in the order of writing. */
static const struct option {
	const char *name;
	char letter;
	enum option_type type;
	const char *key; /* member of the description */
} options[] = {
	{"name", 0, WORD, "name"},
	{"cpus", 'c', NUMBER, "cpus"},
	{"memory", 'm', SIZE, "memory"},
	{"arch", 0, WORD, "arch"},
	{"machine", 0, WORD, "machine"},
	{"accel", 0, WORD, "accel"},
	{"cpu", 0, WORD, "cpu_model"},
	{"kernel", 0, WORD, "kernel"},
	{"initrd", 0, WORD, "initrd"},
	{"modules", 0, WORD, "modules"},
	{"append", 0, LIST, "append"},
	{"dump-on-panic", 0, WORD, "panic_dump"},
	{"agent", 0, WORD, "agent"},
	{"link", 0, WORD, "link"},
	{"console", 0, FLAG, "console"},
	{"root", 0, ROOT, "root"},
	{"share-driver", 0, WORD, "share_driver"},
	{"share-cache", 0, WORD, "share_cache"},
	{"net", 0, NET, "networks"},
	{"device", 0, DEVICE, "devices"},
};

/* Appends to the list of that name. */
static int append_to(struct hull_json *json, const char *key, struct hull_json *item)
{
	struct hull_json *list = hull_json_get(json, key);

	if (!list) {
		if (hull_json_set(json, key, hull_json_array()) < 0) {
			hull_json_free(item);
			return -ENOMEM;
		}
		list = hull_json_get(json, key);
	}
	return hull_json_append(list, item);
}

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
	r = append_to(json, "devices", hull_device_fields.own->to_json(&dev));
	hull_device_fini(&dev);
	return r < 0 ? hull_fail_nomem(err) : 0;
}

static int set_option(struct hull_json *json, const struct option *o, const char *value,
		      const struct hull_vfkit_hooks *hooks, struct hull_error **err)
{
	uint64_t number = 0;
	int r = 0;

	switch (o->type) {
	case DEVICE:
		return set_device(json, value, hooks, err);
	case NUMBER:
		if (hull_parse_u64(value, UINT64_MAX, &number) < 0)
			return hull_fail(err, HULL_E_INVALID, "'%s' is no number", value);
		r = hull_json_set(json, o->key, hull_json_u64(number));
		break;
	case LIST:
		r = append_to(json, o->key, hull_json_string(value));
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
			r = append_to(json, o->key, object_of("kind", value));
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
	const struct hull_vfkit_hooks *hooks = hull_lib_hooks(flags, err);
	cleanup_json struct hull_json *json = hull_json_object();
	cleanup_free char *text = NULL;

	if (!hooks)
		return -1;
	if (!json || hull_json_set(json, "version", hull_json_u64(HULL_CONFIG_VERSION)) < 0)
		return hull_fail_nomem(err);
	if (read_args(json, args, n, hooks, err) < 0)
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

	hull_strv_addf(args, "--%s", name);
	(void)hull_json_get_u64(value, &bytes); /* written by us */
	hull_strv_addf(args, "%" PRIu64 "%s", bytes % MIB ? bytes : bytes / MIB,
		       bytes % MIB ? "" : "M");
}

static int render_devices(const struct hull_vfkit *vm, struct hull_strv *args,
			  struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;

	for (size_t i = 0; i < vm->devices.n; i++) {
		hull_strbuf_clear(&value);
		if (hull_vfkit_render_device(&vm->devices.v[i], &value, err) < 0)
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

	if (!strcmp(key, "version"))
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
	if (hull_lib_own_write(c, &text, err) < 0 || to_object(c, &json, err) < 0)
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
