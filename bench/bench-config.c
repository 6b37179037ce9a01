/* SPDX-License-Identifier: Apache-2.0
 *
 * How long conversions take: vfkit's arguments to its JSON and back, N times in this process.
 *
 *   bench-config N ARGUMENT...
 *
 * Prints the nanoseconds of all of them, as JSON.
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "config/vfkit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int convert(char *const *argv, size_t n, struct hull_error **err)
{
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_vfkit struct hull_vfkit vm = {0}, read = {0};
	cleanup_strv struct hull_strv args = {0};
	cleanup_free char *json = NULL;

	if (hull_vfkit_parse_flags(argv, n, &flags, err) < 0 ||
	    hull_vfkit_from_flags(&flags, NULL, &vm, err) < 0 ||
	    hull_vfkit_to_json(&vm, &json, err) < 0 ||
	    hull_vfkit_from_json(json, strlen(json), &read, NULL, err) < 0)
		return -1;
	return hull_vfkit_render(&read, &args, err);
}

int main(int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	uint64_t n = 0, start;

	if (argc < 2 || hull_parse_u64(argv[1], UINT32_MAX, &n) < 0) {
		fprintf(stderr, "usage: bench-config N ARGUMENT...\n");
		return 2;
	}
	start = hull_now_ns();
	for (uint64_t i = 0; i < n; i++)
		if (convert(argv + 2, (size_t)argc - 2, &err) < 0) {
			fprintf(stderr, "bench-config: %s\n", hull_error_message(err));
			return 1;
		}
	printf("%" PRIu64 "\n", hull_now_ns() - start);
	return 0;
}
