/* SPDX-License-Identifier: Apache-2.0
 *
 * A command in a VM that runs, with its output, and its exit code as ours.
 *
 *	cc exec.c $(pkg-config --cflags --libs libhull) && ./a.out web uname -a
 */
#include <hull/hull.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failed(const char *what, struct hull_error *err)
{
	fprintf(stderr, "%s: %s (%s)\n", what, hull_error_message(err),
		hull_code_name(hull_error_code(err)));
	if (*hull_error_hint(err))
		fprintf(stderr, "hint: %s\n", hull_error_hint(err));
	hull_error_free(err);
	return 125;
}

/* All that it prints, and then how it has ended. */
static int follow(struct hull_session *session)
{
	struct hull_session_end end;
	struct hull_error *err = NULL;
	char text[4096];
	ssize_t n;
	int fd = hull_session_fd(session, HULL_STREAM_OUT);

	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	memset(&end, 0, sizeof(end));
	end.size = sizeof(end);
	if (hull_session_wait(session, NULL, &end, &err) < 0)
		return failed("wait", err);
	return (int)end.status;
}

int main(int argc, char **argv)
{
	struct hull_vms_exec_options options;
	struct hull_session *session;
	struct hull_error *err = NULL;
	struct hull_vms *vms;
	int status;

	if (argc < 3) {
		fprintf(stderr, "usage: exec VM COMMAND [ARGUMENT...]\n");
		return 2;
	}
	if (hull_vms_new(&vms, &err) < 0)
		return failed("store", err);
	memset(&options, 0, sizeof(options));
	options.size = sizeof(options);
	options.streams = HULL_STREAM_OUT;
	if (hull_vms_exec(vms, argv[1], (const char *const *)argv + 2, &options, &session, &err) <
	    0) {
		status = failed("exec", err);
	} else {
		status = follow(session);
		if (hull_session_delete(session, NULL, &err) < 0)
			status = failed("delete", err);
		hull_session_free(session);
	}
	hull_vms_free(vms);
	return status;
}
