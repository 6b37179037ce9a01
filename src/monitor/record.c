/* SPDX-License-Identifier: Apache-2.0
 *
 * monitor.json: how others find what a monitor leaves behind that is killed.  It is written before
 * there is anything of the kind, with the places outside of the run directory at which sockets are
 * about to be made; and anew once they have been: as what they are, so that nobody else's in the
 * same place is taken away.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_identity(struct hull_json *j, const char *path)
{
	struct stat st;
	int r = 0;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	r |= hull_json_set(j, "device", hull_json_u64(st.st_dev));
	r |= hull_json_set(j, "inode", hull_json_u64(st.st_ino));
	/* Numbers of inodes come again. */
	r |= hull_json_set(j, "made_s", hull_json_i64(st.st_mtim.tv_sec));
	r |= hull_json_set(j, "made_ns", hull_json_i64(st.st_mtim.tv_nsec));
	return r;
}

static int add_socket(struct hull_json *list, const char *path, bool made)
{
	struct hull_json *j;
	int r;

	if (!path)
		return 0;
	j = hull_json_object();
	if (!j)
		return -ENOMEM;
	r = hull_json_set(j, "path", hull_json_string(path));
	if (made)
		r |= set_identity(j, path);
	return hull_json_append(list, j) < 0 || r ? -ENOMEM : 0;
}

static int add_sockets(const struct hull_config *c, bool made, struct hull_json *list)
{
	int r = add_socket(list, c->gdb.path, made);

	r |= add_socket(list, c->display.path, made);
	r |= add_socket(list, c->rest.path, made);
	for (size_t i = 0; i < c->devices.n; i++)
		if (c->devices.v[i].kind == HULL_DEVICE_VSOCK && !c->devices.v[i].vsock.listen)
			r |= add_socket(list, c->devices.v[i].vsock.path, made);
	return r;
}

/* @sockets is taken. */
static int fill(const struct hull_monitor *m, struct hull_json *sockets, struct hull_json *j)
{
	uint64_t start = 0;
	char boot[37];
	int r = 0;

	(void)hull_proc_start_time(getpid(), &start);
	if (hull_boot_id(boot) < 0)
		boot[0] = '\0';
	r |= hull_json_set(j, "version", hull_json_string(HULL_VERSION));
	r |= hull_json_set(j, "id", hull_json_string(m->config.id));
	r |= hull_json_set(j, "name", hull_json_string(m->config.name ? m->config.name : ""));
	r |= hull_json_set(j, "pid", hull_json_i64(getpid()));
	r |= hull_json_set(j, "start_time", hull_json_u64(start));
	r |= hull_json_set(j, "boot_id", hull_json_string(boot));
	r |= hull_json_set(j, "cgroup", hull_json_string(m->cgroup ? m->cgroup : ""));
	r |= hull_json_set(j, "cpu_cgroup", hull_json_string(m->cpu_cgroup ? m->cpu_cgroup : ""));
	r |= hull_json_set(j, "tied", hull_json_bool(m->config.tied));
	return hull_json_set(j, "sockets", sockets) < 0 || r ? -ENOMEM : 0;
}

static int write_record(const struct hull_monitor *m, struct hull_json *sockets,
			struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(m->config.run_dir, "monitor.json"), *text = NULL;
	cleanup_json struct hull_json *j = hull_json_object();
	int r = j ? fill(m, sockets, j) : -ENOMEM;

	if (!j)
		hull_json_free(sockets);
	text = path && r == 0 ? hull_json_text(j) : NULL;
	if (!text)
		return hull_fail_nomem(err);
	r = hull_file_write(path, text, strlen(text), 0600, false);
	if (r < 0)
		hull_fail_errno(err, -r, "write '%s'", path);
	if (r == -ENOSPC || r == -EDQUOT)
		hull_hint(err, "make room there, or set HULL_HOME to a directory that has some");
	return r < 0 ? -1 : 0;
}

static int record(const struct hull_monitor *m, bool made, struct hull_error **err)
{
	cleanup_json struct hull_json *sockets = hull_json_array();

	if (!sockets || add_sockets(&m->config, made, sockets) < 0)
		return hull_fail_nomem(err);
	if (made && !hull_json_length(sockets))
		return 0; /* there is nothing new */
	return write_record(m, steal_ptr(&sockets), err);
}

int hull_monitor_record(const struct hull_monitor *m, struct hull_error **err)
{
	return record(m, false, err);
}

int hull_monitor_record_sockets(const struct hull_monitor *m, struct hull_error **err)
{
	return record(m, true, err);
}
