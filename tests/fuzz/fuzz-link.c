/* SPDX-License-Identifier: Apache-2.0
 *
 * Either end of a link against a peer made of hellos (whole, cut, with other epochs), yamux frames
 * and arbitrary bytes.  Taken whole and in small pieces it must come to the same, and a guest may
 * never fail for it.
 */
#include "../unit/mux.h"

struct lf {
	struct side whole, cut;
	struct hull_strbuf bytes; /* of the peer, not fed yet */
	uint32_t x;
	bool host;
};

static int lf_feed(struct lf *f)
{
	const char *p = f->bytes.data;
	size_t left = f->bytes.len;
	int r, r_cut = 0;

	if (!left)
		return 0;
	r = side_feed(&f->whole, p, left);
	while (left && r_cut == 0) {
		size_t n;

		f->x = f->x * 1664525 + 1013904223;
		n = 1 + (f->x >> 27);
		n = MIN(n, left);
		r_cut = side_feed(&f->cut, p, n);
		p += n;
		left -= n;
	}
	assert(r == r_cut);
	assert(f->host || r == 0);
	hull_strbuf_clear(&f->bytes);
	return r;
}

static void lf_compare(struct lf *f)
{
	cleanup_strbuf struct hull_strbuf a = HULL_STRBUF_INIT, b = HULL_STRBUF_INIT;

	assert(!strcmp(side_log(&f->whole), side_log(&f->cut)));
	side_output(&f->whole, &a, SIZE_MAX);
	side_output(&f->cut, &b, SIZE_MAX);
	assert(a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len)));
}

/* One step of the program at *p; -1 when the session is over. */
static int lf_step(struct lf *f, const uint8_t **p, size_t *len)
{
	const uint8_t op = **p & 7, arg = **p >> 3;
	size_t n;
	int r = 0;

	++*p;
	--*len;
	switch (op) {
	case 0:
		hello(&f->bytes, arg & 3);
		break;
	case 1: /* cut short */
		hello(&f->bytes, arg & 1);
		f->bytes.len -= 1 + arg;
		break;
	case 2:
		frame(&f->bytes, DAT, arg & 7, arg & 8 ? 3 : 1, 0, "text");
		break;
	case 3:
		frame(&f->bytes, WIN, arg & 15, arg & 16 ? 2 : 5, 9, NULL);
		break;
	case 4:
		r = lf_feed(f);
		lf_compare(f);
		if (r == 0 && !f->host) {
			hull_link_hangup(f->whole.l);
			hull_link_hangup(f->cut.l);
		}
		break;
	default:
		n = MIN((size_t)arg, *len);
		hull_strbuf_add(&f->bytes, *p, n);
		*p += n;
		*len -= n;
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lf f = {.host = len && *data & 1, .x = (uint32_t)len};

	if (!len)
		return 0;
	data++;
	len--;
	side_init_link(&f.whole, f.host, 1);
	side_init_link(&f.cut, f.host, 1);
	while (len && lf_step(&f, &data, &len) == 0)
		;
	if (!len)
		lf_feed(&f);
	lf_compare(&f);
	hull_strbuf_fini(&f.bytes);
	side_fini(&f.whole);
	side_fini(&f.cut);
	return 0;
}
