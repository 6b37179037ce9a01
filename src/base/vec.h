/* SPDX-License-Identifier: Apache-2.0
 *
 * Two growing arrays: hull_strv, an owned NULL-terminated list of strings (argv, environment),
 * and HULL_VEC(type), an array of values for everything else.
 */
#ifndef HULL_BASE_VEC_H
#define HULL_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct hull_strv {
	char **v; /* owned, NULL-terminated; NULL while empty */
	size_t n;
	bool failed; /* an append failed: checked once after a run of appends */
};

int hull_strv_add(struct hull_strv *s, const char *item); /* copies; 0 or -ENOMEM */
int hull_strv_take(struct hull_strv *s, char *item);	  /* owns item, even on failure */
int hull_strv_addf(struct hull_strv *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int hull_strv_copy(struct hull_strv *dst, const struct hull_strv *src);
void hull_strv_fini(struct hull_strv *s);
#define cleanup_strv __attribute__((cleanup(hull_strv_fini)))

/* struct { T *v; size_t n, cap; }: zero-initialise, push, free(x.v). */
#define HULL_VEC(T)            \
	struct {               \
		T *v;          \
		size_t n, cap; \
	}

/* Room for one more; 0 or -ENOMEM. */
int hull_vec_grow(void **v, size_t *cap, size_t n, size_t size);

/* Appends a zeroed element and yields its address, or NULL without memory. */
#define hull_vec_push(vec)                                                                 \
	(hull_vec_grow((void **)&(vec)->v, &(vec)->cap, (vec)->n, sizeof((vec)->v[0])) < 0 \
		 ? NULL                                                                    \
		 : &(vec)->v[(vec)->n++])

#endif
