/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing tar, see tar.h.
 *
 *   header block, [data, filled up to whole blocks], ... , two blocks of zeros
 *
 * Entries of the types x and L come before the one that they tell more about.
 */
#define _GNU_SOURCE
#include "base/tar.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECORDS_MAX 4096 /* of one extended header */
#define TIME_MAX ((int64_t)1 << 56)

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type, link[100], magic[6], version[2], user[32], group[32], major[8], minor[8];
	char prefix[155], filler[12];
};
static_assert(sizeof(struct header) == HULL_TAR_BLOCK, "the format's");

/* What x and L entries have said about the next one. */
struct said {
	char *name, *link, *sparse_name; /* owned; NULL: nothing */
	bool has_size, has_uid, has_gid, has_mtime, has_real_size, is_sparse;
	uint64_t size, uid, gid, real_size;
	int64_t mtime_s;
	uint32_t mtime_ns;
};

static void said_fini(struct said *s)
{
	free(s->name);
	free(s->link);
	free(s->sparse_name);
	*s = (struct said){0};
}

void hull_tar_entry_fini(struct hull_tar_entry *e)
{
	free(e->name);
	free(e->link);
	free(e->extents.v);
	*e = (struct hull_tar_entry){0};
}

static int corrupt(struct hull_error **err, const char *what)
{
	return hull_fail(err, HULL_E_CORRUPT, "the archive is damaged: %s", what);
}

/* ---- numbers ---- */

/* Octal between blanks, or (first byte 0x80 or 0xff) binary in big-endian order. */
static bool number(const char *field, size_t len, int64_t *ret)
{
	const unsigned char *p = (const unsigned char *)field;
	uint64_t v = 0;
	size_t i = 0;

	if (p[0] == 0x80 || p[0] == 0xff) {
		bool negative = p[0] == 0xff;

		for (i = 1; i < len; i++) {
			if (len - i > 8 ? p[i] != (negative ? 0xff : 0) : false)
				return false;
			v = v << 8 | p[i];
		}
		if (len - 1 < 8 && negative)
			v |= ~UINT64_C(0) << (8 * (len - 1));
		*ret = (int64_t)v;
		return (*ret < 0) == negative;
	}
	while (i < len && p[i] == ' ')
		i++;
	for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(p[i] - '0'); /* at most 12 digits */
	for (; i < len; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return false;
	*ret = (int64_t)v;
	return true;
}

static bool natural(const char *field, size_t len, uint64_t *ret)
{
	int64_t v;

	if (!number(field, len, &v) || v < 0)
		return false;
	*ret = (uint64_t)v;
	return true;
}

/* Digits up to @end. */
static bool decimal(const char *p, const char *end, uint64_t *ret)
{
	uint64_t v = 0;

	if (p == end)
		return false;
	for (; p < end; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*ret = v;
	return v <= INT64_MAX;
}

/* "-12.5": that many seconds; digits beyond nanoseconds are dropped. */
static bool timestamp(const char *p, const char *end, struct said *s)
{
	bool negative = p < end && *p == '-';
	const char *dot;
	uint64_t seconds;
	uint32_t ns = 0, unit = 100000000;

	p += negative;
	dot = memchr(p, '.', (size_t)(end - p));
	if (!decimal(p, dot ? dot : end, &seconds))
		return false;
	for (p = dot ? dot + 1 : end; p < end; p++, unit /= 10) {
		if (*p < '0' || *p > '9')
			return false;
		ns += unit * (uint32_t)(*p - '0');
	}
	s->mtime_s = negative ? -(int64_t)seconds : (int64_t)seconds;
	if (negative && ns) {
		s->mtime_s--;
		ns = 1000000000 - ns;
	}
	s->mtime_ns = ns;
	s->has_mtime = true;
	return true;
}

/* ---- bytes ---- */

static int read_all(struct hull_tar_reader *r, void *buf, size_t len, struct hull_error **err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = r->read(r->ctx, (char *)buf + done, len - done);

		if (n < 0)
			return hull_fail_errno(err, (int)-n, "read the archive");
		if (n == 0)
			return hull_fail_cause(err, HULL_E_CORRUPT, "truncated",
					       "the archive ends too early");
		done += (size_t)n;
	}
	return 0;
}

/* What nobody wanted to have. */
static int skip(struct hull_tar_reader *r, struct hull_error **err)
{
	char buf[4096];

	if (__builtin_add_overflow(r->left, r->padding, &r->left))
		return corrupt(err, "a size that can't be");
	r->padding = 0;
	while (r->left) {
		size_t n = (size_t)MIN(r->left, sizeof(buf));

		if (read_all(r, buf, n, err) < 0)
			return -1;
		r->left -= n;
	}
	return 0;
}

static int slurp(struct hull_tar_reader *r, uint64_t size, struct hull_strbuf *out,
		 struct hull_error **err)
{
	size_t padding = hull_tar_padding(size);

	if (size > HULL_TAR_HEADER_MAX)
		return corrupt(err, "an extended header is too large");
	if (hull_strbuf_reserve(out, (size_t)size + padding) < 0)
		return hull_fail_nomem(err);
	if (read_all(r, out->data, (size_t)size + padding, err) < 0)
		return -1;
	out->len = (size_t)size;
	return 0;
}

static int take_name(char **slot, const char *p, size_t len, struct hull_error **err)
{
	if (len > HULL_TAR_NAME_MAX || memchr(p, '\0', len))
		return corrupt(err, "a name that can't be");
	free(*slot);
	*slot = strndup(p, len);
	return *slot ? 0 : hull_fail_nomem(err);
}

/* ---- extended headers ---- */

static bool is_key(const char *key, size_t len, const char *want)
{
	return len == strlen(want) && !memcmp(key, want, len);
}

static int record(struct said *s, const char *key, size_t key_len, const char *v, const char *end,
		  struct hull_error **err)
{
	static const char sparse[] = "GNU.sparse.";
	size_t len = (size_t)(end - v);
	uint64_t n = 0;
	bool good = true;

	if (is_key(key, key_len, "path"))
		return take_name(&s->name, v, len, err);
	if (is_key(key, key_len, "linkpath"))
		return take_name(&s->link, v, len, err);
	if (is_key(key, key_len, "GNU.sparse.name"))
		return take_name(&s->sparse_name, v, len, err);
	if (is_key(key, key_len, "size"))
		good = s->has_size = decimal(v, end, &s->size);
	else if (is_key(key, key_len, "uid"))
		good = s->has_uid = decimal(v, end, &s->uid);
	else if (is_key(key, key_len, "gid"))
		good = s->has_gid = decimal(v, end, &s->gid);
	else if (is_key(key, key_len, "mtime"))
		good = timestamp(v, end, s);
	else if (is_key(key, key_len, "GNU.sparse.realsize"))
		good = s->has_real_size = decimal(v, end, &s->real_size);
	else if (is_key(key, key_len, "GNU.sparse.major"))
		s->is_sparse = good = decimal(v, end, &n) && n == 1;
	else if (is_key(key, key_len, "GNU.sparse.minor"))
		good = decimal(v, end, &n) && n == 0;
	else if (key_len > strlen(sparse) && !memcmp(key, sparse, strlen(sparse)))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "the archive has sparse files of GNU's formats before 1.0");
	return good ? 0 : corrupt(err, "an extended header's value");
}

/* "<length> <key>=<value>\n", the length that of all. */
static int records(struct said *s, const struct hull_strbuf *text, struct hull_error **err)
{
	const char *p = hull_strbuf_str(text), *end = p + text->len;

	for (int i = 0; p < end; i++) {
		const char *blank = memchr(p, ' ', MIN((size_t)(end - p), 20U)), *eq;
		uint64_t len;

		if (!blank || !decimal(p, blank, &len) || len > (size_t)(end - p) ||
		    len < (size_t)(blank - p) + 3 || p[len - 1] != '\n' || i == RECORDS_MAX)
			return corrupt(err, "an extended header");
		eq = memchr(blank, '=', len - (size_t)(blank - p));
		if (!eq)
			return corrupt(err, "an extended header");
		if (record(s, blank + 1, (size_t)(eq - blank - 1), eq + 1, p + len - 1, err) < 0)
			return -1;
		p += len;
	}
	return 0;
}

/* Whether @h is one that tells about the next: 1, 0 or -1. */
static int extension(struct hull_tar_reader *r, const struct header *h, uint64_t size,
		     struct said *s, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	size_t len;

	if (!strchr("xgLK", h->type) || !h->type)
		return 0;
	if (slurp(r, size, &text, err) < 0)
		return -1;
	len = strnlen(hull_strbuf_str(&text), text.len);
	switch (h->type) {
	case 'x':
		return records(s, &text, err) < 0 ? -1 : 1;
	case 'L':
		return take_name(&s->name, hull_strbuf_str(&text), len, err) < 0 ? -1 : 1;
	case 'K':
		return take_name(&s->link, hull_strbuf_str(&text), len, err) < 0 ? -1 : 1;
	default: /* about all that follow: nothing that we would use */
		return 1;
	}
}

/* ---- entries ---- */

static bool checksum_fits(const struct header *h)
{
	const unsigned char *p = (const unsigned char *)h;
	uint64_t want, sum = 8 * ' ';

	for (size_t i = 0; i < sizeof(*h); i++)
		if (i < offsetof(struct header, checksum) || i >= offsetof(struct header, type))
			sum += p[i];
	return natural(h->checksum, sizeof(h->checksum), &want) && want == sum;
}

static bool is_zero(const struct header *h)
{
	static const struct header zero;

	return !memcmp(h, &zero, sizeof(zero));
}

static int type_of(const struct header *h, enum hull_tar_type *ret, struct hull_error **err)
{
	static const char letters[] = "0123456";

	if (h->type == '\0' || h->type == '7') {
		*ret = HULL_TAR_FILE;
		return 0;
	}
	if (!strchr(letters, h->type)) {
		if (h->type == 'S')
			return hull_fail(err, HULL_E_UNSUPPORTED,
					 "the archive has sparse files of GNU's formats before "
					 "1.0");
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "the archive has an entry of type 0x%02x, which nobody here knows",
				 (unsigned char)h->type);
	}
	*ret = (enum hull_tar_type)(strchr(letters, h->type) - letters);
	return 0;
}

/* Names of the header itself need no NUL at their ends. */
static int plain_name(const struct header *h, char **ret, struct hull_error **err)
{
	bool has_prefix = !memcmp(h->magic, "ustar", 6) && h->prefix[0];

	if (asprintf(ret, "%.*s%s%.*s", has_prefix ? (int)sizeof(h->prefix) : 0, h->prefix,
		     has_prefix ? "/" : "", (int)sizeof(h->name), h->name) < 0) {
		*ret = NULL;
		return hull_fail_nomem(err);
	}
	return 0;
}

static int fill(struct hull_tar_entry *e, const struct header *h, struct said *s,
		struct hull_error **err)
{
	uint64_t mode;

	if (type_of(h, &e->type, err) < 0)
		return -1;
	if (!natural(h->mode, sizeof(h->mode), &mode) ||
	    !natural(h->uid, sizeof(h->uid), &e->uid) ||
	    !natural(h->gid, sizeof(h->gid), &e->gid) ||
	    !number(h->mtime, sizeof(h->mtime), &e->mtime_s))
		return corrupt(err, "a number in a header");
	e->mode = (uint32_t)mode & 07777;
	e->name = steal_ptr(s->sparse_name && s->is_sparse ? &s->sparse_name : &s->name);
	e->link = steal_ptr(&s->link);
	if (!e->name && plain_name(h, &e->name, err) < 0)
		return -1;
	if (!e->link && !(e->link = strndup(h->link, sizeof(h->link))))
		return hull_fail_nomem(err);
	if (e->type == HULL_TAR_FILE && *e->name && e->name[strlen(e->name) - 1] == '/')
		e->type = HULL_TAR_DIRECTORY; /* as version 7 has them */
	if (e->type != HULL_TAR_SYMLINK && e->type != HULL_TAR_HARD_LINK)
		e->link[0] = '\0';
	e->uid = s->has_uid ? s->uid : e->uid;
	e->gid = s->has_gid ? s->gid : e->gid;
	if (e->uid >= UINT32_MAX || e->gid >= UINT32_MAX)
		return corrupt(err, "an owner that can't be");
	if (s->has_mtime) {
		e->mtime_s = s->mtime_s;
		e->mtime_ns = s->mtime_ns;
	}
	if (e->mtime_s > TIME_MAX || e->mtime_s < -TIME_MAX)
		return corrupt(err, "a time that can't be");
	return 0;
}

/* A decimal and a newline of the map, of which @len bytes have been seen. */
static int map_number(struct hull_tar_reader *r, struct hull_strbuf *block, size_t *at,
		      uint64_t *budget, uint64_t *ret, struct hull_error **err)
{
	char digits[24];

	for (size_t n = 0; n < sizeof(digits); n++) {
		if (*at == block->len) {
			if (*budget < HULL_TAR_BLOCK || block->len >= HULL_TAR_HEADER_MAX)
				break;
			if (hull_strbuf_reserve(block, HULL_TAR_BLOCK) < 0)
				return hull_fail_nomem(err);
			if (read_all(r, block->data + block->len, HULL_TAR_BLOCK, err) < 0)
				return -1;
			block->len += HULL_TAR_BLOCK;
			*budget -= HULL_TAR_BLOCK;
		}
		digits[n] = block->data[(*at)++];
		if (digits[n] == '\n') {
			if (decimal(digits, digits + n, ret))
				return 0;
			break;
		}
	}
	return corrupt(err, "the map of a sparse file");
}

/* The map comes before the data, in blocks of its own. */
static int read_map(struct hull_tar_reader *r, struct hull_tar_entry *e, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf block = HULL_STRBUF_INIT;
	uint64_t n, end = 0, sum = 0;
	size_t at = 0;

	if (map_number(r, &block, &at, &r->left, &n, err) < 0)
		return -1;
	if (n > HULL_TAR_EXTENTS_MAX + 1)
		return hull_fail(err, HULL_E_UNSUPPORTED, "a sparse file of more than %d pieces",
				 HULL_TAR_EXTENTS_MAX);
	for (; n; n--) {
		struct hull_tar_extent x;
		struct hull_tar_extent *slot;

		if (map_number(r, &block, &at, &r->left, &x.offset, err) < 0 ||
		    map_number(r, &block, &at, &r->left, &x.len, err) < 0)
			return -1;
		if (x.offset < end || x.len > e->size || x.offset > e->size - x.len)
			return corrupt(err, "the map of a sparse file");
		end = x.offset + x.len;
		sum += x.len;
		slot = hull_vec_push(&e->extents);
		if (!slot)
			return hull_fail_nomem(err);
		*slot = x;
	}
	return sum == r->left ? 0 : corrupt(err, "the map of a sparse file");
}

static int size_up(struct hull_tar_reader *r, struct hull_tar_entry *e, const struct said *s,
		   uint64_t size, struct hull_error **err)
{
	bool has_data = e->type == HULL_TAR_FILE || e->type == HULL_TAR_HARD_LINK;

	r->left = !has_data ? 0 : s->has_size ? s->size : size;
	r->padding = hull_tar_padding(r->left);
	e->size = e->type == HULL_TAR_FILE ? r->left : 0;
	if (!s->is_sparse || e->type != HULL_TAR_FILE)
		return 0;
	if (!s->has_real_size)
		return corrupt(err, "a sparse file without its size");
	e->sparse = true;
	e->size = s->real_size;
	return read_map(r, e, err);
}

static int next(struct hull_tar_reader *r, struct said *s, struct hull_error **err)
{
	struct header h;
	uint64_t size;
	int more;

	do {
		if (read_all(r, &h, sizeof(h), err) < 0)
			return -1;
		if (is_zero(&h))
			return 0;
		if (!checksum_fits(&h))
			return hull_fail(err, HULL_E_CORRUPT, "that is no tar archive");
		if (!natural(h.size, sizeof(h.size), &size))
			return corrupt(err, "a size");
		more = extension(r, &h, size, s, err);
	} while (more > 0);
	if (more < 0 || fill(&r->entry, &h, s, err) < 0 || size_up(r, &r->entry, s, size, err) < 0)
		return -1;
	return 1;
}

int hull_tar_next(struct hull_tar_reader *r, const struct hull_tar_entry **ret_entry,
		  struct hull_error **err)
{
	cleanup_with(said_fini) struct said s = {0};
	int n;

	if (skip(r, err) < 0)
		return -1;
	hull_tar_entry_fini(&r->entry);
	r->extent = 0;
	r->in_extent = 0;
	n = next(r, &s, err);
	if (n > 0)
		*ret_entry = &r->entry;
	return n;
}

ssize_t hull_tar_data(struct hull_tar_reader *r, void *buf, size_t len, uint64_t *ret_offset,
		      struct hull_error **err)
{
	const struct hull_tar_entry *e = &r->entry;
	uint64_t room = r->left;
	ssize_t n;

	if (e->type != HULL_TAR_FILE)
		return 0;
	while (e->sparse && r->extent < e->extents.n &&
	       r->in_extent == e->extents.v[r->extent].len) {
		r->extent++;
		r->in_extent = 0;
	}
	if (!room)
		return 0;
	*ret_offset = e->size - r->left;
	if (e->sparse) {
		*ret_offset = e->extents.v[r->extent].offset + r->in_extent;
		room = e->extents.v[r->extent].len - r->in_extent;
	}
	n = r->read(r->ctx, buf, (size_t)MIN(room, len));
	if (n < 0)
		return hull_fail_errno(err, (int)-n, "read the archive");
	if (n == 0)
		return hull_fail_cause(err, HULL_E_CORRUPT, "truncated",
				       "the archive ends too early");
	r->left -= (uint64_t)n;
	r->in_extent += (uint64_t)n;
	return n;
}

void hull_tar_reader_fini(struct hull_tar_reader *r)
{
	hull_tar_entry_fini(&r->entry);
}

/* ---- writing ---- */

uint64_t hull_tar_data_size(const struct hull_tar_entry *e)
{
	uint64_t sum = 0;

	if (!e->sparse)
		return e->type == HULL_TAR_FILE ? e->size : 0;
	for (size_t i = 0; i < e->extents.n; i++)
		sum += e->extents.v[i].len;
	return sum;
}

/* Its length counts itself. */
static void add_record(struct hull_strbuf *out, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;
	char digits[24];

	while (rest + (size_t)snprintf(digits, sizeof(digits), "%zu", len) != len)
		len = rest + strlen(digits);
	(void)hull_strbuf_addf(out, "%zu %s=%s\n", len, key, value);
}

static void add_number(struct hull_strbuf *out, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	add_record(out, key, text);
}

static void add_mtime(struct hull_strbuf *out, const struct hull_tar_entry *e)
{
	bool negative = e->mtime_s < 0;
	int64_t s = e->mtime_s + (negative && e->mtime_ns);
	uint32_t ns = negative && e->mtime_ns ? 1000000000 - e->mtime_ns : e->mtime_ns;
	char text[40];

	snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu32, negative ? "-" : "",
		 negative ? -(uint64_t)s : (uint64_t)s, ns);
	add_record(out, "mtime", text);
}

#define OCTAL_MAX(field) ((UINT64_C(1) << (3 * (sizeof(field) - 1))) - 1)

static void octal(char *field, size_t len, uint64_t value)
{
	for (size_t i = len - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

static void put_header(struct hull_strbuf *out, struct header *h)
{
	unsigned int sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += ((const unsigned char *)h)[i];
	octal(h->checksum, 7, sum);
	h->checksum[6] = '\0';
	(void)hull_strbuf_add(out, h, sizeof(*h));
}

static void pad(struct hull_strbuf *out, uint64_t len)
{
	static const char zeros[HULL_TAR_BLOCK];

	(void)hull_strbuf_add(out, zeros, hull_tar_padding(len));
}

static void extend(const struct hull_tar_entry *e, struct hull_strbuf *x, uint64_t size)
{
	const struct header *h = NULL;

	if (e->sparse) {
		add_number(x, "GNU.sparse.major", 1);
		add_number(x, "GNU.sparse.minor", 0);
		add_record(x, "GNU.sparse.name", e->name);
		add_number(x, "GNU.sparse.realsize", e->size);
	} else if (strlen(e->name) > sizeof(h->name)) {
		add_record(x, "path", e->name);
	}
	if (strlen(e->link) > sizeof(h->link))
		add_record(x, "linkpath", e->link);
	if (size > OCTAL_MAX(h->size))
		add_number(x, "size", size);
	if (e->uid > OCTAL_MAX(h->uid))
		add_number(x, "uid", e->uid);
	if (e->gid > OCTAL_MAX(h->gid))
		add_number(x, "gid", e->gid);
	if (e->mtime_ns || e->mtime_s < 0 || (uint64_t)e->mtime_s > OCTAL_MAX(h->mtime))
		add_mtime(x, e);
}

static void put_name(char *field, size_t len, const char *name)
{
	memcpy(field, name, MIN(len, strlen(name)));
}

static void put_entry(const struct hull_tar_entry *e, struct hull_strbuf *out, uint64_t size)
{
	struct header h = {.type = "0123456"[e->type]};

	put_name(h.name, sizeof(h.name), e->name);
	put_name(h.link, sizeof(h.link), e->link);
	octal(h.mode, sizeof(h.mode), e->mode & 07777);
	octal(h.uid, sizeof(h.uid), MIN(e->uid, OCTAL_MAX(h.uid)));
	octal(h.gid, sizeof(h.gid), MIN(e->gid, OCTAL_MAX(h.gid)));
	octal(h.size, sizeof(h.size), MIN(size, OCTAL_MAX(h.size)));
	octal(h.mtime, sizeof(h.mtime),
	      e->mtime_s < 0 ? 0 : MIN((uint64_t)e->mtime_s, OCTAL_MAX(h.mtime)));
	put_header(out, &h);
}

/* GNU's tar learns from the last piece, if need be an empty one, how long the file is. */
static void add_map(const struct hull_tar_entry *e, struct hull_strbuf *map)
{
	size_t n = e->extents.n;
	const struct hull_tar_extent *last = n ? &e->extents.v[n - 1] : NULL;
	bool hole = !last || last->offset + last->len < e->size;

	(void)hull_strbuf_addf(map, "%zu\n", n + hole);
	for (size_t i = 0; i < n; i++)
		(void)hull_strbuf_addf(map, "%" PRIu64 "\n%" PRIu64 "\n", e->extents.v[i].offset,
				       e->extents.v[i].len);
	if (hole)
		(void)hull_strbuf_addf(map, "%" PRIu64 "\n0\n", e->size);
}

int hull_tar_format(const struct hull_tar_entry *e, struct hull_strbuf *out)
{
	cleanup_strbuf struct hull_strbuf x = HULL_STRBUF_INIT, map = HULL_STRBUF_INIT;
	struct header h = {.name = "PaxHeader", .type = 'x'};
	uint64_t size = hull_tar_data_size(e);

	if (e->sparse) {
		add_map(e, &map);
		pad(&map, map.len);
		size += map.len;
	}
	extend(e, &x, size);
	if (x.len) {
		octal(h.mode, sizeof(h.mode), 0644);
		octal(h.uid, sizeof(h.uid), 0);
		octal(h.gid, sizeof(h.gid), 0);
		octal(h.size, sizeof(h.size), x.len);
		octal(h.mtime, sizeof(h.mtime), 0);
		put_header(out, &h);
		(void)hull_strbuf_add(out, hull_strbuf_str(&x), x.len);
		pad(out, x.len);
	}
	put_entry(e, out, size);
	(void)hull_strbuf_add(out, hull_strbuf_str(&map), map.len);
	return x.failed || map.failed || out->failed ? -ENOMEM : 0;
}
