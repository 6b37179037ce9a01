/* SPDX-License-Identifier: Apache-2.0
 *
 * The first byte chooses: the address of an NBD server, the description of a VMDK image, which is
 * read again as we write it, or the head of an image.
 */
#include "backend/qemu/image.h"
#include "backend/qemu/vmdk.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
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

static void look_at_description(const char *text, size_t len)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	cleanup_vmdk struct hull_vmdk v = {0}, again = {0};

	if (hull_vmdk_parse(text, len, &v, &err) < 0) {
		assert(err && !v.extents.n && !v.files.n);
		return;
	}
	hull_vmdk_write(&v, 1000, &out);
	assert(!out.failed && hull_vmdk_parse(out.data, out.len, &again, &err) == 0);
	assert(again.extents.n == v.extents.n && again.files.n == v.files.n + v.zeros);
	for (size_t i = 0; i < v.extents.n; i++) {
		const struct hull_vmdk_extent *a = &v.extents.v[i], *b = &again.extents.v[i];

		assert(a->sectors == b->sectors && a->offset == b->offset);
		assert(a->file < v.files.n || v.zeros);
		assert(hull_vmdk_need(&v, a->file) == hull_vmdk_need(&again, b->file));
	}
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
	if (*data == 'v') {
		look_at_description((const char *)data + 1, len - 1);
		return 0;
	}
	f = hull_image_look(formats[*data % 3], *data & 0x80, data + 1, len - 1);
	assert(!f || (f->code && *f->text));
	return 0;
}
