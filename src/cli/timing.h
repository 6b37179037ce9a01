/* SPDX-License-Identifier: Apache-2.0
 *
 * --timing: what a run was made of, as text, JSON or a picture.
 */
#ifndef HULL_CLI_TIMING_H
#define HULL_CLI_TIMING_H

#include "base/error.h"
#include "base/timeline.h"

enum hull_timing_format { HULL_TIMING_NONE, HULL_TIMING_TEXT, HULL_TIMING_JSON, HULL_TIMING_SVG };

struct hull_timing {
	enum hull_timing_format format;
	char *file; /* owned; NULL: standard error */
};

/* FORMAT[:FILE]; NULL is text.  The file is made at once, so that a wrong one is told before. */
int hull_timing_parse(const char *value, struct hull_timing *ret, struct hull_error **err);
/* Of [from, to): that and the phases in it. */
int hull_timing_show(const struct hull_timing *timing, const struct hull_timeline *t, uint64_t from,
		     uint64_t to, struct hull_error **err);
void hull_timing_fini(struct hull_timing *timing);

/* ---- the formats; -ENOMEM ---- */
struct hull_strbuf;
int hull_timing_text(const struct hull_timeline *t, uint64_t from, uint64_t to,
		     struct hull_strbuf *out);
int hull_timing_json(const struct hull_timeline *t, uint64_t from, uint64_t to,
		     struct hull_strbuf *out);
int hull_timing_svg(const struct hull_timeline *t, uint64_t from, uint64_t to,
		    struct hull_strbuf *out);

#endif
