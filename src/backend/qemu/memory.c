/* SPDX-License-Identifier: Apache-2.0
 *
 * What is certain to be touched: the kernel; what Linux takes for itself behind it while it boots;
 * at the top, from where it allocates first, the table of its pages; the initrd, there or below.
 */
#define _GNU_SOURCE
#include "backend/qemu/memory.h"

#include "backend/qemu/arch.h"
#include "backend/qemu/memory-file.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/proc.h"
#include "config/resources.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((off_t)1 << 20)
#define PAGE_TABLE_SHARE 64 /* of the memory: 64 bytes for each page of 4096 */
/* At once: whoever wants to shrink the file waits for so much. */
#define FILL_LEN (2 * MIB)
/* Per round of the loop: some 15 ms if all of it is in use. */
#define RELEASE_LEN (64 * MIB)
#define REAP_MS 5000

struct hull_qemu_memory {
	struct hull_loop *loop;
	const struct hull_config *config; /* borrowed */
	struct hull_qemu_memory_file file;
	off_t len;
	off_t boot_len;
	off_t kernel_at, kernel_end, initrd_at, initrd_end,
		top; /* where filling begins and stops */
	struct hull_child filler;
	struct hull_source *filler_source, *release;
	/* Where it is to be ready first: */
	void (*done)(void *ctx, const struct hull_error *error); /* NULL: has been told */
	void *ctx;
	int report; /* owned: our end of the child's pipe, which gets an errno once; or -1 */
	int report_to;
	struct hull_source *report_source;
};

static void on_release(void *ctx)
{
	struct hull_qemu_memory *m = ctx;

	/* From the top, while the hypervisor's end goes upwards. */
	m->len -= MIN(m->len, MAX(RELEASE_LEN, (off_t)m->file.page));
	if (ftruncate(m->file.fd, m->len) == 0 && m->len)
		hull_source_arm(m->release, hull_now_ns());
}

int hull_qemu_memory_new(struct hull_loop *loop, const struct hull_config *config,
			 const struct hull_qemu_reader *reader,
			 struct hull_qemu_memory **ret_memory, struct hull_error **err)
{
	struct hull_qemu_memory *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return hull_fail_nomem(err);
	*m = (struct hull_qemu_memory){
		.loop = loop,
		.config = config,
		.file = {.fd = -1},
		.len = (off_t)config->memory_bytes,
		.filler = {.pidfd = -1},
		.report = -1,
		.report_to = -1,
	};
	r = hull_loop_add_timer(loop, on_release, m, &m->release);
	if (r < 0)
		(void)hull_fail_errno(err, -r, "make a timer");
	else
		r = hull_qemu_memory_file_make(config, reader, &m->file, err);
	if (r < 0) {
		hull_qemu_memory_free(m);
		return -1;
	}
	*ret_memory = m;
	return 0;
}

int hull_qemu_memory_fd(const struct hull_qemu_memory *m)
{
	return m->file.fd;
}

/* ---- fill ---- */

static void fill_range(int fd, off_t from, off_t to)
{
	for (; from < to; from += FILL_LEN)
		if (fallocate(fd, 0, from, MIN(FILL_LEN, to - from)) < 0)
			_exit(1); /* no room: the guest will find out, or never need it */
}

/* In the child, which must not keep anything else of ours open. */
static void close_others(const struct hull_qemu_memory *m, unsigned int from)
{
	unsigned int fd = (unsigned int)m->file.fd;

	(void)prctl(PR_SET_NAME, "hull-fill", 0, 0, 0);
	(void)close_range(from, fd - 1, 0);
	(void)close_range(fd + 1, ~0U, 0);
}

static void fill(void *ctx)
{
	const struct hull_qemu_memory *m = ctx;
	int fd = m->file.fd;

	close_others(m, 0);
	fill_range(fd, m->kernel_at, m->kernel_end);
	fill_range(fd, m->initrd_at, m->initrd_end);
	fill_range(fd, m->top, m->len);
	fill_range(fd, m->kernel_end, MIN(m->kernel_end + m->boot_len, m->top));
}

static void stop_filler(struct hull_qemu_memory *m)
{
	int wstatus;

	hull_source_remove(&m->report_source);
	hull_closep(&m->report);
	m->done = NULL;
	if (m->filler.pidfd < 0)
		return;
	hull_source_remove(&m->filler_source);
	(void)hull_pidfd_kill(m->filler.pidfd, SIGKILL);
	(void)hull_child_wait(m->filler.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
	hull_closep(&m->filler.pidfd);
}

static void tell(struct hull_qemu_memory *m, const struct hull_error *error)
{
	void (*done)(void *ctx, const struct hull_error *error) = m->done;

	m->done = NULL;
	if (done)
		done(m->ctx, error);
}

static void tell_failure(struct hull_qemu_memory *m, int errnum, const char *what)
{
	bool lack = !errnum || errnum == ENOMEM || errnum == ENOSPC || errnum == EAGAIN;
	cleanup_error struct hull_error *err = NULL;

	(void)hull_fail_cause(&err, lack ? HULL_E_EXHAUSTED : hull_code_from_errno(errnum),
			      lack ? "host-memory" : NULL,
			      "bring in the guest's memory before it starts: %s", what);
	if (lack)
		hull_hint(&err, "the host, or a limit of it, has less to give: ask for less with "
				"--memory (-m), or leave prealloc and lock out");
	tell(m, err);
}

static void on_report(void *ctx, uint32_t events)
{
	struct hull_qemu_memory *m = ctx;
	int32_t errnum = 0;
	ssize_t n = read(m->report, &errnum, sizeof(errnum));

	if (n < 0 && errno == EAGAIN)
		return;
	hull_source_remove(&m->report_source);
	hull_closep(&m->report);
	if (n == (ssize_t)sizeof(errnum) && errnum == 0)
		tell(m, NULL);
	else if (n == (ssize_t)sizeof(errnum))
		tell_failure(m, errnum, hull_strerror(errnum));
	/* Else it has died, and its status tells how. */
}

static void on_filler_end(void *ctx, int wstatus)
{
	struct hull_qemu_memory *m = ctx;
	char text[64];

	hull_source_remove(&m->filler_source);
	hull_closep(&m->filler.pidfd);
	if (m->report >= 0)
		on_report(m, 0);
	if (m->done)
		tell_failure(m, 0, hull_wstatus_text(wstatus, text));
}

static int start_filler(struct hull_qemu_memory *m, void (*fn)(void *ctx), int cgroup_fd)
{
	int r = hull_proc_fork(fn, m, cgroup_fd, &m->filler);

	if (r < 0)
		return r;
	r = hull_loop_add_child(m->loop, m->filler.pidfd, on_filler_end, m, &m->filler_source);
	if (r < 0)
		stop_filler(m);
	return r;
}

void hull_qemu_memory_fill(struct hull_qemu_memory *m, const struct hull_qemu_arch *arch,
			   const uint64_t boot_len[2], int cgroup_fd)
{
	off_t at_top = m->len / PAGE_TABLE_SHARE, initrd = (off_t)boot_len[1];

	if (m->file.kind != HULL_QEMU_MEMORY_PLAIN || m->filler.pidfd >= 0)
		return;
	m->boot_len = (off_t)arch->boot_len;
	m->kernel_at = MIN((off_t)arch->kernel_at, m->len);
	m->kernel_end = MIN(m->kernel_at + (off_t)boot_len[0], m->len);
	if (arch->initrd_at) {
		m->initrd_at = MIN((off_t)arch->initrd_at, m->len / 2);
		m->initrd_end = MIN(m->initrd_at + initrd, m->len);
	} else {
		at_top += initrd;
	}
	m->top = MAX(m->len - at_top, m->kernel_end);
	(void)start_filler(m, fill, cgroup_fd); /* the guest finds its memory all the same */
}

/* ---- ready ---- */

/* Of what is on a disk, only into the host's page cache: writing zeros there serves nobody. */
static int bring_in(const struct hull_qemu_memory *m, void *at)
{
	off_t step = MAX(FILL_LEN, (off_t)m->file.page);
	volatile const char *p = at;

	if (m->file.kind == HULL_QEMU_MEMORY_DISK) {
		if (madvise(at, (size_t)m->len, MADV_POPULATE_READ) == 0)
			return 0;
		if (errno != EINVAL)
			return errno;
		for (off_t i = 0; i < m->len; i += (off_t)m->file.page) /* before Linux 5.14 */
			(void)p[i];
		return 0;
	}
	for (off_t from = 0; from < m->len; from += step)
		if (fallocate(m->file.fd, 0, from, MIN(step, m->len - from)) < 0)
			return errno;
	return 0;
}

static int make_ready(const struct hull_qemu_memory *m)
{
	bool lock = m->config->memory_backing.lock && m->file.kind != HULL_QEMU_MEMORY_HUGE;
	void *at = mmap(NULL, (size_t)m->len, PROT_READ | PROT_WRITE, MAP_SHARED, m->file.fd, 0);
	int errnum = at == MAP_FAILED ? errno : bring_in(m, at);

	if (!errnum && lock && mlock(at, (size_t)m->len) < 0)
		errnum = errno;
	return errnum;
}

/* In the child: what it has locked stays so for as long as it lives. */
static void ready(void *ctx)
{
	const struct hull_qemu_memory *m = ctx;
	int32_t errnum;

	(void)dup2(m->report_to, STDIN_FILENO);
	close_others(m, 1);
	errnum = make_ready(m);
	if (write(STDIN_FILENO, &errnum, sizeof(errnum)) != (ssize_t)sizeof(errnum) || errnum)
		_exit(1);
	while (m->config->memory_backing.lock)
		(void)pause();
}

int hull_qemu_memory_ready(struct hull_qemu_memory *m, int cgroup_fd,
			   void (*done)(void *ctx, const struct hull_error *error), void *ctx,
			   struct hull_error **err)
{
	cleanup_close int to = -1;
	int fds[2], r;

	if (!hull_memory_is_ready_first(&m->config->memory_backing))
		return 0;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return hull_fail_errno(err, errno, "make a pipe");
	m->report = fds[0];
	m->report_to = to = fds[1];
	m->done = done;
	m->ctx = ctx;
	r = hull_loop_add_fd(m->loop, m->report, EPOLLIN, on_report, m, &m->report_source);
	if (r == 0)
		r = start_filler(m, ready, cgroup_fd);
	m->report_to = -1;
	if (r == 0)
		return 1;
	stop_filler(m);
	return hull_fail_errno(err, -r, "bring in the guest's memory");
}

/* ---- the end ---- */

void hull_qemu_memory_release(struct hull_qemu_memory *m)
{
	stop_filler(m);
	hull_source_arm(m->release, hull_now_ns());
}

void hull_qemu_memory_free(struct hull_qemu_memory *m)
{
	if (!m)
		return;
	stop_filler(m);
	hull_source_remove(&m->release);
	hull_closep(&m->file.fd);
	free(m);
}
