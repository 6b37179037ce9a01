/* SPDX-License-Identifier: Apache-2.0
 *
 * The error object and the one table that ties codes, names, errno and RPC status together.
 */
#define _GNU_SOURCE
#include "base/error.h"

#include "base/cleanup.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct hull_error {
	int code;
	char *cause;   /* owned, may be NULL */
	char *message; /* owned */
	char *hint;    /* owned, may be NULL */
};

/* What is returned when there is no memory for an error: recognised by address, never freed. */
static struct hull_error nomem_error = {.code = HULL_E_NOMEM};

/* rpc: google.rpc.Code.  Where several hull codes share one, from_rpc takes the first. */
static const struct {
	int code, rpc;
	const char *name;
} codes[] = {
	{HULL_E_INVALID, 3, "INVALID"},
	{HULL_E_NOT_FOUND, 5, "NOT_FOUND"},
	{HULL_E_EXISTS, 6, "EXISTS"},
	{HULL_E_STATE, 9, "STATE"},
	{HULL_E_BUSY, 10, "BUSY"},
	{HULL_E_DENIED, 7, "DENIED"},
	{HULL_E_UNSUPPORTED, 12, "UNSUPPORTED"},
	{HULL_E_UNAVAILABLE, 14, "UNAVAILABLE"},
	{HULL_E_EXHAUSTED, 8, "EXHAUSTED"},
	{HULL_E_TIMEOUT, 4, "TIMEOUT"},
	{HULL_E_CANCELED, 1, "CANCELED"},
	{HULL_E_CORRUPT, 15, "CORRUPT"},
	{HULL_E_BACKEND, 2, "BACKEND"},
	{HULL_E_AGENT, 2, "AGENT"},
	{HULL_E_OS, 2, "OS"},
	{HULL_E_NOMEM, 8, "NOMEM"},
	{HULL_E_INTERNAL, 13, "INTERNAL"},
};

const char *hull_strerror(int errnum)
{
	const char *s = strerrordesc_np(errnum);

	return s ? s : "unknown error";
}

const char *hull_code_name(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "INTERNAL";
}

int hull_code_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (!strcmp(codes[i].name, name))
			return codes[i].code;
	return 0;
}

int hull_code_to_rpc(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].code == code)
			return codes[i].rpc;
	return 13;
}

int hull_code_from_rpc(int rpc)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].rpc == rpc)
			return codes[i].code;
	return HULL_E_INTERNAL;
}

int hull_code_from_errno(int errnum)
{
	switch (errnum) {
	case EINVAL:
	case ENAMETOOLONG:
	case ENOTDIR:
	case EISDIR:
		return HULL_E_INVALID;
	case ENOENT:
	case ESRCH:
		return HULL_E_NOT_FOUND;
	case EEXIST:
		return HULL_E_EXISTS;
	case EBUSY:
	case ETXTBSY:
	case EADDRINUSE:
		return HULL_E_BUSY;
	case EACCES:
	case EPERM:
	case EROFS:
		return HULL_E_DENIED;
	case EOPNOTSUPP:
	case ENOSYS:
		return HULL_E_UNSUPPORTED;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
		return HULL_E_UNAVAILABLE;
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
		return HULL_E_EXHAUSTED;
	case ETIMEDOUT:
		return HULL_E_TIMEOUT;
	case ECANCELED:
		return HULL_E_CANCELED;
	case EBADMSG:
	case EUCLEAN:
		return HULL_E_CORRUPT;
	case ENOMEM:
		return HULL_E_NOMEM;
	default:
		return HULL_E_OS;
	}
}

/* Of those only that a user can do something about, wherever they come from; else NULL. */
static const char *cause_of_errno(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return "no-space";
	case EROFS:
		return "read-only";
	case EMFILE:
	case ENFILE:
		return "descriptor-limit";
	case EACCES:
	case EPERM:
		return "permission";
	case ENOENT:
		return "no-such-file";
	default:
		return NULL;
	}
}

int hull_error_code(const struct hull_error *err)
{
	return err ? err->code : 0;
}

const char *hull_error_cause(const struct hull_error *err)
{
	return err && err->cause ? err->cause : "";
}

const char *hull_error_message(const struct hull_error *err)
{
	if (!err)
		return "";
	return err->message ? err->message : "out of memory";
}

const char *hull_error_hint(const struct hull_error *err)
{
	return err && err->hint ? err->hint : "";
}

void hull_error_free(struct hull_error *err)
{
	int saved = errno;

	if (!err || err == &nomem_error)
		return;
	free(err->cause);
	free(err->message);
	free(err->hint);
	free(err);
	errno = saved;
}

/* Takes @message; a NULL one means there was no memory for it. */
static int set(struct hull_error **err, int code, const char *cause, char *message)
{
	struct hull_error *e;

	if (!err) {
		free(message);
		return -1;
	}
	assert(!*err);
	*err = &nomem_error;
	if (!message)
		return -1;
	e = calloc(1, sizeof(*e));
	if (!e) {
		free(message);
		return -1;
	}
	e->code = code;
	e->message = message;
	e->cause = cause && *cause ? strdup(cause) : NULL;
	*err = e;
	return -1;
}

HULL_PRINTF(1, 0) static char *format(const char *fmt, va_list ap)
{
	char *s = NULL;

	return vasprintf(&s, fmt, ap) < 0 ? NULL : s;
}

int hull_fail(struct hull_error **err, int code, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = format(fmt, ap);
	va_end(ap);
	return set(err, code, NULL, s);
}

int hull_fail_cause(struct hull_error **err, int code, const char *cause, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = format(fmt, ap);
	va_end(ap);
	return set(err, code, cause, s);
}

int hull_fail_errno(struct hull_error **err, int errnum, const char *fmt, ...)
{
	cleanup_free char *s = NULL;
	char *full = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = format(fmt, ap);
	va_end(ap);
	if (!s || asprintf(&full, "%s: %s", s, hull_strerror(errnum)) < 0)
		full = NULL;
	(void)set(err, hull_code_from_errno(errnum), cause_of_errno(errnum), full);
	if (errnum == EMFILE)
		hull_hint(err, "raise the limit of open files: 'ulimit -n' tells it");
	return -1;
}

int hull_fail_nomem(struct hull_error **err)
{
	return set(err, HULL_E_NOMEM, NULL, NULL);
}

int hull_fail_remote(struct hull_error **err, int code, const char *cause, const char *message,
		     const char *hint)
{
	set(err, code, cause, strdup(message));
	if (hint && *hint)
		hull_hint(err, "%s", hint);
	return -1;
}

int hull_fail_copy(struct hull_error **err, const struct hull_error *src)
{
	return hull_fail_remote(err, hull_error_code(src), hull_error_cause(src),
				hull_error_message(src), hull_error_hint(src));
}

int hull_prefix(struct hull_error **err, const char *fmt, ...)
{
	cleanup_free char *where = NULL;
	char *full = NULL;
	va_list ap;

	if (!err || !*err || *err == &nomem_error)
		return -1;
	va_start(ap, fmt);
	where = format(fmt, ap);
	va_end(ap);
	if (!where || asprintf(&full, "%s: %s", where, (*err)->message) < 0)
		return -1; /* the inner text still tells the cause */
	free((*err)->message);
	(*err)->message = full;
	return -1;
}

void hull_hint(struct hull_error **err, const char *fmt, ...)
{
	va_list ap;
	char *s;

	if (!err || !*err || *err == &nomem_error)
		return;
	va_start(ap, fmt);
	s = format(fmt, ap);
	va_end(ap);
	if (!s)
		return;
	free((*err)->hint);
	(*err)->hint = s;
}

int hull_error_move(struct hull_error **dst, struct hull_error **src)
{
	if (dst) {
		assert(!*dst);
		*dst = *src;
	} else {
		hull_error_free(*src);
	}
	*src = NULL;
	return -1;
}
