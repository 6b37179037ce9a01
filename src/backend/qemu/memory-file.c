/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of memory-file.h.
 *
 * Whether there are huge pages enough is asked by reserving them: a mapping of a shared file does,
 * for as long as the file lives.  The counters of the kernel are only for the message.
 */
#define _GNU_SOURCE
#include "backend/qemu/memory-file.h"

#include "backend/qemu/files.h"
#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "config/resources.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MIB_SHIFT 20
#define NAME "guest-memory"
#define HUGE_DIR "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB"
#define PROC_FILE_MAX ((size_t)64 << 10)

uint64_t hull_meminfo_bytes(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		unsigned long long kib;
		int end = 0;

		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':' &&
		    sscanf(line + len + 1, "%20llu kB%n", &kib, &end) == 1 && end &&
		    kib <= UINT64_MAX >> 10)
			return (uint64_t)kib << 10;
	}
	return 0;
}

static uint64_t meminfo(const char *name)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	return hull_file_read("/proc/meminfo", PROC_FILE_MAX, &text) < 0
		       ? 0
		       : hull_meminfo_bytes(hull_strbuf_str(&text), name);
}

/* ---- what all have in common ---- */

/* Reserves what a mapping reserves, or -errno. */
static int try_mapping(int fd, uint64_t len, bool lock)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int r = p == MAP_FAILED ? -errno : 0;

	if (r < 0)
		return r;
	/* Counts against the limit, and brings in nothing. */
	if (lock && mlock2(p, len, MLOCK_ONFAULT) < 0)
		r = -errno;
	(void)munmap(p, len);
	return r;
}

static int set_length(int fd, uint64_t len, struct hull_error **err)
{
	int r = ftruncate(fd, (off_t)len) < 0 ? errno : 0;

	if (!r)
		return 0;
	if (r != EFBIG)
		return hull_fail_errno(err, r,
				       "make a file of %" PRIu64 " MiB for the guest's memory",
				       len >> MIB_SHIFT);
	hull_fail_cause(err, HULL_E_EXHAUSTED, "file-size-limit",
			"make a file of %" PRIu64 " MiB for the guest's memory: %s",
			len >> MIB_SHIFT, hull_strerror(r));
	hull_hint(err, "raise the limit of files' sizes: 'ulimit -f' tells it");
	return -1;
}

/* ---- huge pages ---- */

/* One of the kernel's counters for pages of that size; 0 if it does not tell. */
static uint64_t huge_count(uint64_t page, const char *name)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	uint64_t n = 0;
	char path[128];

	snprintf(path, sizeof(path), HUGE_DIR "/%s", page >> 10, name);
	if (hull_file_read(path, 64, &text) < 0)
		return 0;
	text.data[strcspn(text.data, "\n")] = '\0';
	return hull_parse_u64(text.data, UINT64_MAX, &n) < 0 ? 0 : n;
}

static int fail_huge(uint64_t len, uint64_t page, struct hull_error **err)
{
	uint64_t need = len / page, all = huge_count(page, "nr_hugepages"),
		 there = huge_count(page, "free_hugepages"),
		 reserved = huge_count(page, "resv_hugepages"),
		 more = huge_count(page, "nr_overcommit_hugepages"),
		 surplus = huge_count(page, "surplus_hugepages");

	there -= MIN(there, reserved);
	there += more - MIN(more, surplus);
	hull_fail_cause(err, HULL_E_EXHAUSTED, "huge-pages",
			"%" PRIu64 " MiB of memory take %" PRIu64 " huge pages of %" PRIu64
			" KiB, and the host has %" PRIu64 " to give: %" PRIu64 " are missing",
			len >> MIB_SHIFT, need, page >> 10, there, need - MIN(need, there));
	if (need > there)
		hull_hint(err, "reserve them, as root: echo %" PRIu64 " >" HUGE_DIR "/nr_hugepages",
			  all - MIN(all, surplus) + need - there, page >> 10);
	else
		hull_hint(err, "is there a limit for this control group (hugetlb), or for the "
			       "process ('ulimit -v')?");
	return -1;
}

static int fail_no_such_page(uint64_t page, struct hull_error **err)
{
	uint64_t usual = meminfo("Hugepagesize");

	hull_fail_cause(err, HULL_E_UNSUPPORTED, "huge-pages",
			"this host has no huge pages of %" PRIu64 " KiB", page >> 10);
	if (usual)
		hull_hint(err,
			  "its default size is %" PRIu64
			  "K; /sys/kernel/mm/hugepages has all that there are",
			  usual >> 10);
	else
		hull_hint(err, "its kernel has none at all");
	return -1;
}

static int check_multiple(uint64_t len, uint64_t page, struct hull_error **err)
{
	if (len % page == 0)
		return 0;
	hull_fail(err, HULL_E_INVALID,
		  "memory: %" PRIu64 " MiB is no multiple of the huge pages' %" PRIu64 " KiB",
		  len >> MIB_SHIFT, page >> 10);
	return -1;
}

static int make_huge(uint64_t len, uint64_t page, struct hull_qemu_memory_file *f,
		     struct hull_error **err)
{
	unsigned int shift;
	int r;

	if (page == HULL_HUGEPAGES_HOST)
		page = meminfo("Hugepagesize");
	if (!page)
		return fail_no_such_page(page, err);
	if (check_multiple(len, page, err) < 0)
		return -1;
	shift = (unsigned int)__builtin_ctzll(page);
	f->fd = memfd_create(NAME, MFD_CLOEXEC | MFD_HUGETLB | shift << MFD_HUGE_SHIFT);
	if (f->fd < 0 && (errno == ENODEV || errno == EINVAL || errno == ENOSYS))
		return fail_no_such_page(page, err);
	if (f->fd < 0)
		return hull_fail_errno(err, errno, "make a file of huge pages");
	f->kind = HULL_QEMU_MEMORY_HUGE;
	f->page = page;
	if (set_length(f->fd, len, err) < 0)
		return -1;
	r = try_mapping(f->fd, len, false);
	if (r == -ENOMEM)
		return fail_huge(len, page, err);
	return r < 0 ? hull_fail_errno(err, -r, "reserve huge pages") : 0;
}

/* ---- in a directory ---- */

static int fail_no_room(const char *dir, uint64_t len, uint64_t room, struct hull_error **err)
{
	hull_fail_cause(err, HULL_E_EXHAUSTED, "no-space",
			"memory_backing.dir: '%s' has room for %" PRIu64
			" MiB, and the guest's memory takes %" PRIu64 " MiB",
			dir, room >> MIB_SHIFT, len >> MIB_SHIFT);
	hull_hint(err, "make room there, or choose another directory");
	return -1;
}

/* On a disk all blocks are allocated, since a page for which there is no room later would kill the
 * hypervisor.  In a tmpfs that would bring in the memory. */
static int take_room(const char *dir, uint64_t len, const struct statfs *fs,
		     struct hull_qemu_memory_file *f, struct hull_error **err)
{
	uint64_t room = (uint64_t)fs->f_bavail * (uint64_t)fs->f_bsize;
	int r;

	/* Without blocks it has no limit of its own. */
	if (fs->f_blocks && room < len)
		return fail_no_room(dir, len, room, err);
	if (set_length(f->fd, len, err) < 0)
		return -1;
	if (f->kind == HULL_QEMU_MEMORY_PLAIN)
		return 0;
	r = fallocate(f->fd, 0, 0, (off_t)len) < 0 ? errno : 0;
	if (r == ENOSPC || r == EDQUOT)
		return fail_no_room(dir, len, room, err);
	if (r && r != EOPNOTSUPP)
		return hull_fail_errno(err, r, "memory_backing.dir: take room in '%s'", dir);
	return 0;
}

static int make_in_dir(const char *dir, uint64_t len, const struct hull_qemu_reader *reader,
		       struct hull_qemu_memory_file *f, struct hull_error **err)
{
	struct statfs fs;
	int r;

	f->fd = hull_file_nameless(dir, "hull-memory-", NULL);
	if (f->fd < 0)
		return hull_fail_errno(
			err, -f->fd,
			"memory_backing.dir: make a file for the guest's memory in '%s'", dir);
	if (fstatfs(f->fd, &fs) < 0 ||
	    (reader->other && fchown(f->fd, reader->uid, reader->gid) < 0))
		return hull_fail_errno(err, errno, "memory_backing.dir: file in '%s'", dir);
	if (fs.f_type != HUGETLBFS_MAGIC) {
		f->kind = fs.f_type == TMPFS_MAGIC ? HULL_QEMU_MEMORY_PLAIN : HULL_QEMU_MEMORY_DISK;
		return take_room(dir, len, &fs, f, err);
	}
	f->kind = HULL_QEMU_MEMORY_HUGE;
	f->page = (uint64_t)fs.f_bsize;
	if (check_multiple(len, f->page, err) < 0 || set_length(f->fd, len, err) < 0)
		return -1;
	r = try_mapping(f->fd, len, false);
	if (r == -ENOMEM)
		return fail_huge(len, f->page, err);
	return r < 0 ? hull_fail_errno(err, -r, "reserve huge pages in '%s'", dir) : 0;
}

/* ---- what else is asked of it ---- */

/* Memory that is to be there at once; what is on a disk comes and goes. */
static int check_there(uint64_t len, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf group = HULL_STRBUF_INIT;
	uint64_t there = meminfo("MemAvailable"), limit = hull_cgroup_memory_limit(&group);

	if (limit && limit < len) {
		hull_fail_cause(err, HULL_E_EXHAUSTED, "host-memory",
				"all of the guest's %" PRIu64
				" MiB are to be there before it starts, and the limit is %" PRIu64
				" MiB",
				len >> MIB_SHIFT, limit >> MIB_SHIFT);
		hull_hint(err,
			  "ask for less with --memory (-m), or raise the limit of control group "
			  "'%s'",
			  hull_strbuf_str(&group));
		return -1;
	}
	if (!there || len <= there)
		return 0;
	hull_fail_cause(err, HULL_E_EXHAUSTED, "host-memory",
			"all of the guest's %" PRIu64
			" MiB are to be there before it starts, and the host has %" PRIu64
			" MiB to give",
			len >> MIB_SHIFT, there >> MIB_SHIFT);
	hull_hint(err, "ask for less with --memory (-m), or leave prealloc and lock out");
	return -1;
}

/* As far as we may: for us, and for the child that locks it. */
static void raise_lock_limit(uint64_t len)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_MEMLOCK, &rl) < 0 || rl.rlim_cur >= len)
		return;
	rl.rlim_cur = len;
	if (rl.rlim_max < len) {
		const struct rlimit both = {len, len};

		if (setrlimit(RLIMIT_MEMLOCK, &both) == 0)
			return;
		rl.rlim_cur = rl.rlim_max;
	}
	(void)setrlimit(RLIMIT_MEMLOCK, &rl); /* the lock tells whether it did */
}

static int check_lock(int fd, uint64_t len, struct hull_error **err)
{
	struct rlimit rl = {0};
	int r;

	raise_lock_limit(len);
	r = try_mapping(fd, len, true);
	if (r == 0)
		return 0;
	if (r != -ENOMEM && r != -EPERM && r != -EAGAIN)
		return hull_fail_errno(err, -r, "lock the guest's memory");
	(void)getrlimit(RLIMIT_MEMLOCK, &rl);
	hull_fail_cause(err, HULL_E_EXHAUSTED, "memory-lock-limit",
			"the guest's %" PRIu64
			" MiB can't be locked in memory: the limit is %" PRIu64 " KiB",
			len >> MIB_SHIFT, (uint64_t)rl.rlim_max >> 10);
	hull_hint(err, "raise it: 'ulimit -Hl' tells it; memlock in /etc/security/limits.conf and "
		       "LimitMEMLOCK= of systemd set it");
	return -1;
}

static int make(const struct hull_config *c, const struct hull_qemu_reader *reader,
		struct hull_qemu_memory_file *f, struct hull_error **err)
{
	const struct hull_memory_backing *b = &c->memory_backing;

	if (b->dir)
		return make_in_dir(b->dir, c->memory_bytes, reader, f, err);
	if (b->hugepages)
		return make_huge(c->memory_bytes, b->hugepages, f, err);
	f->fd = memfd_create(NAME, MFD_CLOEXEC);
	return f->fd < 0 ? hull_fail_errno(err, errno, "make a file for the guest's memory")
			 : set_length(f->fd, c->memory_bytes, err);
}

/* Huge pages are never swapped out, so that there is nothing to lock. */
int hull_qemu_memory_file_make(const struct hull_config *c, const struct hull_qemu_reader *reader,
			       struct hull_qemu_memory_file *ret, struct hull_error **err)
{
	const struct hull_memory_backing *b = &c->memory_backing;
	struct hull_qemu_memory_file f = {.fd = -1, .page = (uint64_t)sysconf(_SC_PAGESIZE)};
	int r = make(c, reader, &f, err);

	if (r == 0 && f.kind != HULL_QEMU_MEMORY_HUGE && hull_memory_is_ready_first(b))
		r = check_there(c->memory_bytes, err);
	if (r == 0 && f.kind != HULL_QEMU_MEMORY_HUGE && b->lock)
		r = check_lock(f.fd, c->memory_bytes, err);
	if (r < 0)
		hull_closep(&f.fd);
	else
		*ret = f;
	return r;
}
