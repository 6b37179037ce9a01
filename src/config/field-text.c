/* SPDX-License-Identifier: Apache-2.0
 *
 * The field tables for people: a paragraph for each key, see hull_fields_explain().
 */
#define _GNU_SOURCE
#include "config/field.h"

#include "base/strbuf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *hull_field_type_text(const struct hull_field *f)
{
	if (f->names && f->type == HULL_FIELD_TYPE_STRING)
		return "one of";
	if (f->flags & HULL_FIELD_SWITCH)
		return "true, false or size";
	switch (f->type) {
	case HULL_FIELD_TYPE_STRING:
		return f->flags & HULL_FIELD_PATH ? "path" : "string";
	case HULL_FIELD_TYPE_U64:
	case HULL_FIELD_TYPE_I64:
		return "number";
	case HULL_FIELD_TYPE_SIZE:
		return "size";
	case HULL_FIELD_TYPE_BOOL:
		return "true or false";
	case HULL_FIELD_TYPE_ENUM:
		return "one of";
	case HULL_FIELD_TYPE_STRINGS:
		return "list of strings";
	case HULL_FIELD_TYPE_STRUCT:
		return "object";
	case HULL_FIELD_TYPE_LIST:
		return "list of objects";
	}
	return "";
}

void hull_field_add_word(struct hull_strbuf *out, bool page, const char *word)
{
	for (; *word; word++) {
		if (page && strchr("_*\\`", *word))
			hull_strbuf_adds(out, "\\");
		(void)hull_strbuf_add(out, word, 1);
	}
}

static void add_default(const struct hull_field *f, bool page, struct hull_strbuf *out)
{
	const char *text = NULL;
	char number[32];

	switch (f->type) {
	case HULL_FIELD_TYPE_SIZE:
		snprintf(number, sizeof(number), "%" PRIu64 "M", f->initial >> 20);
		text = f->initial ? number : NULL;
		break;
	case HULL_FIELD_TYPE_U64:
	case HULL_FIELD_TYPE_I64:
		snprintf(number, sizeof(number), "%" PRIu64, f->initial);
		text = number;
		break;
	case HULL_FIELD_TYPE_BOOL:
		text = f->initial ? "true" : NULL;
		break;
	case HULL_FIELD_TYPE_ENUM:
		text = f->names[f->initial];
		break;
	default:
		break;
	}
	if (f->flags & HULL_FIELD_REQUIRED)
		hull_strbuf_adds(out, "; must be given");
	else if (text)
		hull_strbuf_addf(out, "; default %s", text);
}

static void add_field(const struct hull_field *f, const char *prefix, bool page,
		      struct hull_strbuf *out)
{
	hull_strbuf_adds(out, page ? "*" : "");
	hull_field_add_word(out, page, prefix);
	hull_field_add_word(out, page, f->name);
	hull_strbuf_addf(out, page ? "* (%s" : "  %s", hull_field_type_text(f));
	for (size_t i = 0; f->names && f->names[i]; i++) {
		hull_strbuf_adds(out, i ? ", " : " ");
		hull_field_add_word(out, page, f->names[i]);
	}
	hull_strbuf_adds(out, page ? ")" : "");
	hull_strbuf_adds(out, page ? "\n\t" : "\n      ");
	hull_field_add_word(out, page, f->help);
	add_default(f, page, out);
	hull_strbuf_adds(out, page ? ".\n\n" : "\n");
}

static void explain(const struct hull_fields *fields, const char *prefix, bool page,
		    struct hull_strbuf *out)
{
	for (size_t i = 0; i < fields->n; i++) {
		const struct hull_field *f = &fields->v[i];
		char below[128];

		if (!f->name || f->flags & HULL_FIELD_OURS)
			continue;
		add_field(f, prefix, page, out);
		snprintf(below, sizeof(below), "%s%s%s.", prefix, f->name,
			 f->type == HULL_FIELD_TYPE_LIST ? "[]" : "");
		if (f->fields && !f->fields->own)
			explain(f->fields, below, page, out);
	}
}

int hull_fields_explain(const struct hull_fields *fields, const char *prefix, bool page,
			struct hull_strbuf *out)
{
	explain(fields, prefix, page, out);
	return out->failed ? -ENOMEM : 0;
}
