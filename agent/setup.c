/* SPDX-License-Identifier: Apache-2.0
 *
 * Setup: time, entropy and host name at once; modules, mounts and the root in a worker, whose
 * spans come back with its report.
 */
#define _GNU_SOURCE
#include "agent/setup.h"

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/modules.h"
#include "agent/mount.h"
#include "agent/rpc.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOSTNAME_MAX 64
#define SPANS_MAX 16

/* What the worker reports: as many of these as there were steps. */
struct step {
	char name[16];
	uint64_t start_ns, end_ns;
};

/* Lives until the worker's report is in. */
struct job {
	struct hull_rpc_ticket ticket;
	struct hull_agent *agent;
	bool setup; /* else a later mount or unmount */
	struct hull_strv stages;
	char *root; /* owned; NULL: unchanged */
	bool api;
	struct step steps[2]; /* done before the worker */
	size_t n_steps;
	const Hull__Agent__V1__SetupRequest *rq; /* for the worker: valid while it is forked */
};

static void free_job(struct job *j)
{
	hull_strv_fini(&j->stages);
	free(j->root);
	free(j);
}

static struct job *new_job(struct hull_agent *a, struct hull_error **err)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		hull_fail_nomem(err);
	else
		j->agent = a;
	return j;
}

/* ---- in the worker ---- */

static void end_step(struct hull_strbuf *out, const char *name, uint64_t start_ns)
{
	struct step s = {.start_ns = start_ns, .end_ns = hull_now_ns()};

	(void)strncat(s.name, name, sizeof(s.name) - 1);
	(void)hull_strbuf_add(out, &s, sizeof(s));
}

/* Programs that talk to themselves expect 127.0.0.1, whatever network there is.  It takes the
 * kernel about as long as a mount, so a child does it in the time that mounts wait for the host. */
static pid_t loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	(void)setpriority(PRIO_PROCESS, 0, 19);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_exit(fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0);
}

static int work(void *arg, struct hull_strbuf *out, struct hull_error **err)
{
	struct job *j = arg;
	const Hull__Agent__V1__SetupRequest *rq = j->rq;
	const char *root = *rq->root ? rq->root : j->agent->root;
	uint64_t start = hull_now_ns();
	pid_t loopback = loopback_up();

	for (size_t i = 0; i < rq->n_modules; i++)
		hull_modules_load(j->agent->modules, rq->modules[i]);
	end_step(out, "modules", start);

	start = hull_now_ns();
	for (size_t i = 0; i < rq->n_mounts; i++)
		if (hull_mount_entry(root, rq->mounts[i], err) < 0)
			return -1;
	end_step(out, "mounts", start);

	start = hull_now_ns();
	if (j->api && hull_mount_api(rq->root, err) < 0)
		return -1;
	if (*rq->root && access(rq->root, X_OK) < 0)
		return hull_fail_errno(err, errno, "root '%s'", rq->root);
	if (hull_mount_share(err) < 0)
		return -1;
	end_step(out, "root", start);
	start = hull_now_ns();
	if (loopback > 0)
		(void)waitpid(loopback, NULL, 0);
	end_step(out, "loopback", start);
	return 0;
}

/* ---- in the agent ---- */

static void add_spans(const struct job *j, const char *out, size_t len, struct step *steps,
		      size_t *n)
{
	memcpy(steps, j->steps, j->n_steps * sizeof(*steps));
	*n = j->n_steps;
	for (; len >= sizeof(*steps) && *n < SPANS_MAX; len -= sizeof(*steps)) {
		memcpy(&steps[*n], out, sizeof(*steps));
		steps[(*n)++].name[sizeof(steps->name) - 1] = '\0';
		out += sizeof(*steps);
	}
}

static void answer_setup(struct job *j, const char *out, size_t len)
{
	Hull__Agent__V1__SetupResponse rs = HULL__AGENT__V1__SETUP_RESPONSE__INIT;
	Hull__Agent__V1__Span spans[SPANS_MAX], *ptrs[SPANS_MAX];
	struct step steps[SPANS_MAX];

	add_spans(j, out, len, steps, &rs.n_spans);
	for (size_t i = 0; i < rs.n_spans; i++) {
		hull__agent__v1__span__init(&spans[i]);
		spans[i].name = steps[i].name;
		spans[i].start_ns = steps[i].start_ns;
		spans[i].end_ns = steps[i].end_ns;
		ptrs[i] = &spans[i];
	}
	rs.spans = ptrs;
	hull_rpc_settle(&j->ticket, &rs.base);
}

static void adopt(struct job *j)
{
	struct hull_agent *a = j->agent;

	for (size_t i = 0; i < j->stages.n; i++)
		hull_modules_mark(a->modules, j->stages.v[i]);
	if (!j->root)
		return;
	if (j->api) {
		free(a->api_root);
		a->api_root = strdup(j->root); /* without memory: mounted over once more */
	}
	free(a->root);
	a->root = steal_ptr(&j->root);
}

static void on_done(void *ctx, const char *out, size_t len, const struct hull_error *err)
{
	Hull__Agent__V1__Empty empty = HULL__AGENT__V1__EMPTY__INIT;
	struct job *j = ctx;

	if (j->setup)
		j->agent->setting_up = false;
	if (err) {
		hull_rpc_settle_error(&j->ticket, err);
	} else if (j->setup) {
		adopt(j);
		answer_setup(j, out, len);
	} else {
		hull_rpc_settle(&j->ticket, &empty.base);
	}
	free_job(j);
}

static void end_own_step(struct job *j, const char *name, uint64_t start_ns)
{
	struct step *s = &j->steps[j->n_steps++];

	s->start_ns = start_ns;
	s->end_ns = hull_now_ns();
	(void)strncat(s->name, name, sizeof(s->name) - 1);
}

static int set_identity(struct job *j, const Hull__Agent__V1__SetupRequest *rq,
			struct hull_error **err)
{
	uint64_t start = hull_now_ns();

	if (rq->realtime_ns && hull_clock_set(rq->realtime_ns, err) < 0)
		return -1;
	if (rq->entropy.len && hull_entropy_add(rq->entropy.data, rq->entropy.len, err) < 0)
		return -1;
	if (*rq->hostname && sethostname(rq->hostname, strlen(rq->hostname)) < 0)
		return hull_fail_errno(err, errno, "set host name '%s'", rq->hostname);
	end_own_step(j, "identity", start);
	return 0;
}

static int check(struct hull_agent *a, const Hull__Agent__V1__SetupRequest *rq,
		 struct hull_error **err)
{
	if (a->setting_up)
		return hull_fail_cause(err, HULL_E_BUSY, "setting-up", "the VM is being set up");
	if (*rq->root && *rq->root != '/')
		return hull_fail(err, HULL_E_INVALID, "root '%s' is not absolute", rq->root);
	if (rq->api_mounts && !*rq->root)
		return hull_fail(err, HULL_E_INVALID, "the initramfs has its API mounts already");
	if (strlen(rq->hostname) > HOSTNAME_MAX)
		return hull_fail(err, HULL_E_INVALID, "host name is longer than %d bytes",
				 HOSTNAME_MAX);
	if (rq->n_mounts > HULL_MOUNTS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d mounts", HULL_MOUNTS_MAX);
	for (size_t i = 0; i < rq->n_modules; i++)
		if (!hull_modules_has_stage(a->modules, rq->modules[i]))
			hull_warn("setup", "no modules for '%s', ignoring", rq->modules[i]);
	return 0;
}

static int start_setup(struct job *j, const Hull__Agent__V1__SetupRequest *rq,
		       struct hull_error **err)
{
	struct hull_agent *a = j->agent;

	j->setup = true;
	j->rq = rq;
	j->api = rq->api_mounts && (!a->api_root || strcmp(a->api_root, rq->root));
	for (size_t i = 0; i < rq->n_modules; i++)
		(void)hull_strv_add(&j->stages, rq->modules[i]);
	j->root = *rq->root ? strdup(rq->root) : NULL;
	if (j->stages.failed || (*rq->root && !j->root))
		return hull_fail_nomem(err);
	if (set_identity(j, rq, err) < 0)
		return -1;
	return hull_worker_start(a, work, j, on_done, j, err);
}

int hull_setup(struct hull_agent *a, struct hull_ttrpc_call *call,
	       const Hull__Agent__V1__SetupRequest *rq, struct hull_error **err)
{
	struct job *j;

	if (check(a, rq, err) < 0)
		return -1;
	j = new_job(a, err);
	if (!j)
		return -1;
	if (start_setup(j, rq, err) < 0) {
		free_job(j);
		return -1;
	}
	a->setting_up = true;
	hull_rpc_park(&j->ticket, call, NULL);
	return 0;
}

/* ---- later mounts ---- */

struct mounts {
	const struct hull_agent *agent;
	const Hull__Agent__V1__MountRequest *mount;
	const Hull__Agent__V1__UnmountRequest *unmount;
};

static int work_mounts(void *arg, struct hull_strbuf *out, struct hull_error **err)
{
	const struct mounts *m = arg;
	const char *root = m->agent->root;

	for (size_t i = 0; m->mount && i < m->mount->n_mounts; i++)
		if (hull_mount_entry(root, m->mount->mounts[i], err) < 0)
			return -1;
	for (size_t i = 0; m->unmount && i < m->unmount->n_targets; i++)
		if (hull_mount_remove(root, m->unmount->targets[i], m->unmount->detach, err) < 0)
			return -1;
	return 0;
}

static int start_mounts(struct hull_agent *a, struct hull_ttrpc_call *call, struct mounts *m,
			size_t n, struct hull_error **err)
{
	struct job *j;

	if (n > HULL_MOUNTS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d mounts", HULL_MOUNTS_MAX);
	j = new_job(a, err);
	if (!j)
		return -1;
	if (hull_worker_start(a, work_mounts, m, on_done, j, err) < 0) {
		free_job(j);
		return -1;
	}
	hull_rpc_park(&j->ticket, call, NULL);
	return 0;
}

int hull_setup_mount(struct hull_agent *a, struct hull_ttrpc_call *call,
		     const Hull__Agent__V1__MountRequest *rq, struct hull_error **err)
{
	struct mounts m = {.agent = a, .mount = rq};

	return start_mounts(a, call, &m, rq->n_mounts, err);
}

int hull_setup_unmount(struct hull_agent *a, struct hull_ttrpc_call *call,
		       const Hull__Agent__V1__UnmountRequest *rq, struct hull_error **err)
{
	struct mounts m = {.agent = a, .unmount = rq};

	return start_mounts(a, call, &m, rq->n_targets, err);
}
