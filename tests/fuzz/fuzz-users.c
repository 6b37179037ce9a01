/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking up a user in hostile passwd and group files.  Input: spec NUL passwd NUL group.  What is
 * found is bounded and usable; what is not leaves the result untouched.
 */
#include "agent/users.h"
#include "base/cleanup.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy whose end the sanitizer knows, not terminated. */
static char *take(const uint8_t **p, size_t *left, size_t *ret_len, size_t extra)
{
	const uint8_t *nul = *left ? memchr(*p, '\0', *left) : NULL;
	size_t n = nul ? (size_t)(nul - *p) : *left;
	char *copy = malloc(n + extra + !(n + extra));

	assert(copy);
	if (n)
		memcpy(copy, *p, n);
	if (extra)
		copy[n] = '\0';
	*ret_len = n;
	n += nul ? 1 : 0;
	*p += n;
	*left -= n;
	return copy;
}

static void check(const struct hull_user *u)
{
	assert(u->uid != (uid_t)-1 && u->gid != (gid_t)-1);
	assert(u->n_groups <= HULL_USERS_GROUPS_MAX);
	for (size_t i = 0; i < u->n_groups; i++)
		assert(u->groups[i] != (gid_t)-1);
	assert(!u->home || (*u->home && strlen(u->home) < PATH_MAX && !strpbrk(u->home, ":\n")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t n_spec, n_passwd, n_group;
	cleanup_free char *spec = take(&data, &len, &n_spec, 1);
	cleanup_free char *passwd = take(&data, &len, &n_passwd, 0);
	cleanup_free char *group = take(&data, &len, &n_group, 0);
	cleanup_with(hull_user_fini) struct hull_user u = {.uid = 77};
	cleanup_error struct hull_error *err = NULL;

	if (hull_users_resolve(spec, passwd, n_passwd, group, n_group, &u, &err) < 0) {
		assert(err && u.uid == 77 && !u.groups && !u.home);
		return 0;
	}
	assert(!err);
	check(&u);
	return 0;
}
