/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of vfkit's dialect as a text for people, and as words for a shell's completion.
 */
#define _GNU_SOURCE
#include "config/vfkit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <stdio.h>
#include <string.h>

#define LEFT_WIDTH 28

static void add_line(struct hull_strbuf *out, const char *left, const char *help)
{
	if (strlen(left) > LEFT_WIDTH)
		hull_strbuf_addf(out, "  %s\n  %*s  %s\n", left, LEFT_WIDTH, "", help);
	else
		hull_strbuf_addf(out, "  %-*s  %s\n", LEFT_WIDTH, left, help);
}

static void add_flag(struct hull_strbuf *out, const struct hull_field *f)
{
	const struct hull_vfkit_word *w = &f->vfkit;
	char left[64], letter[3] = {w->letter ? '-' : ' ', w->letter ? w->letter : ' ', '\0'};

	snprintf(left, sizeof(left), "%s%c --%s%s%s", letter, w->letter ? ',' : ' ', w->key,
		 w->metavar ? " " : "", w->metavar ? w->metavar : "");
	add_line(out, left, f->help);
}

static void add_class(struct hull_strbuf *out, const struct hull_class *class)
{
	char left[64];

	add_line(out, class->name, class->help);
	for (size_t i = 0; i < class->fields.n; i++) {
		const struct hull_field *f = &class->fields.v[i];

		if (!f->vfkit.key)
			continue;
		snprintf(left, sizeof(left), "    %s%s%s", f->vfkit.key,
			 f->vfkit.metavar ? "=" : "", f->vfkit.metavar ? f->vfkit.metavar : "");
		add_line(out, left, f->help);
	}
}

int hull_vfkit_help(struct hull_strbuf *out)
{
	hull_strbuf_adds(out, "Flags of vfkit:\n");
	for (size_t i = 0; i < hull_vfkit_flag_fields.n; i++)
		add_flag(out, &hull_vfkit_flag_fields.v[i]);
	hull_strbuf_adds(out, "\nBootloaders, each with its options in any order:\n");
	for (size_t i = 0; i < ARRAY_SIZE(hull_boot_classes); i++)
		if (hull_boot_classes[i].name)
			add_class(out, &hull_boot_classes[i]);
	hull_strbuf_adds(out, "\nDevices, each with its options in any order:\n");
	for (size_t i = 0; i < HULL_DEVICE_COUNT; i++)
		add_class(out, &hull_device_classes[i]);
	return out->failed ? -ENOMEM : 0;
}

/* ---- completion ---- */

static void complete_flags(struct hull_strv *out)
{
	for (size_t i = 0; i < hull_vfkit_flag_fields.n; i++) {
		const struct hull_vfkit_word *w = &hull_vfkit_flag_fields.v[i].vfkit;

		hull_strv_addf(out, "--%s", w->key);
		if (w->letter)
			hull_strv_addf(out, "-%c", w->letter);
	}
}

static void complete_options(const struct hull_class *class, const char *word, size_t before,
			     struct hull_strv *out)
{
	for (size_t i = 0; i < class->fields.n; i++) {
		const struct hull_vfkit_word *w = &class->fields.v[i].vfkit;

		if (w->key)
			hull_strv_addf(out, "%.*s%s%s", (int)before, word, w->key,
				       w->metavar ? "=" : "");
	}
}

/* The names of @classes, or what can follow the last comma of one that has begun. */
static void complete_class(const struct hull_class *classes, size_t n, const char *word,
			   struct hull_strv *out)
{
	size_t kind = strcspn(word, ",");
	const char *comma = strrchr(word, ',');

	for (size_t i = 0; i < n; i++) {
		if (!classes[i].name)
			continue;
		if (!comma)
			hull_strv_add(out, classes[i].name);
		else if (!strncmp(classes[i].name, word, kind) && !classes[i].name[kind])
			complete_options(&classes[i], word, (size_t)(comma - word) + 1, out);
	}
}

static const char *const levels[] = {"error", "info", "debug"};

int hull_vfkit_complete(const char *flag, const char *word, struct hull_strv *out)
{
	if (!strcmp(flag, "--device") || !strcmp(flag, "-d"))
		complete_class(hull_device_classes, HULL_DEVICE_COUNT, word, out);
	else if (!strcmp(flag, "--bootloader") || !strcmp(flag, "-b"))
		complete_class(hull_boot_classes, ARRAY_SIZE(hull_boot_classes), word, out);
	else if (!strcmp(flag, "--timesync") || !strcmp(flag, "-t"))
		complete_options(&hull_timesync_class, "", 0, out);
	else if (!strcmp(flag, "--log-level"))
		for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
			hull_strv_add(out, levels[i]);
	else if (word[0] == '-')
		complete_flags(out);
	return out->failed ? -ENOMEM : 0;
}
