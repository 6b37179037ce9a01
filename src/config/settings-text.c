/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings as text: values in and out, and what each is, for people.  See settings.h.
 */
#define _GNU_SOURCE
#include "config/settings.h"

#include "base/cleanup.h"
#include "base/names.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define SHOWN_LEN 64 /* of a value that is wrong */

/* What a number is to be, in words. */
static const char *kind_of(const struct hull_setting *set, const struct hull_field *f)
{
	if (set->style == HULL_SETTING_TIME)
		return "a time such as 30s or 5m";
	if (set->style == HULL_SETTING_MILLI)
		return "a number such as 0.5 or 2";
	return f->type == HULL_FIELD_TYPE_SIZE ? "a size such as 512M or 2G" : "a whole number";
}

static int parse_by_style(const struct hull_setting *set, const struct hull_field *f,
			  const char *text, uint64_t *ret)
{
	if (set->style == HULL_SETTING_TIME)
		return hull_parse_duration(text, ret);
	if (set->style == HULL_SETTING_MILLI)
		return hull_parse_milli(text, ret);
	return f->type == HULL_FIELD_TYPE_SIZE ? hull_parse_size(text, ret)
					       : hull_parse_u64(text, UINT64_MAX, ret);
}

struct unit {
	const char *name;
	uint64_t size, least; /* from where on it is used, for what it leaves no rest of */
};

static void add_units(struct hull_strbuf *out, uint64_t v, const struct unit *unit)
{
	while (v < unit->least || v % unit->size)
		unit++;
	hull_strbuf_addf(out, "%" PRIu64 "%s", v / unit->size, unit->name);
}

static void add_number(const struct hull_setting *set, const struct hull_field *f, uint64_t v,
		       struct hull_strbuf *out)
{
	static const struct unit times[] = {
		{"h", 3600000, 7200000}, {"m", 60000, 120000}, {"s", 1000, 1000}, {"ms", 1, 0}};
	static const struct unit sizes[] = {{"T", MIB << 20, MIB << 20},
					    {"G", MIB << 10, MIB << 10},
					    {"M", MIB, MIB},
					    {"", 1, 0}};
	unsigned int rest = (unsigned int)(v % 1000), digits = 3;

	if (set->style == HULL_SETTING_TIME) {
		add_units(out, v, times);
	} else if (f->type == HULL_FIELD_TYPE_SIZE) {
		add_units(out, v, sizes);
	} else if (set->style == HULL_SETTING_MILLI && rest) {
		for (; rest % 10 == 0; rest /= 10)
			digits--;
		hull_strbuf_addf(out, "%" PRIu64 ".%0*u", v / 1000, (int)digits, rest);
	} else {
		hull_strbuf_addf(out, "%" PRIu64, set->style == HULL_SETTING_MILLI ? v / 1000 : v);
	}
}

static int fail_range(const struct hull_setting *set, const struct hull_field *f,
		      struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	hull_strbuf_adds(&text, "must be between ");
	/* Zero, where it is the least, means something else than the number. */
	add_number(set, f, set->style == HULL_SETTING_MILLI ? HULL_CONFIG_MIN_CPU_LIMIT : f->min,
		   &text);
	hull_strbuf_adds(&text, " and ");
	add_number(set, f, f->max, &text);
	if (set->style == HULL_SETTING_MILLI)
		hull_strbuf_adds(&text, ", or 0");
	return text.failed ? hull_fail_nomem(err)
			   : hull_fail(err, HULL_E_INVALID, "%s", hull_strbuf_str(&text));
}

static int parse_number(const struct hull_setting *set, const struct hull_field *f, void *place,
			const char *text, struct hull_error **err)
{
	uint64_t v = 0;
	int r = parse_by_style(set, f, text, &v);

	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID, "must be %s, not '%.*s'", kind_of(set, f),
				 SHOWN_LEN, text);
	if (r < 0 || v < f->min || v > f->max ||
	    (set->style == HULL_SETTING_MILLI && v && v < HULL_CONFIG_MIN_CPU_LIMIT))
		return fail_range(set, f, err);
	if (f->type == HULL_FIELD_TYPE_SIZE && v % MIB)
		return hull_fail(err, HULL_E_INVALID, "must be a multiple of 1M");
	memcpy(place, &v, sizeof(v));
	return 0;
}

static int parse_string(const struct hull_setting *set, const struct hull_field *f, void *place,
			const char *text, struct hull_error **err)
{
	if (strlen(text) > f->max)
		return hull_fail(err, HULL_E_INVALID, "must be at most %" PRIu64 " bytes long",
				 f->max);
	if (f->flags & HULL_FIELD_PATH && *text && *text != '/')
		return hull_fail(err, HULL_E_INVALID, "'%.*s' is not an absolute path", SHOWN_LEN,
				 text);
	if (set->key && !strcmp(set->key, "cpu_model") && *text && !hull_config_is_cpu_model(text))
		return hull_fail(err, HULL_E_INVALID, "'%.*s' is not a CPU model", SHOWN_LEN, text);
	return hull_field_set_text(place, text) < 0 ? hull_fail_nomem(err) : 0;
}

int hull_setting_parse(const struct hull_setting *set, struct hull_settings *s, const char *text,
		       struct hull_error **err)
{
	void *place = NULL;
	const struct hull_field *f = hull_setting_row(set, s, &place);
	uint32_t choice;
	int i;

	if (f->type == HULL_FIELD_TYPE_STRING)
		return parse_string(set, f, place, text, err);
	if (!*text)
		return hull_fail(err, HULL_E_INVALID, "there is no value");
	if (f->type != HULL_FIELD_TYPE_ENUM)
		return parse_number(set, f, place, text, err);
	i = hull_name_index("value", text, f->names, err);
	if (i < 0)
		return -1;
	choice = (uint32_t)i;
	memcpy(place, &choice, sizeof(choice));
	return 0;
}

static void add_value(const struct hull_setting *set, const struct hull_field *f, const void *place,
		      struct hull_strbuf *out)
{
	const char *text;
	uint64_t number;
	uint32_t choice;

	switch (f->type) {
	case HULL_FIELD_TYPE_STRING:
		text = *(char *const *)place;
		hull_strbuf_adds(out, text ? text : "");
		break;
	case HULL_FIELD_TYPE_ENUM:
		memcpy(&choice, place, sizeof(choice));
		hull_strbuf_adds(out, f->names[choice]);
		break;
	default:
		memcpy(&number, place, sizeof(number));
		add_number(set, f, number, out);
	}
}

int hull_setting_value(const struct hull_settings *s, size_t index, struct hull_strbuf *out)
{
	const struct hull_setting *set = &hull_settings_table[index];
	void *place = NULL;
	const struct hull_field *f = hull_setting_row(set, s, &place);

	add_value(set, f, place, out);
	return out->failed ? -ENOMEM : 0;
}

int hull_setting_origin(const struct hull_settings *s, size_t index, struct hull_strbuf *out)
{
	const struct hull_setting_origin *o = &s->origins[index];

	if (o->variable)
		return hull_strbuf_addf(out, "environment: %s", o->variable);
	return o->file ? hull_strbuf_addf(out, "%s:%zu", o->file, o->line)
		       : hull_strbuf_adds(out, "default");
}

/* ---- for people ---- */

static void explain(const struct hull_setting *set, const struct hull_settings *s, bool page,
		    struct hull_strbuf *out)
{
	void *place = NULL;
	const struct hull_field *f = hull_setting_row(set, s, &place);

	hull_strbuf_adds(out, page ? "*" : "  ");
	hull_field_add_word(out, page, set->name);
	hull_strbuf_addf(out, page ? "* (%s" : "  %s",
			 set->style == HULL_SETTING_TIME ? "time" : hull_field_type_text(f));
	for (size_t i = 0; f->type == HULL_FIELD_TYPE_ENUM && f->names[i]; i++)
		hull_strbuf_addf(out, "%s%s", i ? ", " : " ", f->names[i]);
	hull_strbuf_adds(out, "; ");
	hull_field_add_word(out, page, set->variable);
	if (set->also)
		hull_strbuf_adds(out, ", ");
	hull_field_add_word(out, page, set->also ? set->also : "");
	hull_strbuf_adds(out, page ? ")\n\t" : "\n      ");
	hull_field_add_word(out, page, set->help ? set->help : f->help);
	if (f->type != HULL_FIELD_TYPE_STRING) {
		hull_strbuf_adds(out, "; default ");
		add_value(set, f, place, out);
	}
	hull_strbuf_adds(out, page ? ".\n\n" : "\n");
}

int hull_settings_explain(bool page, struct hull_strbuf *out)
{
	cleanup_settings struct hull_settings s;

	hull_settings_init(&s);
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++)
		explain(&hull_settings_table[i], &s, page, out);
	return out->failed ? -ENOMEM : 0;
}
