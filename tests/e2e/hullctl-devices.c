/* SPDX-License-Identifier: Apache-2.0
 *
 * hullctl screenshot, key, point, balloon: what callers may do with a guest's devices.
 */
#define _GNU_SOURCE
#include "hullctl.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/text.h"
#include "monitor.pb-c.h"

#include <string.h>

#define WORDS_MAX 32

static int number(struct ctl *c, uint64_t max, uint64_t *ret, struct hull_error **err)
{
	const char *word = hullctl_take_word(c);

	return hull_parse_u64(word, max, ret) < 0
		       ? hull_fail(err, HULL_E_INVALID, "'%s' is no number", word)
		       : 0;
}

/* FILE [SCREEN] */
int hullctl_screenshot(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__ScreenshotRequest rq = HULL__MONITOR__V1__SCREENSHOT_REQUEST__INIT;
	Hull__Monitor__V1__ScreenshotResponse *rs;
	const char *file = hullctl_take_word(c);
	uint64_t screen = 0;
	int r;

	if (c->n_words && number(c, UINT32_MAX, &screen, err) < 0)
		return -1;
	rq.screen = (uint32_t)screen;
	if (hullctl_call(c, "Screenshot", &rq, &hull__monitor__v1__screenshot_response__descriptor,
			 &rs, err) < 0)
		return -1;
	r = hull_file_write(file, (const char *)rs->png.data, rs->png.len, 0600, false);
	hull__monitor__v1__screenshot_response__free_unpacked(rs, NULL);
	return r < 0 ? hull_fail_errno(err, -r, "write '%s'", file) : 0;
}

/* KEY... */
int hullctl_key(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__SendKeyRequest rq = HULL__MONITOR__V1__SEND_KEY_REQUEST__INIT;

	rq.keys = c->words;
	rq.n_keys = (size_t)c->n_words;
	return hullctl_call(c, "SendKey", &rq, &hull__monitor__v1__send_key_response__descriptor,
			    NULL, err);
}

/* [X Y] [press BUTTON] [release BUTTON] */
int hullctl_point(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__PointRequest rq = HULL__MONITOR__V1__POINT_REQUEST__INIT;
	char *press[WORDS_MAX], *release[WORDS_MAX];
	uint64_t x = 0, y = 0;

	rq.press = press;
	rq.release = release;
	while (c->n_words > 1) {
		if (hullctl_take_flag(c, "press") && rq.n_press < WORDS_MAX)
			press[rq.n_press++] = hullctl_take_word(c);
		else if (hullctl_take_flag(c, "release") && rq.n_release < WORDS_MAX)
			release[rq.n_release++] = hullctl_take_word(c);
		else if (number(c, UINT32_MAX, &x, err) < 0 || number(c, UINT32_MAX, &y, err) < 0)
			return -1;
		else
			rq.move = true;
	}
	rq.x = (uint32_t)x;
	rq.y = (uint32_t)y;
	return hullctl_call(c, "Point", &rq, &hull__monitor__v1__point_response__descriptor, NULL,
			    err);
}

/* BYTES */
int hullctl_balloon(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__BalloonRequest rq = HULL__MONITOR__V1__BALLOON_REQUEST__INIT;

	return number(c, UINT64_MAX, &rq.bytes, err) < 0
		       ? -1
		       : hullctl_call(c, "Balloon", &rq,
				      &hull__monitor__v1__balloon_response__descriptor, NULL, err);
}
