/* SPDX-License-Identifier: Apache-2.0
 *
 * How a call of this library fails: a stable code, a cause, a message that names object
 * and attempt, and where known a hint.  Branch on code and cause, never on text.
 */
#ifndef HULL_ERROR_H
#define HULL_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Values are stable and are never reused. */
#define HULL_E_INVALID 1     /* the request itself is wrong */
#define HULL_E_NOT_FOUND 2   /* the named object does not exist */
#define HULL_E_EXISTS 3	     /* an object of that name exists */
#define HULL_E_STATE 4	     /* not possible in the object's present state; see the cause */
#define HULL_E_BUSY 5	     /* somebody else holds it */
#define HULL_E_DENIED 6	     /* permission */
#define HULL_E_UNSUPPORTED 7 /* this backend, host or guest can't */
#define HULL_E_UNAVAILABLE 8 /* peer is not there now */
#define HULL_E_EXHAUSTED 9   /* a limit was reached: disk, memory, descriptors */
#define HULL_E_TIMEOUT 10    /* the deadline passed */
#define HULL_E_CANCELED 11   /* somebody gave up on purpose */
#define HULL_E_CORRUPT 12    /* stored or received data is damaged */
#define HULL_E_BACKEND 13    /* the hypervisor failed */
#define HULL_E_AGENT 14	     /* the guest agent failed */
#define HULL_E_OS 15	     /* a system call failed */
#define HULL_E_NOMEM 16	     /* out of memory */
#define HULL_E_INTERNAL 17   /* a bug */

/* Belongs to whom a failing call gave it, and does not change: any thread may read it. */
struct hull_error;

/* All of them take NULL, which is no error: code 0, and "". None blocks or fails. */
#pragma GCC visibility push(default)
/* HULL_E_... */
int hull_error_code(const struct hull_error *err);
/* A stable word that tells cases of one code apart, such as "no-such-program".  Of these three: ""
 * where there is none; borrowed, valid until the error is freed. */
const char *hull_error_cause(const struct hull_error *err);
const char *hull_error_message(const struct hull_error *err);
const char *hull_error_hint(const struct hull_error *err);
/* The code's stable name: "INVALID", "NOT_FOUND", ...; of what is none, 0 as well, "INTERNAL". */
const char *hull_code_name(int code);
/* For any thread, once. */
void hull_error_free(struct hull_error *err);
#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
