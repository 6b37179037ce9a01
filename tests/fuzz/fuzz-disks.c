/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses: the address of an NBD server, or the head of an image.
 */
#include "backend/qemu/image.h"
#include "base/cleanup.h"
#include "config/nbd.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look_at_uri(const char *uri)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_nbd struct hull_nbd n = {0};

	if (hull_nbd_parse(uri, &n, &err) < 0) {
		assert(err && !n.host && !n.socket && !n.export);
		return;
	}
	assert(!n.host != !n.socket && n.export);
	assert(!n.host || (*n.host && n.port));
	assert(!n.socket || (*n.socket == '/' && strlen(n.socket) < 108));
	assert(strlen(n.export) <= HULL_NBD_URI_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const formats[] = {"raw", "qcow2", "vmdk"};
	cleanup_free char *text = malloc(len + 1);
	const struct hull_image_fault *f;

	assert(text);
	if (!len)
		return 0;
	if (*data == 'u') {
		memcpy(text, data + 1, len - 1);
		text[len - 1] = '\0';
		look_at_uri(text);
		return 0;
	}
	f = hull_image_look(formats[*data % 3], *data & 0x80, data + 1, len - 1);
	assert(!f || (f->code && *f->text));
	return 0;
}
