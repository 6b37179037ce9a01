/* SPDX-License-Identifier: Apache-2.0
 *
 * Setting errors.  A function that fails sets *err exactly once and returns -1; callers add
 * where with hull_prefix() as it rises; only programs' main loops print.  Every setter
 * accepts a NULL err.  Out of memory is one static object, never freed.
 */
#ifndef HULL_BASE_ERROR_H
#define HULL_BASE_ERROR_H

#include <hull/error.h>
#include <stdarg.h>
#include <stddef.h>

#define HULL_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* All return -1.  It is a bug to set an error that is already set. */
int hull_fail(struct hull_error **err, int code, const char *fmt, ...) HULL_PRINTF(3, 4);
/* @cause: a short stable word, e.g. "not-running", "guest-panic". */
int hull_fail_cause(struct hull_error **err, int code, const char *cause, const char *fmt, ...)
	HULL_PRINTF(4, 5);
/* Code derived from @errnum, and a cause where there is one; ": <error text>" is appended. */
int hull_fail_errno(struct hull_error **err, int errnum, const char *fmt, ...) HULL_PRINTF(3, 4);
int hull_fail_nomem(struct hull_error **err);
/* Puts "text: " before the message. */
int hull_prefix(struct hull_error **err, const char *fmt, ...) HULL_PRINTF(2, 3);
/* Sets what the user can do about it; replaces an earlier hint. */
void hull_hint(struct hull_error **err, const char *fmt, ...) HULL_PRINTF(2, 3);

/* Rebuilds an error that came over a wire; @cause and @hint may be "". */
int hull_fail_remote(struct hull_error **err, int code, const char *cause, const char *message,
		     const char *hint);
/* Another of the same, where @src is somebody else's. */
int hull_fail_copy(struct hull_error **err, const struct hull_error *src);

int hull_code_from_errno(int errnum);
/* ttrpc/gRPC status code for a hull code, and back (table in DESIGN: one place). */
int hull_code_to_rpc(int code);
int hull_code_from_rpc(int rpc);
/* The number for a stable name, 0 if there is none. */
int hull_code_from_name(const char *name);

/* "No such file or directory" for ENOENT; never NULL, no locale, thread safe. */
const char *hull_strerror(int errnum);

static inline void hull_error_freep(struct hull_error **err)
{
	hull_error_free(*err);
	*err = NULL;
}
#define cleanup_error __attribute__((cleanup(hull_error_freep)))

/* Moves the error to @dst (dropping it if dst is NULL).  Returns -1. */
int hull_error_move(struct hull_error **dst, struct hull_error **src);

#endif
