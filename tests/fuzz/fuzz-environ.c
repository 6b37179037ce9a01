/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of environment variables from arbitrary bytes: what comes out is assignments with a name
 * each, every name once.
 */
#include "base/cleanup.h"
#include "config/environ.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *own_value(const char *name)
{
	assert(*name && !strpbrk(name, "= \t\n"));
	return *name < 'N' ? "the caller's = value" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *text = malloc(len + !len);
	cleanup_error struct hull_error *err = NULL;
	cleanup_strv struct hull_strv env = {0};

	assert(text);
	if (len)
		memcpy(text, data, len);
	assert((hull_environ_read(&env, text, len, own_value, &err) < 0) == !!err);
	assert(env.n <= HULL_ENVIRON_MAX && (!env.v || !env.v[env.n]));
	for (size_t i = 0; i < env.n; i++) {
		size_t n = strcspn(env.v[i], "=");

		assert(n && env.v[i][n] == '=' && strcspn(env.v[i], " \t\n") >= n);
		for (size_t k = 0; k < i && i < 64; k++)
			assert(strncmp(env.v[k], env.v[i], n + 1) != 0);
	}
	return 0;
}
