/* SPDX-License-Identifier: Apache-2.0
 *
 * Unix sockets of NBD servers, where the hypervisor is another user than the one who starts the VM:
 * it has no right to them, and a connection that we make could not be made anew by it.  So it gets
 * a directory with sockets of ours that are its own, and each of its connections, the first as
 * well as later ones, is passed on with our rights.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/nbd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_NAME "nbd"
#define BACKLOG 16

/* What can be told before the hypervisor finds out. */
static int check_server(const char *path, struct hull_error **err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return hull_fail_errno(err, errno, "NBD server '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return hull_fail(err, HULL_E_INVALID, "NBD server '%s' is no socket", path);
	return 0;
}

static int relay_device(struct hull_monitor *m, const char *dir, size_t i, uid_t uid, gid_t gid,
			struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	cleanup_nbd struct hull_nbd nbd = {0};
	cleanup_close int fd = -1;
	int r;

	if (hull_nbd_parse(m->config.devices.v[i].nbd.uri, &nbd, err) < 0)
		return -1;
	if (!nbd.socket)
		return 0;
	if (check_server(nbd.socket, err) < 0)
		return -1;
	if (hull_strbuf_addf(&path, "%s/%zu", dir, i) < 0)
		return hull_fail_nomem(err);
	fd = hull_unix_listen_anew(hull_strbuf_str(&path), BACKLOG, 0600);
	r = MIN(fd, 0);
	if (r == 0 && chown(hull_strbuf_str(&path), uid, gid) < 0)
		r = -errno;
	if (r == 0)
		r = hull_relay_add_unix(m->nbd, steal_fd(&fd), nbd.socket);
	return r < 0 ? hull_fail_errno(err, -r, "listen on '%s'", hull_strbuf_str(&path)) : 0;
}

int hull_monitor_relay_nbd(struct hull_monitor *m, uid_t uid, gid_t gid, int *ret_dir,
			   struct hull_error **err)
{
	cleanup_free char *dir = hull_path_join(m->config.run_dir, DIR_NAME);

	if (!hull_config_count(&m->config, HULL_DEVICE_NBD))
		return 0;
	if (!dir)
		return hull_fail_nomem(err);
	/* The run directory keeps others out; whoever has this one's descriptor may walk in it. */
	if ((mkdir(dir, 0711) < 0 && errno != EEXIST) || chmod(dir, 0711) < 0)
		return hull_fail_errno(err, errno, "make '%s'", dir);
	if (hull_relay_new(m->loop, &m->nbd, err) < 0)
		return -1;
	for (size_t i = 0; i < m->config.devices.n; i++)
		if (m->config.devices.v[i].kind == HULL_DEVICE_NBD &&
		    relay_device(m, dir, i, uid, gid, err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
	*ret_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_dir < 0 ? hull_fail_errno(err, errno, "open '%s'", dir) : 0;
}
