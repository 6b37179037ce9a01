/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing cpio archives, see cpio.h.
 */
#define _GNU_SOURCE
#include "boot/cpio.h"

#include "base/strbuf.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

static void pad(struct hull_strbuf *out)
{
	(void)hull_strbuf_add(out, "\0\0\0", hull_cpio_padding(out->len));
}

void hull_cpio_add(struct hull_strbuf *out, const char *path, uint32_t mode, const void *data,
		   size_t len)
{
	unsigned int links = S_ISDIR(mode) ? 2 : 1;

	if (len > UINT32_MAX) {
		out->failed = true;
		return;
	}
	/* Files with one link are not looked for by their number, which may be the same for all. */
	(void)hull_strbuf_addf(out, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
			       0, mode, 0, 0, links, 0, len, 0, 0, 0, 0, strlen(path) + 1, 0);
	(void)hull_strbuf_add(out, path, strlen(path) + 1);
	pad(out);
	(void)hull_strbuf_add(out, data, len);
	pad(out);
}

void hull_cpio_end(struct hull_strbuf *out)
{
	hull_cpio_add(out, "TRAILER!!!", 0, "", 0);
}
