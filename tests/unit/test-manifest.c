/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../fuzz/fuzz-manifest.c"
#include "base/strbuf.h"
#include "corpus.h"

#include <stdio.h>

/* "stage/module " for each entry. */
static void reads(const char *text, const char *want)
{
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	struct hull_manifest_entry e;
	size_t pos = 0;

	while (hull_manifest_next(text, strlen(text), &pos, &e))
		hull_strbuf_addf(&got, "%s/%s ", e.stage, e.module);
	assert_string_equal(hull_strbuf_str(&got), want);
}

static void entries_in_order(void **state)
{
	reads("", "");
	reads("base virtio\nbase virtio_ring\npci virtio-pci", "base/virtio base/virtio_ring "
							       "pci/virtio-pci ");
	reads("  base \t virtio \r\n\n# base x\nlink console\n", "base/virtio link/console ");
}

static void malformed_lines_are_skipped(void **state)
{
	char name[HULL_MANIFEST_NAME_MAX + 2], line[80];

	reads("one\na b c\nbase ../x\nbase a.ko\nbase a/b\ngood line\n", "good/line ");
	memset(name, 'm', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(line, sizeof(line), "s %s\ngood line\n", name);
	reads(line, "good/line ");
}

static void corpus(void **state)
{
	assert_true(corpus_replay("manifest") >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_in_order),
		cmocka_unit_test(malformed_lines_are_skipped),
		cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
