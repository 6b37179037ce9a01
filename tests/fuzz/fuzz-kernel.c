/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels, their notes and initramfs archives from arbitrary bytes: what is told stays in bounds.
 */
#include "backend/qemu/kernel.h"
#include "base/cleanup.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *exact = malloc(len + !len); /* so that reading past its end is seen */
	struct hull_kernel k;

	assert(exact);
	if (len)
		memcpy(exact, data, len);
	hull_kernel_look(exact, len, &k);
	assert(k.kind <= HULL_KERNEL_OTHER && k.n_notes <= HULL_KERNEL_NOTES_MAX);
	assert((k.kind == HULL_KERNEL_OTHER) == (k.arch != NULL));
	assert((k.kind == HULL_KERNEL_COMPRESSED) == (k.format != NULL));
	for (size_t i = 0; i < k.n_notes; i++)
		assert(k.notes[i].len <= HULL_KERNEL_NOTE_BYTES);
	for (size_t i = 0; i < k.n_notes; i++)
		if (k.notes[i].offset < len && k.notes[i].len <= len - k.notes[i].offset)
			(void)hull_kernel_has_pvh(exact + k.notes[i].offset, k.notes[i].len);
	(void)hull_kernel_has_pvh(exact, len);
	(void)hull_initrd_plausible(exact, len);
	return 0;
}
