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
 */
#ifndef HULL_CONFIG_FIELD_H
#define HULL_CONFIG_FIELD_H

#include "base/json.h"
#include "base/vec.h"

#include <stddef.h>

enum hull_field_type {
	HULL_FIELD_TYPE_STRING,	 /* char * */
	HULL_FIELD_TYPE_U64,	 /* uint64_t */
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
};

struct hull_fields;

struct hull_field {
	const char *name; /* JSON key */
	const char *help; /* one clause, lower case, no full stop */
	enum hull_field_type type;
	unsigned int flags;
	size_t offset;
	uint64_t initial;		  /* number, size, bool, enum */
	uint64_t min, max;		  /* number, size; strings: length; lists: items */
	const char *const *names;	  /* enum: ends with NULL */
	const struct hull_fields *fields; /* struct, list */
};

struct hull_fields {
	const struct hull_field *v;
	size_t n;
	size_t size; /* of the struct described */
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

/* Defaults into uninitialised memory. */
void hull_fields_init(const struct hull_fields *fields, void *object);
/* Frees what the object owns and zeroes it. */
void hull_fields_fini(const struct hull_fields *fields, void *object);
/* Into an initialised object, which on failure is left half set and must still be finished. */
int hull_fields_from_json(const struct hull_fields *fields, void *object,
			  const struct hull_json *json, struct hull_error **err);
int hull_fields_to_json(const struct hull_fields *fields, const void *object,
			struct hull_json **ret, struct hull_error **err);

#endif
