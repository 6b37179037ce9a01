/* SPDX-License-Identifier: Apache-2.0
 *
 * What is certain to be touched: the kernel; what Linux takes for itself behind it while it boots;
 * at the top, from where it allocates first, the table of its pages; the initrd, there or below.
 */
#define _GNU_SOURCE
#include "backend/qemu/memory.h"

#include "backend/qemu/arch.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/proc.h"

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
	int fd; /* owned */
	off_t len;
	off_t boot_len;
	off_t kernel_at, kernel_end, initrd_at, initrd_end,
		top; /* where filling begins and stops */
	struct hull_child filler;
	struct hull_source *filler_source, *release;
};

static void on_release(void *ctx)
{
	struct hull_qemu_memory *m = ctx;

	/* From the top, while the hypervisor's end goes upwards. */
	m->len -= MIN(m->len, RELEASE_LEN);
	if (ftruncate(m->fd, m->len) == 0 && m->len)
		hull_source_arm(m->release, hull_now_ns());
}

int hull_qemu_memory_new(struct hull_loop *loop, uint64_t len, struct hull_qemu_memory **ret_memory,
			 struct hull_error **err)
{
	struct hull_qemu_memory *m = calloc(1, sizeof(*m));
	int r = 0;

	if (!m)
		return hull_fail_nomem(err);
	*m = (struct hull_qemu_memory){.loop = loop, .len = (off_t)len, .filler = {.pidfd = -1}};
	m->fd = memfd_create("guest-memory", MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, m->len) < 0)
		r = -errno;
	else
		r = hull_loop_add_timer(loop, on_release, m, &m->release);
	if (r < 0) {
		hull_qemu_memory_free(m);
		if (r != -EFBIG)
			return hull_fail_errno(err, -r,
					       "make a file of %llu MiB for the guest's memory",
					       (unsigned long long)(len >> 20));
		hull_fail_cause(err, HULL_E_EXHAUSTED, "file-size-limit",
				"make a file of %llu MiB for the guest's memory: %s",
				(unsigned long long)(len >> 20), hull_strerror(EFBIG));
		hull_hint(err, "raise the limit of files' sizes: 'ulimit -f' tells it");
		return -1;
	}
	*ret_memory = m;
	return 0;
}

int hull_qemu_memory_fd(const struct hull_qemu_memory *m)
{
	return m->fd;
}

/* ---- fill ---- */

static void fill_range(int fd, off_t from, off_t to)
{
	for (; from < to; from += FILL_LEN)
		if (fallocate(fd, 0, from, MIN(FILL_LEN, to - from)) < 0)
			_exit(1); /* no room: the guest will find out, or never need it */
}

/* In the child, which must not keep anything else of ours open. */
static void fill(void *ctx)
{
	const struct hull_qemu_memory *m = ctx;

	(void)prctl(PR_SET_NAME, "hull-fill", 0, 0, 0);
	(void)close_range(0, (unsigned int)m->fd - 1, 0);
	(void)close_range((unsigned int)m->fd + 1, ~0U, 0);
	fill_range(m->fd, m->kernel_at, m->kernel_end);
	fill_range(m->fd, m->initrd_at, m->initrd_end);
	fill_range(m->fd, m->top, m->len);
	fill_range(m->fd, m->kernel_end, MIN(m->kernel_end + m->boot_len, m->top));
}

static void on_filler_end(void *ctx, int wstatus)
{
	struct hull_qemu_memory *m = ctx;

	hull_source_remove(&m->filler_source);
	hull_closep(&m->filler.pidfd);
}

static void stop_filler(struct hull_qemu_memory *m)
{
	int wstatus;

	if (m->filler.pidfd < 0)
		return;
	hull_source_remove(&m->filler_source);
	(void)hull_pidfd_kill(m->filler.pidfd, SIGKILL);
	(void)hull_child_wait(m->filler.pidfd, hull_deadline_ms(REAP_MS), &wstatus);
	hull_closep(&m->filler.pidfd);
}

void hull_qemu_memory_fill(struct hull_qemu_memory *m, const struct hull_qemu_arch *arch,
			   const uint64_t boot_len[2], int cgroup_fd)
{
	off_t at_top = m->len / PAGE_TABLE_SHARE, initrd = (off_t)boot_len[1];

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
	if (hull_proc_fork(fill, m, cgroup_fd, &m->filler) < 0)
		return;
	if (hull_loop_add_child(m->loop, m->filler.pidfd, on_filler_end, m, &m->filler_source) < 0)
		stop_filler(m);
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
	hull_closep(&m->fd);
	free(m);
}
