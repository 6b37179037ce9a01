/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing images, see iso9660.h.  One block (2048 bytes) each:
 *
 *   0-15  the system's, empty
 *   16    primary volume descriptor
 *   17    the end of the descriptors
 *   18    path table, low bytes first
 *   19    path table, high bytes first
 *   20    root directory
 *   21... the files
 */
#define _GNU_SOURCE
#include "boot/iso9660.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 2048
#define DESCRIPTOR 16
#define PATHS_LOW 18
#define PATHS_HIGH 19
#define ROOT 20
#define FIRST_FILE 21
#define VERSION ";1"
#define PATHS_LEN 10 /* the root alone */
#define FLAG_DIRECTORY 2

static void put_low32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void put_high32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* Numbers of both orders, as most are. */
static void put32(uint8_t *p, uint32_t v)
{
	put_low32(p, v);
	put_high32(p + 4, v);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = p[3] = (uint8_t)v;
	p[1] = p[2] = (uint8_t)(v >> 8);
}

static void put_text(uint8_t *p, size_t len, const char *text)
{
	memset(p, ' ', len);
	memcpy(p, text, MIN(len, strlen(text)));
}

/* Its length. */
static size_t put_entry(uint8_t *p, const char *name, size_t name_len, uint32_t block, uint32_t len,
			uint8_t flags)
{
	size_t size = (33 + name_len + 1) & ~(size_t)1;

	p[0] = (uint8_t)size;
	put32(p + 2, block);
	put32(p + 10, len);
	p[18] = 70; /* the first of January 1970, midnight */
	p[19] = p[20] = 1;
	p[25] = flags;
	put16(p + 28, 1); /* volume */
	p[32] = (uint8_t)name_len;
	memcpy(p + 33, name, name_len);
	return size;
}

/* The directory itself and the one above it have names of one byte. */
static size_t put_root(uint8_t *p, char name)
{
	return put_entry(p, &name, 1, ROOT, BLOCK, FLAG_DIRECTORY);
}

static void add_descriptors(struct hull_strbuf *out, const char *label, uint32_t blocks)
{
	uint8_t d[BLOCK] = {1, 'C', 'D', '0', '0', '1', 1}, end[BLOCK] = {255};

	put_text(d + 8, 32, "");
	put_text(d + 40, 32, label);
	put32(d + 80, blocks);
	put16(d + 120, 1); /* of one volume */
	put16(d + 124, 1); /* the first */
	put16(d + 128, BLOCK);
	put32(d + 132, PATHS_LEN);
	put_low32(d + 140, PATHS_LOW);
	put_high32(d + 148, PATHS_HIGH);
	(void)put_root(d + 156, 0);
	put_text(d + 190, 4 * 128 + 3 * 37, ""); /* nobody's, and no files about it */
	for (int i = 0; i < 4; i++)		 /* times that are not told */
		memset(d + 813 + 17 * i, '0', 16);
	d[881] = 1;
	memcpy(end + 1, d + 1, 6);
	hull_strbuf_add(out, d, sizeof(d));
	hull_strbuf_add(out, end, sizeof(end));
}

static void add_paths(struct hull_strbuf *out)
{
	uint8_t low[BLOCK] = {1}, high[BLOCK] = {1};

	put_low32(low + 2, ROOT);
	low[6] = 1; /* its own parent */
	put_high32(high + 2, ROOT);
	high[7] = 1;
	hull_strbuf_add(out, low, sizeof(low));
	hull_strbuf_add(out, high, sizeof(high));
}

static uint32_t blocks_of(size_t len)
{
	return (uint32_t)((len + BLOCK - 1) / BLOCK);
}

void hull_iso_make(struct hull_strbuf *out, const char *label, const struct hull_iso_file *files,
		   size_t n)
{
	static const uint8_t zero[BLOCK];
	uint8_t root[BLOCK] = {0};
	uint32_t next = FIRST_FILE;
	size_t at = put_root(root, 0);

	static_assert(HULL_ISO_FILES_MAX * (34 + HULL_ISO_NAME_MAX + 2) + 2 * 34 <= BLOCK,
		      "the directory is one block");
	assert(n <= HULL_ISO_FILES_MAX);
	at += put_root(root + at, 1);
	for (size_t i = 0; i < n; i++) {
		char name[HULL_ISO_NAME_MAX + sizeof(VERSION)];
		size_t len = strlen(files[i].name);

		assert(len <= HULL_ISO_NAME_MAX);
		memcpy(name, files[i].name, len);
		memcpy(name + len, VERSION, sizeof(VERSION));
		at += put_entry(root + at, name, len + strlen(VERSION), next,
				(uint32_t)files[i].len, 0);
		next += blocks_of(files[i].len);
	}
	for (int i = 0; i < DESCRIPTOR; i++)
		hull_strbuf_add(out, zero, sizeof(zero));
	add_descriptors(out, label, next);
	add_paths(out);
	hull_strbuf_add(out, root, sizeof(root));
	for (size_t i = 0; i < n; i++) {
		hull_strbuf_add(out, files[i].data, files[i].len);
		hull_strbuf_add(out, zero, -files[i].len % BLOCK);
	}
}
