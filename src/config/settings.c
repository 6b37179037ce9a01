/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of settings, and where their values come from and go to, see settings.h.
 */
#define _GNU_SOURCE
#include "config/settings.h"

#include "base/cleanup.h"
#include "base/names.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

#define SHOWN_LEN 64 /* of a key that is none */

const char *const hull_net_names[] = {"user", "none", "passt", "builtin", NULL};
static const char *const color_names[] = {"auto", "always", "never", NULL};
static const char *const level_names[] = {"debug", "info", "warning", "error", NULL};
static_assert(ARRAY_SIZE(hull_net_names) == HULL_NET_BUILTIN + 2, "one name for each value");
static_assert(ARRAY_SIZE(color_names) == HULL_COLOR_NEVER + 2, "one name for each value");
static_assert(ARRAY_SIZE(level_names) == HULL_LOG_ERROR + 2, "one name for each value");

const struct hull_setting hull_settings_table[HULL_SETTINGS_COUNT] = {
	{.name = "accel", .variable = "HULL_ACCEL", .key = "accel"},
	{.name = "boot_timeout",
	 .variable = "HULL_BOOT_TIMEOUT",
	 .key = "boot_timeout_ms",
	 .help = "how long a guest may take until it is ready",
	 .style = HULL_SETTING_TIME},
	{.name = "color", .variable = "HULL_COLOR", .also = "NO_COLOR", .also_means = "never"},
	{.name = "cpu_limit",
	 .variable = "HULL_CPU_LIMIT",
	 .key = "cpu_limit",
	 .help = "how much of the host's CPUs a machine may use, such as 0.5 or 2; 0: no limit",
	 .style = HULL_SETTING_MILLI},
	{.name = "cpu_model",
	 .variable = "HULL_CPU_MODEL",
	 .key = "cpu_model",
	 .scope = HULL_SETTING_NATIVE},
	{.name = "cpus", .variable = "HULL_CPUS", .key = "cpus"},
	{.name = "guest_dir", .variable = "HULL_GUEST_DIR"},
	{.name = "home", .variable = "HULL_HOME", .variable_only = true},
	{.name = "initrd", .variable = "HULL_INITRD", .key = "initrd", .scope = HULL_SETTING_BOOT},
	{.name = "kernel", .variable = "HULL_KERNEL", .key = "kernel", .scope = HULL_SETTING_BOOT},
	{.name = "log_level",
	 .variable = "HULL_LOG_LEVEL",
	 .also = "HULL_DEBUG",
	 .also_means = "debug"},
	{.name = "memory", .variable = "HULL_MEMORY", .key = "memory"},
	{.name = "modules",
	 .variable = "HULL_MODULES",
	 .key = "modules",
	 .scope = HULL_SETTING_BOOT},
	{.name = "net", .variable = "HULL_NET"},
	{.name = "passt", .variable = "HULL_PASST", .key = "programs.passt"},
	{.name = "pids_limit", .variable = "HULL_PIDS_LIMIT"},
	{.name = "qemu",
	 .variable = "HULL_QEMU",
	 .key = "programs.qemu",
	 .scope = HULL_SETTING_NATIVE},
	{.name = "scratch_dir", .variable = "HULL_SCRATCH_DIR", .key = "scratch_dir"},
	{.name = "share_cache", .variable = "HULL_SHARE_CACHE", .key = "share_cache"},
	{.name = "share_driver", .variable = "HULL_SHARE_DRIVER", .key = "share_driver"},
	{.name = "virtiofsd", .variable = "HULL_VIRTIOFSD", .key = "programs.virtiofsd"},
};

/* Those that no description has. */
static const struct hull_field own_table[] = {
	HULL_FIELD_ENUM(struct hull_settings, color, "color", 0, enum hull_color, HULL_COLOR_AUTO,
			color_names, "whether what hull prints is coloured; auto: on a terminal"),
	HULL_FIELD_STRING(struct hull_settings, guest_dir, "guest_dir", HULL_FIELD_PATH, 4000,
			  "directory of the guests' kernel, initramfs and modules; hull's own if "
			  "empty"),
	HULL_FIELD_STRING(struct hull_settings, home, "home", 0, 4095,
			  "directory below which all of hull's state lives, and its settings in "
			  "etc, instead of the usual places; not in a file"),
	HULL_FIELD_ENUM(struct hull_settings, log_level, "log_level", 0, enum hull_log_level,
			HULL_LOG_WARNING, level_names,
			"what goes to standard error: messages of that level and above"),
	HULL_FIELD_ENUM(struct hull_settings, net, "net", 0, enum hull_net, HULL_NET_USER,
			hull_net_names,
			"the network of hull run: user's by whatever works, by passt or by the "
			"hypervisor (builtin), or none"),
	HULL_FIELD_U64(struct hull_settings, pids_limit, "pids_limit", 0, 0, 0, HULL_PIDS_MAX,
		       "how many processes and threads a command may have at once; 0: no limit"),
};
static const struct hull_fields own_fields = HULL_FIELDS(struct hull_settings, own_table);

/* "a.b" is member b of the object a. */
static const struct hull_field *find_row(const struct hull_fields *fields, const char *key,
					 const void *object, void **ret_place)
{
	size_t len = strcspn(key, ".");

	for (size_t i = 0; i < fields->n; i++) {
		const struct hull_field *f = &fields->v[i];

		if (!f->name || strlen(f->name) != len || strncmp(f->name, key, len) != 0)
			continue;
		*ret_place = hull_field_at(f, object);
		return key[len] ? find_row(f->fields, key + len + 1, *ret_place, ret_place) : f;
	}
	return NULL;
}

const struct hull_field *hull_setting_row(const struct hull_setting *set,
					  const struct hull_settings *s, void **ret_place)
{
	return set->key ? find_row(&hull_config_fields, set->key, &s->vm, ret_place)
			: find_row(&own_fields, set->name, s, ret_place);
}

void hull_settings_init(struct hull_settings *s)
{
	hull_fields_init(&own_fields, s);
	hull_config_init(&s->vm);
}

void hull_settings_fini(struct hull_settings *s)
{
	hull_config_fini(&s->vm);
	hull_strv_fini(&s->files);
	hull_fields_fini(&own_fields, s);
}

int hull_setting_find(const char *name, struct hull_error **err)
{
	const char *names[HULL_SETTINGS_COUNT + 1] = {NULL};

	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++)
		names[i] = hull_settings_table[i].name;
	return hull_name_index("setting", name, names, err);
}

/* ---- where they come from ---- */

int hull_settings_fail(struct hull_strv *problems, struct hull_error *own, struct hull_error **err)
{
	int r;

	if (!problems || hull_error_code(own) == HULL_E_NOMEM)
		return hull_error_move(err, &own);
	r = hull_strv_add(problems, hull_error_message(own));
	hull_error_free(own);
	return r < 0 ? hull_fail_nomem(err) : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes blanks off both ends. */
static void trim(const char **text, size_t *len)
{
	while (*len && is_blank(**text)) {
		++*text;
		--*len;
	}
	while (*len && is_blank((*text)[*len - 1]))
		--*len;
}

/* Length without a comment. */
static size_t before_comment(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] == '#' && (i == 0 || is_blank(line[i - 1])))
			return i;
	return len;
}

/* Of what steers terminals nothing but the tab. */
static bool is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];

	return len == 1 ? (c < ' ' && c != '\t') || c == 0x7f
			: len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;
}

static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = hull_utf8_length(s + i, len - i);
		if (!n || is_control(s + i, n))
			return false;
	}
	return true;
}

static int set_from_file(struct hull_settings *s, const char *key, const char *value,
			 const char *file, size_t number, struct hull_error **err)
{
	int i = hull_setting_find(key, err);
	struct hull_setting_origin *origin;

	if (i < 0)
		return -1;
	origin = &s->origins[i];
	if (hull_settings_table[i].variable_only)
		return hull_fail(err, HULL_E_INVALID,
				 "%s: by %s only, since where files are depends on it", key,
				 hull_settings_table[i].variable);
	if (origin->file == file)
		return hull_fail(err, HULL_E_INVALID, "%s: already said in line %zu", key,
				 origin->line);
	if (hull_setting_parse(&hull_settings_table[i], s, value, err) < 0)
		return hull_prefix(err, "%s", key);
	*origin = (struct hull_setting_origin){.file = file, .line = number};
	return 0;
}

static int read_line(struct hull_settings *s, const char *file, size_t number, const char *line,
		     size_t len, struct hull_error **err)
{
	cleanup_free char *key = NULL, *value = NULL;
	const char *eq, *after;
	size_t key_len, after_len;

	len = before_comment(line, len);
	trim(&line, &len);
	if (!len)
		return 0;
	if (!is_text(line, len))
		return hull_fail(err, HULL_E_INVALID, "this is no text in UTF-8");
	eq = memchr(line, '=', len);
	key_len = eq ? (size_t)(eq - line) : 0;
	after = eq ? eq + 1 : line;
	after_len = eq ? len - key_len - 1 : 0;
	trim(&line, &key_len);
	trim(&after, &after_len);
	if (!key_len)
		return hull_fail(err, HULL_E_INVALID, "a line is 'key = value'%s",
				 *line == '[' ? ", and there are no sections" : "");
	key = strndup(line, MIN(key_len, (size_t)SHOWN_LEN));
	value = strndup(after, after_len);
	if (!key || !value)
		return hull_fail_nomem(err);
	return set_from_file(s, key, value, file, number, err);
}

int hull_settings_read(struct hull_settings *s, const char *file, const char *text, size_t len,
		       struct hull_strv *problems, struct hull_error **err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors put it first */
	const char *p = text, *end = text + len;

	if (hull_strv_add(&s->files, file) < 0)
		return hull_fail_nomem(err);
	file = s->files.v[s->files.n - 1];
	if (len >= 3 && !memcmp(p, mark, 3))
		p += 3;
	for (size_t number = 1; p < end; number++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct hull_error *own = NULL;

		if (read_line(s, file, number, p, (size_t)(stop - p), &own) < 0) {
			hull_prefix(&own, "%s:%zu", file, number);
			if (hull_settings_fail(problems, own, err) < 0)
				return -1;
		}
		p = nl ? nl + 1 : end;
	}
	return 0;
}

static int set_from_variable(struct hull_settings *s, size_t i, const char *variable,
			     const char *value, struct hull_strv *problems, struct hull_error **err)
{
	struct hull_error *own = NULL;

	if (!is_text(value, strlen(value)))
		hull_fail(&own, HULL_E_INVALID, "this is no text in UTF-8");
	else
		(void)hull_setting_parse(&hull_settings_table[i], s, value, &own);
	if (own) {
		hull_prefix(&own, "%s", variable);
		return hull_settings_fail(problems, own, err);
	}
	s->origins[i] = (struct hull_setting_origin){.variable = variable};
	return 0;
}

int hull_settings_read_environ(struct hull_settings *s, hull_getenv_fn get,
			       struct hull_strv *problems, struct hull_error **err)
{
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		const struct hull_setting *set = &hull_settings_table[i];
		const char *value = get(set->variable);
		int r = 0;

		if (value && *value)
			r = set_from_variable(s, i, set->variable, value, problems, err);
		else if (set->also && get(set->also))
			r = set_from_variable(s, i, set->also, set->also_means, problems, err);
		if (r < 0)
			return -1;
	}
	return 0;
}

/* ---- where they go ---- */

void hull_settings_begin(const struct hull_settings *s, struct hull_config *config)
{
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		const struct hull_setting *set = &hull_settings_table[i];
		void *from = NULL, *to = NULL;
		const struct hull_field *f = hull_setting_row(set, s, &from);

		if (!set->key || f->type == HULL_FIELD_TYPE_STRING)
			continue;
		(void)find_row(&hull_config_fields, set->key, config, &to);
		memcpy(to, from,
		       f->type == HULL_FIELD_TYPE_ENUM ? sizeof(uint32_t) : sizeof(uint64_t));
	}
}

static bool is_meant(enum hull_setting_scope scope, const struct hull_config *c, bool boots)
{
	return scope == HULL_SETTING_ANY ||
	       (c->arch == HULL_ARCH_HOST && (scope == HULL_SETTING_NATIVE || boots));
}

int hull_settings_complete(const struct hull_settings *s, struct hull_config *config)
{
	/* Somebody's own kernel comes with an initrd and modules of its own, or without. */
	bool boots = !config->kernel && config->firmware.kind == HULL_FIRMWARE_NONE;

	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++) {
		const struct hull_setting *set = &hull_settings_table[i];
		void *from = NULL, *to = NULL;
		const struct hull_field *f = hull_setting_row(set, s, &from);
		const char *text;

		if (!set->key || f->type != HULL_FIELD_TYPE_STRING ||
		    !is_meant(set->scope, config, boots))
			continue;
		text = *(char *const *)from;
		(void)find_row(&hull_config_fields, set->key, config, &to);
		/* Without an agent nobody loads modules. */
		if (!text || *(char **)to ||
		    (to == &config->modules && config->agent == HULL_AGENT_NONE))
			continue;
		if (hull_field_set_text(to, text) < 0)
			return -ENOMEM;
	}
	return 0;
}
