/* SPDX-License-Identifier: Apache-2.0
 *
 * Field tables: each struct of a description is described once, and the table drives defaults,
 * freeing, JSON in and JSON out.  Each field carries its help text for whatever else is driven by
 * the table.
 *
 * In memory: strings are owned and NULL when empty, never ""; numbers are uint64_t; choices are
 * 4-byte enums that index their name table; lists are HULL_VEC()s of structs.  Zeroed memory is a
 * valid object.
 *
 * JSON in is strict: an unknown key, a wrong type, a value out of bounds or a missing REQUIRED one
 * is an error that begins with its path, e.g. "disks[1].redonly: unknown key; did you mean
 * 'readonly'?".  JSON out leaves out what has its default value, ALWAYS fields excepted.
 *
 * A row may say as well how its field is written in vfkit's dialect (config/vfkit.h).  One without
 * a JSON key of ours belongs to the dialect alone; such rows may share a field with others.
 */
#ifndef HULL_CONFIG_FIELD_H
#define HULL_CONFIG_FIELD_H

#include "base/json.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

enum hull_field_type {
	HULL_FIELD_TYPE_STRING,	 /* char * */
	HULL_FIELD_TYPE_U64,	 /* uint64_t */
	HULL_FIELD_TYPE_I64,	 /* int64_t; bounds are compared as such */
	HULL_FIELD_TYPE_SIZE,	 /* uint64_t of bytes; JSON: a number, or a text such as "512M" */
	HULL_FIELD_TYPE_BOOL,	 /* bool */
	HULL_FIELD_TYPE_ENUM,	 /* an enum; JSON: its name */
	HULL_FIELD_TYPE_STRINGS, /* struct hull_strv */
	HULL_FIELD_TYPE_STRUCT,	 /* a struct with a table of its own */
	HULL_FIELD_TYPE_LIST,	 /* HULL_VEC() of such structs */
};

enum {
	HULL_FIELD_REQUIRED = 1 << 0, /* must be given in JSON */
	HULL_FIELD_ALWAYS = 1 << 1,   /* is written even when it has its default */
	HULL_FIELD_PATH = 1 << 2,     /* a file's name on the host */
	HULL_FIELD_OURS = 1 << 3,     /* is filled in by us: unknown to who reads for @user */
	HULL_FIELD_SWITCH = 1 << 4,   /* a size that may be false or true as well: 0 or 1 */
};

struct hull_fields;
struct hull_strbuf;

/* How a field stands in an option list such as "virtio-net,nat,mac=M". */
enum hull_word_style {
	HULL_WORD_VALUE,  /* key=value */
	HULL_WORD_FLAG,	  /* the key sets it; a value is refused */
	HULL_WORD_LOOSE,  /* the key sets it; a value is ignored */
	HULL_WORD_NAME,	  /* the key is what the string becomes; a value is refused */
	HULL_WORD_MS,	  /* key=milliseconds, 32 bits with a sign, of a field in nanoseconds */
	HULL_WORD_QUOTED, /* a list with quoted items: of command lines only */
	HULL_WORD_OBJECT, /* in JSON only: a flag that is an empty object when it is set */
};

enum {
	HULL_WORD_OMIT = 1 << 0,   /* the JSON member is left out when false, zero or empty */
	HULL_WORD_NEEDED = 1 << 1, /* can't be rendered when zero or empty */
	HULL_WORD_CLEARS = 1 << 2, /* the key stands for false */
	HULL_WORD_EMPTY = 1 << 3,  /* one of the field's names, or nothing */
};

struct hull_vfkit_word {
	const char *json; /* member; NULL: not in JSON */
	const char *key;  /* in an option list, or of a command line's flag; NULL: in neither */
	enum hull_word_style style;
	unsigned int flags;
	unsigned int rank;   /* place among what is rendered, from 1; 0: is not */
	char letter;	     /* of a command line's flag; 0: none */
	const char *metavar; /* what the value is, in help texts */
	/* Instead of what style and type say; 0 or -errno.  @value is "" where there is none. */
	int (*set)(void *object, const char *value);
};

struct hull_field {
	const char *name; /* JSON key; NULL: none of ours */
	const char *help; /* one clause, lower case, no full stop */
	enum hull_field_type type;
	unsigned int flags;
	size_t offset;
	uint64_t initial;		  /* number, size, bool, enum */
	uint64_t min, max;		  /* number, size; strings: length; lists: items */
	const char *const *names;	  /* enum, string of few values: ends with NULL */
	const struct hull_fields *fields; /* struct, list */
	struct hull_vfkit_word vfkit;
};

/* Where in a description we are: printed only when something is wrong.  The place without a parent
 * is the whole of it. */
struct hull_field_where {
	const struct hull_field_where *parent;
	const char *name; /* of a member; NULL for an item */
	size_t index;
	/* Of the whole: */
	struct hull_strv *problems; /* not NULL: gets what is wrong, instead of the error */
	bool user;		    /* a user has written it */
};

/* How objects of several kinds read and write themselves. */
struct hull_field_own {
	/* As hull_fields_from_json(), into zeroed memory. */
	int (*from_json)(void *object, const struct hull_json *json,
			 const struct hull_field_where *where, struct hull_error **err);
	struct hull_json *(*to_json)(const void *object); /* NULL without memory */
	void (*fini)(void *object);			  /* of zeroed memory, too */
	/* The rows of this object, and what they describe. */
	const struct hull_fields *(*rows)(void *object, void **ret_object);
};

struct hull_fields {
	const struct hull_field *v;
	size_t n;
	size_t size;	  /* of the struct described */
	const char *kind; /* not NULL: what the object's first member, "kind", says in our JSON */
	const struct hull_field_own *own; /* not NULL: instead of rows */
};

/* The offset of @member, provided that its type is @want. */
#define HULL_FIELD_OFFSET(type, member, want)                                                     \
	(offsetof(type, member) +                                                                 \
	 sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), want) ? 1      \
											 : -1]) - \
	 1)

#define HULL_FIELD_STRING(st, member, key, flag, longest, text)                           \
	{                                                                                 \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_STRING, .flags = flag, \
		.offset = HULL_FIELD_OFFSET(st, member, char *), .max = longest           \
	}
#define HULL_FIELD_NAMED(st, member, key, flag, words, text)                               \
	{                                                                                  \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_STRING, .flags = flag,  \
		.offset = HULL_FIELD_OFFSET(st, member, char *), .max = 64, .names = words \
	}
#define HULL_FIELD_U64(st, member, key, flag, value, least, most, text)                            \
	{                                                                                          \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_U64, .flags = flag,             \
		.offset = HULL_FIELD_OFFSET(st, member, uint64_t), .initial = value, .min = least, \
		.max = most                                                                        \
	}
#define HULL_FIELD_SIZE(st, member, key, flag, value, least, most, text)                           \
	{                                                                                          \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_SIZE, .flags = flag,            \
		.offset = HULL_FIELD_OFFSET(st, member, uint64_t), .initial = value, .min = least, \
		.max = most                                                                        \
	}
#define HULL_FIELD_BOOL(st, member, key, flag, value, text)                             \
	{                                                                               \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_BOOL, .flags = flag, \
		.offset = HULL_FIELD_OFFSET(st, member, bool), .initial = value         \
	}
#define HULL_FIELD_ENUM(st, member, key, flag, kind, value, words, text)                     \
	{                                                                                    \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_ENUM, .flags = flag,      \
		.offset = HULL_FIELD_OFFSET(st, member, kind), .initial = (uint64_t)(value), \
		.names = words                                                               \
	}
#define HULL_FIELD_STRINGS(st, member, key, flag, most, text)                              \
	{                                                                                  \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_STRINGS, .flags = flag, \
		.offset = HULL_FIELD_OFFSET(st, member, struct hull_strv), .max = most     \
	}
#define HULL_FIELD_STRUCT(st, member, key, flag, table, text)                             \
	{                                                                                 \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_STRUCT, .flags = flag, \
		.offset = offsetof(st, member), .fields = table                           \
	}
#define HULL_FIELD_LIST(st, member, key, flag, table, most, text)                       \
	{                                                                               \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_LIST, .flags = flag, \
		.offset = offsetof(st, member), .fields = table, .max = most            \
	}
#define HULL_FIELDS(type, table)                                           \
	{                                                                  \
		.v = (table), .n = ARRAY_SIZE(table), .size = sizeof(type) \
	}

/* The field of an object: *(type *), as the row's type says. */
static inline void *hull_field_at(const struct hull_field *f, const void *object)
{
	return (char *)(uintptr_t)object + f->offset;
}

/* A copy in the place of what a string was; "" becomes NULL. 0 or -ENOMEM. */
int hull_field_set_text(char **slot, const char *value);
/* Defaults into uninitialised memory. */
void hull_fields_init(const struct hull_fields *fields, void *object);
/* Frees what the object owns and zeroes it. */
void hull_fields_fini(const struct hull_fields *fields, void *object);
/* Into an initialised object, which on failure is left half set and must still be finished.  @where
 * may be NULL.  0, -1, or 1: there are problems in the list. */
int hull_fields_from_json(const struct hull_fields *fields, void *object,
			  const struct hull_json *json, const struct hull_field_where *where,
			  struct hull_error **err);
/* What is wrong with an object, by its own error, which is said to be at @where: -1 or 1. */
int hull_field_fail(const struct hull_field_where *where, struct hull_error **err);
/* What is wrong, with what to do about it, as one line more. 0 or -ENOMEM. */
int hull_problem_add(struct hull_strv *problems, const struct hull_error *err);
/* Relative paths become those of directory @dir. 0 or -ENOMEM. */
int hull_fields_resolve(const struct hull_fields *fields, void *object, const char *dir);
/* Appends a paragraph for each key that users may give, beneath @prefix: plain, or for scdoc's
 * manual pages.  Lists of several kinds are left to the caller. 0 or -ENOMEM. */
int hull_fields_explain(const struct hull_fields *fields, const char *prefix, bool page,
			struct hull_strbuf *out);
/* Its type in a word or two; and text of ours in the page's language, in which '_' would begin
 * something. */
const char *hull_field_type_text(const struct hull_field *f);
void hull_field_add_word(struct hull_strbuf *out, bool page, const char *word);
int hull_fields_to_json(const struct hull_fields *fields, const void *object,
			struct hull_json **ret, struct hull_error **err);

#endif
