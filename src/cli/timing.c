/* SPDX-License-Identifier: Apache-2.0
 *
 * The three ways to show a timeline.
 */
#define _GNU_SOURCE
#include "cli/timing.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int hull_timing_parse(const char *value, struct hull_timing *ret, struct hull_error **err)
{
	static const char *const formats[] = {"text", "json", "svg", NULL};
	size_t n = value ? strcspn(value, ":") : 0;
	cleanup_free char *name = strndup(value ? value : "text", value ? n : 4);
	cleanup_close int fd = -1;
	int format;

	if (!name)
		return hull_fail_nomem(err);
	format = hull_name_index("format", name, formats, err);
	if (format < 0)
		return -1;
	hull_timing_fini(ret);
	ret->format = HULL_TIMING_TEXT + (unsigned int)format;
	if (!value || !value[n])
		return 0;
	fd = open(value + n + 1, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return hull_fail_errno(err, errno, "write '%s'", value + n + 1);
	ret->file = strdup(value + n + 1);
	return ret->file ? 0 : hull_fail_nomem(err);
}

void hull_timing_fini(struct hull_timing *timing)
{
	free(timing->file);
	*timing = (struct hull_timing){0};
}

int hull_timing_show(const struct hull_timing *timing, const struct hull_timeline *t, uint64_t from,
		     uint64_t to, struct hull_error **err)
{
	static int (*const makers[])(const struct hull_timeline *t, uint64_t from, uint64_t to,
				     struct hull_strbuf *out) = {
		[HULL_TIMING_TEXT] = hull_timing_text,
		[HULL_TIMING_JSON] = hull_timing_json,
		[HULL_TIMING_SVG] = hull_timing_svg,
	};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_close int fd = -1;
	int r;

	if (!timing->format)
		return 0;
	if (makers[timing->format](t, from, to, &out) < 0)
		return hull_fail_nomem(err);
	if (timing->file)
		fd = open(timing->file, O_WRONLY | O_TRUNC | O_CLOEXEC);
	else
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	r = fd < 0 ? -errno : hull_fd_write_all(fd, hull_strbuf_str(&out), out.len);
	return r < 0 ? hull_fail_errno(err, -r, "write the timing to %s",
				       timing->file ? timing->file : "standard error")
		     : 0;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* ---- text ---- */

#define BAR 40

static uint64_t column(uint64_t at, uint64_t from, uint64_t to)
{
	return to > from ? (MIN(MAX(at, from), to) - from) * BAR / (to - from) : 0;
}

int hull_timing_text(const struct hull_timeline *t, uint64_t from, uint64_t to,
		     struct hull_strbuf *out)
{
	uint64_t gaps = hull_timeline_unattributed(t, from, to);

	hull_strbuf_addf(out, "%9s %9s\n", "start/ms", "took/ms");
	for (size_t i = 0; i < t->spans.n; i++) {
		const struct hull_span *s = &t->spans.v[i];
		uint64_t first = column(s->start_ns, from, to);
		uint64_t last = MAX(column(s->end_ns, from, to), first + 1);

		hull_strbuf_addf(out, "%9.1f %9.1f  %s%-*s %-10s  %*s", ms(s->start_ns - from),
				 ms(s->end_ns - s->start_ns), s->depth ? "  " : "",
				 s->depth ? 16 : 18, s->name, hull_where_names[s->where],
				 (int)first, "");
		for (; first < last; first++)
			hull_strbuf_addf(out, "%c", s->depth ? '-' : '=');
		hull_strbuf_adds(out, "\n");
	}
	return hull_strbuf_addf(out, "%9s %9.1f  in all; %.1f unattributed\n", "", ms(to - from),
				ms(gaps));
}

/* ---- JSON ---- */

static struct hull_json *span_json(const struct hull_span *s, uint64_t from)
{
	struct hull_json *j = hull_json_object();

	if (j && (hull_json_set(j, "name", hull_json_string(s->name)) ||
		  hull_json_set(j, "where", hull_json_string(hull_where_names[s->where])) ||
		  hull_json_set(j, "start_ns", hull_json_u64(s->start_ns - from)) ||
		  hull_json_set(j, "duration_ns", hull_json_u64(s->end_ns - s->start_ns)) ||
		  hull_json_set(j, "parts", hull_json_array()))) {
		hull_json_free(j);
		return NULL;
	}
	return j;
}

int hull_timing_json(const struct hull_timeline *t, uint64_t from, uint64_t to,
		     struct hull_strbuf *out)
{
	cleanup_json struct hull_json *j = hull_json_object(), *phases = hull_json_array();
	cleanup_free char *text = NULL;
	struct hull_json *phase = NULL;

	if (!j || !phases)
		return -ENOMEM;
	for (size_t i = 0; i < t->spans.n; i++) {
		const struct hull_span *s = &t->spans.v[i];
		struct hull_json *one = span_json(s, from);

		if (!one ||
		    hull_json_append(s->depth && phase ? hull_json_get(phase, "parts") : phases,
				     one) < 0)
			return -ENOMEM;
		if (!s->depth)
			phase = one;
	}
	if (hull_json_set(j, "total_ns", hull_json_u64(to - from)) ||
	    hull_json_set(j, "unattributed_ns",
			  hull_json_u64(hull_timeline_unattributed(t, from, to))) ||
	    hull_json_set(j, "phases", steal_ptr(&phases)))
		return -ENOMEM;
	text = hull_json_text(j);
	return text ? hull_strbuf_addf(out, "%s\n", text) : -ENOMEM;
}

/* ---- SVG ---- */

#define ROW 20
#define LEFT 190  /* of names */
#define WIDTH 760 /* of time */
#define RIGHT 90  /* of durations */
#define TOP 46

static double x_of(uint64_t at, uint64_t from, uint64_t to)
{
	return LEFT +
	       (to > from ? (double)(MIN(MAX(at, from), to) - from) / (double)(to - from) : 0) *
		       WIDTH;
}

/* 1, 2 or 5 times a power of ten, so that there are some ten of them. */
static uint64_t tick_ns(uint64_t total)
{
	static const unsigned int steps[] = {1, 2, 5};

	for (uint64_t unit = 1000; unit < UINT64_MAX / 1000; unit *= 10)
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
			if (unit * steps[i] * 12 >= total)
				return unit * steps[i];
	return total;
}

static void svg_axis(struct hull_strbuf *out, uint64_t from, uint64_t to, int height)
{
	uint64_t tick = tick_ns(to - from);

	for (uint64_t at = 0; at <= to - from; at += tick) {
		double x = x_of(from + at, from, to);

		hull_strbuf_addf(
			out,
			"<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#ddd'/>"
			"<text x='%.1f' y='%d' text-anchor='middle' fill='#777'>%g</text>\n",
			x, TOP - 6, x, height - 6, x, TOP - 12, ms(at));
	}
}

static void svg_span(struct hull_strbuf *out, const struct hull_span *s, uint64_t from, uint64_t to,
		     int y)
{
	static const char *const colours[] = {"#4c78a8", "#72b7b2", "#f58518", "#54a24b"};
	double x = x_of(s->start_ns, from, to), end = x_of(s->end_ns, from, to);
	int thin = s->depth ? 4 : 0;

	hull_strbuf_addf(out,
			 "<text x='%d' y='%d' fill='%s'>%s</text>"
			 "<rect x='%.1f' y='%d' width='%.1f' height='%d' fill='%s' opacity='%s'/>"
			 "<text x='%.1f' y='%d'>%.1f</text>\n",
			 s->depth ? 26 : 10, y + 14, s->depth ? "#555" : "#000", s->name, x,
			 y + 2 + thin / 2, MAX(end - x, 1.0), ROW - 4 - thin, colours[s->where],
			 s->depth ? "0.55" : "1", end + 5, y + 14, ms(s->end_ns - s->start_ns));
}

static void svg_legend(struct hull_strbuf *out)
{
	static const char *const colours[] = {"#4c78a8", "#72b7b2", "#f58518", "#54a24b"};

	for (int i = 0; hull_where_names[i]; i++)
		hull_strbuf_addf(out,
				 "<rect x='%d' y='8' width='10' height='10' fill='%s'/>"
				 "<text x='%d' y='17'>%s</text>\n",
				 LEFT + 400 + 90 * i, colours[i], LEFT + 414 + 90 * i,
				 hull_where_names[i]);
}

/* Names are ours, or were checked by the monitor: nothing in them needs quoting. */
int hull_timing_svg(const struct hull_timeline *t, uint64_t from, uint64_t to,
		    struct hull_strbuf *out)
{
	int height = TOP + (int)t->spans.n * ROW + 10;

	hull_strbuf_addf(out,
			 "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
			 "font-family='sans-serif' font-size='12'>\n"
			 "<rect width='100%%' height='100%%' fill='#fff'/>\n"
			 "<text x='10' y='18' font-size='14'>hull run: %.1f ms</text>\n",
			 LEFT + WIDTH + RIGHT, height, ms(to - from));
	svg_legend(out);
	svg_axis(out, from, to, height);
	for (size_t i = 0; i < t->spans.n; i++)
		svg_span(out, &t->spans.v[i], from, to, TOP + (int)i * ROW);
	return hull_strbuf_adds(out, "</svg>\n");
}
