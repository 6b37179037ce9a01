/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of a REST service's user: the body of a request that changes a VM's state, and the address
 * of the service.
 */
#include "base/cleanup.h"
#include "config/restapi.h"
#include "config/resturi.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void free_rest(struct hull_rest *r)
{
	free(r->path);
	free(r->address);
}

/* What is accepted survives being written down. */
static void check_uri(const char *text)
{
	cleanup_with(free_rest) struct hull_rest first = {0}, second = {0};
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *written = NULL;

	if (hull_rest_uri_parse(text, true, &first, &err) < 0) {
		assert(err && !first.path && !first.address && first.kind == HULL_REST_NONE);
		return;
	}
	assert((first.kind == HULL_REST_UNIX) == (first.path != NULL));
	assert(!first.path || (*first.path == '/' && strlen(first.path) <= HULL_CONFIG_MAX_SOCKET));
	written = hull_rest_uri_text(&first);
	assert(hull_rest_uri_parse(written, false, &second, NULL) == 0);
	assert(first.kind == second.kind && first.port == second.port);
	assert(!first.path == !second.path && !first.address == !second.address);
	assert(!first.path || !strcmp(first.path, second.path));
	assert(!first.address || !strcmp(first.address, second.address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *text = strndup((const char *)data, len), *word = NULL, *body = NULL;
	cleanup_error struct hull_error *err = NULL;

	check_uri(text);
	if (hull_rest_read_state((const char *)data, len, &word, &err) < 0) {
		assert(err && !word);
		body = hull_rest_error_body(hull_error_message(err));
	} else if (word && !hull_rest_action(word)) {
		body = hull_rest_error_body(word);
	}
	assert(!body || !strpbrk(body, "<>&\n"));
	return 0;
}
