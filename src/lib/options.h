/* SPDX-License-Identifier: Apache-2.0
 *
 * The option structs of hull/config.h and the objects that the field tables describe, one made of
 * the other.  A struct's members are listed once, by the names that the table's rows have in our
 * JSON; all else is the table's: types, bounds, defaults, what excludes what.  That nothing is
 * missing here is checked by the compiler for the structs, and by a unit test for the tables.
 */
#ifndef HULL_LIB_OPTIONS_H
#define HULL_LIB_OPTIONS_H

#include "config/device.h"

#include <hull/config.h>

struct hull_json;

enum hull_lib_type {
	HULL_LIB_TEXT,	 /* const char * */
	HULL_LIB_U64,	 /* uint64_t */
	HULL_LIB_I64,	 /* int64_t */
	HULL_LIB_FLAG,	 /* uint64_t for a bool that is false by default */
	HULL_LIB_NOT,	 /* uint64_t for the opposite of a bool that is true by default */
	HULL_LIB_SPECIAL /* no row of its own: the shadow's functions see to it */
};

struct hull_lib_member {
	const char *name; /* of the row */
	size_t offset;	  /* in the option struct */
	enum hull_lib_type type;
};

/* What stands for a table outside. */
struct hull_lib_shadow {
	const struct hull_lib_member *v;
	size_t n;
	size_t size; /* of the option struct */
	/* Completes what the members say, before it is read; NULL: nothing to do. */
	int (*complete)(const void *options, struct hull_json *json, struct hull_error **err);
	/* Completes the options of @object; NULL: nothing to do. */
	void (*fill)(const void *object, void *options);
};

extern const struct hull_lib_shadow hull_lib_devices[HULL_DEVICE_COUNT];
extern const struct hull_lib_shadow hull_lib_boots[HULL_BOOT_MACOS + 1]; /* the first is empty */

/* NULL: all default.  *ret_... is the caller's to finish. */
int hull_lib_device_make(enum hull_device_kind kind, const void *options,
			 struct hull_device *ret_dev, struct hull_error **err);
int hull_lib_boot_make(enum hull_boot_kind kind, const void *options,
		       struct hull_bootloader *ret_boot, struct hull_error **err);
/* A struct of options as its caller knows it into @copy, of @size bytes as we do. */
int hull_lib_options_copy(const void *options, void *copy, size_t size, struct hull_error **err);
/* The options of @object as the caller knows them, in @size bytes. */
int hull_lib_options_get(const struct hull_lib_shadow *shadow, const struct hull_fields *fields,
			 const void *object, void *options, size_t size, void **ret_strings,
			 struct hull_error **err);

#endif
