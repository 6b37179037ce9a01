/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing descriptions, see vmdk.h: lines "key=value", and one for each part:
 *
 *   RW 4194304 FLAT "disk-f001.vmdk" 0
 *   RW 2048 ZERO
 *
 * QEMU passes over what it doesn't know, zeros among it, and so would have the rest of the disk in
 * the wrong place.
 */
#define _GNU_SOURCE
#include "backend/qemu/vmdk.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define HEADER "# Disk DescriptorFile"
#define SECTORS_MAX (UINT64_C(1) << 40) /* in all, and where a file is begun */
#define NAME_MAX_LEN 4095

bool hull_vmdk_is_text(const void *head, size_t len)
{
	return len >= sizeof(HEADER) - 1 && !memcmp(head, HEADER, sizeof(HEADER) - 1);
}

void hull_vmdk_fini(struct hull_vmdk *v)
{
	hull_strv_fini(&v->files);
	free(v->extents.v);
	*v = (struct hull_vmdk){0};
}

/* The next word of a line, which is cut; a quoted one may have spaces.  NULL: there is none. */
static char *next_word(char **p)
{
	char *word = *p + strspn(*p, " \t"), *end;

	if (*word == '"') {
		end = strchr(++word, '"');
		if (!end)
			return NULL;
	} else {
		end = word + strcspn(word, " \t");
		if (end == word)
			return NULL;
	}
	*p = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int add_name(struct hull_vmdk *v, const char *name, size_t *ret, struct hull_error **err)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return hull_fail(err, HULL_E_INVALID, "a file's name is no plain text");
	if (!len || len > NAME_MAX_LEN)
		return hull_fail(err, HULL_E_INVALID, "a file's name must have 1 to %d bytes",
				 NAME_MAX_LEN);
	for (*ret = 0; *ret < v->files.n; ++*ret)
		if (!strcmp(v->files.v[*ret], name))
			return 0;
	if (v->files.n == HULL_VMDK_FILES_MAX)
		return hull_fail(err, HULL_E_UNSUPPORTED, "more than %d files",
				 HULL_VMDK_FILES_MAX);
	return hull_strv_add(&v->files, name) < 0 ? hull_fail_nomem(err) : 0;
}

/* @rest: of a line that begins with @access. */
static int add_extent(struct hull_vmdk *v, const char *access, char *rest, struct hull_error **err)
{
	char *sectors = next_word(&rest), *type = sectors ? next_word(&rest) : NULL;
	struct hull_vmdk_extent e = {.file = SIZE_MAX}, *slot;
	const char *name, *offset;

	if (!strcmp(access, "NOACCESS"))
		return hull_fail(err, HULL_E_UNSUPPORTED, "a part of it can't be read");
	v->readonly |= !strcmp(access, "RDONLY");
	if (!type || hull_parse_u64(sectors, SECTORS_MAX, &e.sectors) < 0 || !e.sectors)
		return hull_fail(err, HULL_E_INVALID, "'%s' without a size and a type", access);
	if (!strcmp(type, "FLAT")) {
		name = next_word(&rest);
		offset = name ? next_word(&rest) : NULL;
		if (!name || (offset && hull_parse_u64(offset, SECTORS_MAX, &e.offset) < 0))
			return hull_fail(err, HULL_E_INVALID,
					 "FLAT without a file's name, or with a wrong offset");
		if (add_name(v, name, &e.file, err) < 0)
			return -1;
	} else if (!strcmp(type, "ZERO")) {
		v->zeros = true;
	} else {
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "parts of type '%.32s' can't be used, only FLAT and ZERO", type);
	}
	if (v->extents.n == HULL_VMDK_EXTENTS_MAX)
		return hull_fail(err, HULL_E_UNSUPPORTED, "more than %d parts",
				 HULL_VMDK_EXTENTS_MAX);
	slot = hull_vec_push(&v->extents);
	if (!slot)
		return hull_fail_nomem(err);
	*slot = e;
	return 0;
}

/* Keys of which another value means another kind of image. */
static int check_key(const char *key, const char *value, struct hull_error **err)
{
	size_t len = strlen(value);

	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	if (!strcmp(key, "parentFileNameHint") ||
	    (!strcmp(key, "parentCID") && (len != 8 || strncasecmp(value, "ffffffff", len) != 0)))
		return hull_fail(err, HULL_E_UNSUPPORTED, "it needs a parent image");
	if (!strcmp(key, "createType") &&
	    (len != 14 || memcmp(value, "monolithicFlat", len) != 0) &&
	    (len != 18 || memcmp(value, "twoGbMaxExtentFlat", len) != 0))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "images of type '%.32s' can't be used, only monolithicFlat and "
				 "twoGbMaxExtentFlat",
				 value);
	return 0;
}

static int parse_line(struct hull_vmdk *v, char *line, struct hull_error **err)
{
	static const char *const accesses[] = {"RW", "RDONLY", "NOACCESS"};
	size_t len = strlen(line), word;
	char *equals;

	while (len && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	word = strcspn(line, " \t");
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
		if (word == strlen(accesses[i]) && !memcmp(line, accesses[i], word))
			return add_extent(v, accesses[i], line + word, err);
	equals = strchr(line, '=');
	if (!equals)
		return hull_fail(err, HULL_E_INVALID, "'%.32s' is neither a key nor a part", line);
	*equals = '\0';
	for (char *end = equals; end > line && strchr(" \t", end[-1]);)
		*--end = '\0';
	return check_key(line, equals + 1 + strspn(equals + 1, " \t"), err);
}

/* Zeros come last, now that it is known how many files there are. */
static int finish(struct hull_vmdk *v, struct hull_error **err)
{
	uint64_t all = 0;

	if (!v->extents.n)
		return hull_fail(err, HULL_E_INVALID, "it has no parts");
	for (size_t i = 0; i < v->extents.n; i++) {
		struct hull_vmdk_extent *e = &v->extents.v[i];

		if (e->file == SIZE_MAX)
			e->file = v->files.n;
		all += e->sectors; /* can't overflow: 2^10 times 2^40 */
	}
	return all > SECTORS_MAX ? hull_fail(err, HULL_E_INVALID, "it is too large") : 0;
}

int hull_vmdk_parse(const char *text, size_t len, struct hull_vmdk *ret, struct hull_error **err)
{
	cleanup_free char *copy = strndup(text, len);
	cleanup_vmdk struct hull_vmdk v = {0};
	char *rest = copy;
	size_t number = 0;

	if (!copy)
		return hull_fail_nomem(err);
	if (len > HULL_VMDK_TEXT_MAX || !hull_vmdk_is_text(text, len))
		return hull_fail(err, HULL_E_INVALID, "it does not begin as one, or is too long");
	for (size_t i = strlen(copy); i < len; i++) /* it may be padded */
		if (text[i])
			return hull_fail(err, HULL_E_INVALID, "it is no text");
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		number++;
		if (parse_line(&v, line, err) < 0)
			return hull_prefix(err, "line %zu", number);
	}
	if (finish(&v, err) < 0)
		return -1;
	*ret = v;
	v = (struct hull_vmdk){0};
	return 0;
}

uint64_t hull_vmdk_need(const struct hull_vmdk *v, size_t file)
{
	uint64_t need = 0;

	for (size_t i = 0; i < v->extents.n; i++)
		if (v->extents.v[i].file == file)
			need = MAX(need, v->extents.v[i].offset + v->extents.v[i].sectors);
	return need;
}

/* No empty line before a part: QEMU would take the part twice. */
void hull_vmdk_write(const struct hull_vmdk *v, size_t first_set, struct hull_strbuf *out)
{
	hull_strbuf_adds(out, HEADER "\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
				     "createType=\"twoGbMaxExtentFlat\"\n");
	for (size_t i = 0; i < v->extents.n; i++) {
		const struct hull_vmdk_extent *e = &v->extents.v[i];

		hull_strbuf_addf(out, "RW %" PRIu64 " FLAT \"/dev/fdset/%zu\" %" PRIu64 "\n",
				 e->sectors, first_set + e->file, e->offset);
	}
	hull_strbuf_adds(out, "\nddb.adapterType = \"ide\"\n");
}
