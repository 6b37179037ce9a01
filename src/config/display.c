/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the display, see display.h.
 */
#define _GNU_SOURCE
#include "config/display.h"

/* The first screen, or with @gui the first that asks for a window; config->devices.n: none. */
static size_t find_screen(const struct hull_config *config, bool gui)
{
	size_t i = 0;

	while (i < config->devices.n && (config->devices.v[i].kind != HULL_DEVICE_GPU ||
					 (gui && !config->devices.v[i].gpu.gui)))
		i++;
	return i;
}

bool hull_display_wanted(const struct hull_config *config)
{
	return config->display.kind == HULL_DISPLAY_VNC ||
	       (config->display.kind == HULL_DISPLAY_AUTO &&
		find_screen(config, true) < config->devices.n);
}

/* QEMU shows the first one. */
static int check_screen(const struct hull_config *config, struct hull_error **err)
{
	size_t first = find_screen(config, false), asked = find_screen(config, true);

	if (first == config->devices.n) {
		hull_fail(err, HULL_E_INVALID, "display: there is no screen to show");
		hull_hint(err, "give the guest one, and a keyboard: --device virtio-gpu --device "
			       "virtio-input,keyboard");
		return -1;
	}
	if (asked == first || asked == config->devices.n)
		return 0;
	hull_fail(err, HULL_E_INVALID,
		  "devices[%zu].gui: it is the first screen that can be looked at, devices[%zu]",
		  asked, first);
	hull_hint(err, "put it before that one");
	return -1;
}

int hull_display_check(const struct hull_config *config, struct hull_error **err)
{
	const struct hull_display *d = &config->display;

	if (d->kind != HULL_DISPLAY_VNC && (d->path || d->port))
		return hull_fail(err, HULL_E_INVALID, "display.%s: only with display.kind 'vnc'",
				 d->path ? "path" : "port");
	if (d->path && d->port)
		return hull_fail(err, HULL_E_INVALID, "display.port: not together with a path");
	if (d->path && *d->path != '/')
		return hull_fail(err, HULL_E_INVALID, "display.path: '%s' is not an absolute path",
				 d->path);
	return hull_display_wanted(config) ? check_screen(config, err) : 0;
}
