/* SPDX-License-Identifier: Apache-2.0
 *
 * hull-share: see spec.h for how it is started.  For people and tests there is also
 *
 *   hull-share --check [--old-mounts] SPEC [PATH…]
 *
 * which builds the tree of the spec in a file, takes on the daemon's rights, and tells what can be
 * done with each target and PATH.
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "share/serve.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int load(int r, struct hull_strbuf *text, const char *what, struct hull_share_spec *spec,
		struct hull_error **err)
{
	hull_share_spec_init(spec);
	if (r < 0)
		return hull_fail_errno(err, -r, "read %s", what);
	if (hull_share_spec_from_json(hull_strbuf_str(text), text->len, spec, err) < 0)
		return hull_prefix(err, "%s", what);
	return 0;
}

static int check(char **argv, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = {.max = HULL_SHARE_SPEC_MAX};
	cleanup_share_spec struct hull_share_spec spec;
	struct hull_serve_opts opts = {0};
	int r;

	if (*argv && !strcmp(*argv, "--old-mounts")) {
		opts.old_mounts = true;
		argv++;
	}
	hull_share_spec_init(&spec);
	if (!*argv)
		return hull_fail(err, HULL_E_INVALID, "--check takes the path of a spec");
	r = hull_file_read(*argv, HULL_SHARE_SPEC_MAX, &text);
	if (load(r, &text, *argv, &spec, err) < 0)
		return -1;
	return hull_share_check(&spec, &opts, (const char *const *)argv + 1, err);
}

static int serve(struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = {.max = HULL_SHARE_SPEC_MAX};
	cleanup_share_spec struct hull_share_spec spec;
	int r = hull_fd_read_all(HULL_SHARE_SPEC_FD, HULL_SHARE_SPEC_MAX, &text);

	(void)close(HULL_SHARE_SPEC_FD); /* all of it has been read, or failed */
	if (load(r, &text, "the spec", &spec, err) < 0)
		return -1;
	return hull_share_serve(&spec, &(struct hull_serve_opts){0}, err);
}

int main(int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	int r;

	if (argc > 1 && !strcmp(argv[1], "--check"))
		r = check(argv + 2, &err);
	else if (argc > 1)
		r = hull_fail(
			&err, HULL_E_INVALID,
			"it is started by a monitor, or as: hull-share --check SPEC [PATH...]");
	else
		r = serve(&err);
	if (r == 0)
		return 0;
	/* One line, whatever it holds: the monitor hands it on. */
	fprintf(stderr, "hull-share: %s%s%s\n", hull_error_message(err),
		*hull_error_hint(err) ? "; " : "", hull_error_hint(err));
	return 1;
}
