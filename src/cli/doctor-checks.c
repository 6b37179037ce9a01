/* SPDX-License-Identifier: Apache-2.0
 *
 * The checks of "hull doctor" that concern no hypervisor: the kernel, what is installed, what this
 * user may do, and room.  Where a VM's start would find out for itself, the check asks the same
 * code.
 */
#define _GNU_SOURCE
#include "cli/doctor.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/program.h"
#include "base/strbuf.h"
#include "cli/settings.h"
#include "config/config.h"
#include "monitor/scratch.h"
#include "monitor/share.h"
#include "share/rights.h"
#include "vm/dirs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* ---- kernel ---- */

/* close_range() and clone3() into a control group. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 9

static void check_kernel(const struct hull_config *config, struct hull_check_result *ret)
{
	unsigned int major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2) {
		hull_check_set(ret, HULL_CHECK_WARNING, "it does not tell its version");
		return;
	}
	hull_check_set(ret, HULL_CHECK_OK, "%s %s", u.sysname, u.release);
	if (major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR))
		return;
	ret->level = HULL_CHECK_BROKEN;
	hull_check_hint(ret, "it is too old: run Linux %d.%d or newer", KERNEL_MAJOR, KERNEL_MINOR);
}

/* ---- what is installed ---- */

static void check_programs(const struct hull_config *config, struct hull_check_result *ret)
{
	static const char *const names[] = {"hull-monitor", "hull-share", "hull-virtiofsd.so"};
	cleanup_free char *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_free char *path = NULL;

		if (hull_program_path(names[i], &path, &err) < 0) {
			hull_check_error(ret, HULL_CHECK_BROKEN, err);
			return;
		}
		if (!first)
			first = steal_ptr(&path);
	}
	*strrchr(first, '/') = '\0';
	hull_check_set(ret, HULL_CHECK_OK, "hull's own, in %s", first);
}

/* A file that can be opened and has something in it. */
static int try_file(const char *path, struct hull_error **err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	char byte;

	if (fd >= 0)
		n = read(fd, &byte, 1);
	if (fd < 0 || n < 0)
		return hull_fail_errno(err, errno, "read '%s'", path);
	return n ? 0 : hull_fail(err, HULL_E_CORRUPT, "'%s' is empty", path);
}

static void check_settings(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_error struct hull_error *err = NULL;
	const struct hull_settings *s = hull_cli_settings(&err);

	if (!s)
		hull_check_error(ret, HULL_CHECK_BROKEN, err);
	else if (s->files.n)
		hull_check_set(ret, HULL_CHECK_OK, "%zu %s, the last of them %s", s->files.n,
			       s->files.n == 1 ? "file" : "files", s->files.v[s->files.n - 1]);
	else
		hull_check_set(ret, HULL_CHECK_OK, "no files: what is built in, and variables");
}

static void check_guest(const struct hull_config *config, struct hull_check_result *ret)
{
	static const char *const names[] = {"vmlinux", "initramfs", "modules.img"};
	const struct hull_settings *s = hull_cli_settings(NULL);
	cleanup_free char *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_free char *path = NULL;

		if (hull_dirs_guest(s ? s->guest_dir : NULL, names[i], &path, &err) < 0 ||
		    try_file(path, &err) < 0) {
			hull_check_error(ret, HULL_CHECK_BROKEN, err);
			if (!*ret->hint)
				hull_check_hint(ret, "install hull again, or point guest_dir "
						     "at the guest's kernel and initramfs");
			return;
		}
		if (!first)
			first = steal_ptr(&path);
	}
	*strrchr(first, '/') = '\0';
	hull_check_set(ret, HULL_CHECK_OK, "kernel, initramfs and modules, in %s", first);
}

static void check_shares(const struct hull_config *config, struct hull_check_result *ret)
{
	const char *daemon = hull_share_find_daemon(config);

	if (daemon) {
		hull_check_set(ret, HULL_CHECK_OK, "virtiofsd, %s", daemon);
		return;
	}
	/* Where it could not work, nobody asks for it. */
	hull_check_set(ret,
		       geteuid() != 0 && hull_rights_try(NULL) < 0 ? HULL_CHECK_WARNING
								   : HULL_CHECK_BROKEN,
		       "virtiofsd is not installed");
	hull_check_hint(ret, "on Debian: apt install qemu-system-common");
}

/* ---- what this user may do ---- */

/* The switch that keeps ordinary users from it, if there is one. */
static const char *find_switch(void)
{
	static const struct {
		const char *path, *bad, *fix;
	} switches[] = {
		{"/proc/sys/user/max_user_namespaces", "0\n",
		 "sysctl -w user.max_user_namespaces=10000"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0\n",
		 "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
		 "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

		if (hull_file_read(switches[i].path, 64, &text) == 0 &&
		    !strcmp(hull_strbuf_str(&text), switches[i].bad))
			return switches[i].fix;
	}
	return NULL;
}

static void check_namespaces(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_error struct hull_error *err = NULL;
	bool root = geteuid() == 0;
	const char *fix;

	if (hull_rights_try(&err) == 0) {
		hull_check_set(ret, HULL_CHECK_OK, "%s can be made",
			       root ? "mount namespaces" : "user and mount namespaces");
		return;
	}
	if (root) {
		hull_check_error(ret, HULL_CHECK_BROKEN, err);
		hull_check_hint(ret, "hull as root needs the capability CAP_SYS_ADMIN");
		return;
	}
	/* Not broken: the hypervisor serves the host's directories, and carries the network. */
	hull_check_set(ret, HULL_CHECK_WARNING,
		       "%s: the host's directories are served over 9p, without single files, and "
		       "the network is QEMU's own",
		       hull_error_message(err));
	fix = find_switch();
	if (fix)
		hull_check_hint(ret, "as root: %s", fix);
	else
		hull_check_hint(ret, "%s", hull_error_hint(err));
}

static void check_cgroup(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_strbuf struct hull_strbuf base = HULL_STRBUF_INIT, cpu = HULL_STRBUF_INIT;
	const char *scope = geteuid() == 0 ? "" : "--user ";
	bool v1;

	if (hull_cgroup_base(&base) < 0 || !base.len) {
		hull_check_set(ret, HULL_CHECK_WARNING,
			       "no control group can be made: a VM's processes are tied to each "
			       "other, but can't be limited");
		hull_check_hint(
			ret, "where systemd runs: systemd-run %s--scope -p Delegate=yes hull ...",
			scope);
		return;
	}
	if (hull_cgroup_cpu_base(&cpu, &v1) == 0 && cpu.len)
		hull_check_set(ret, HULL_CHECK_OK, "one for each VM, below %s",
			       hull_strbuf_str(&base));
	else
		hull_check_set(ret, HULL_CHECK_OK,
			       "one for each VM, below %s, but without --cpu-limit",
			       hull_strbuf_str(&base));
}

/* ---- places ---- */

/* The longest part of @path that exists. */
static int find_existing(char *path)
{
	struct stat st;

	while (lstat(path, &st) < 0) {
		char *slash = strrchr(path, '/');

		if (errno != ENOENT || !slash || !path[1])
			return -errno;
		slash[slash == path] = '\0'; /* "/" stays */
	}
	return S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode) ? 0 : -ENOTDIR;
}

/* The name of a file system where locks and sockets are not to be relied on; NULL for others. */
static const char *unfit(const struct statfs *s)
{
	static const struct {
		uint32_t magic;
		const char *name;
	} kinds[] = {
		{NFS_SUPER_MAGIC, "NFS"}, {SMB_SUPER_MAGIC, "SMB"}, {0xff534d42, "CIFS"},
		{0xfe534d42, "SMB2"},	  {0x00c36400, "Ceph"},	    {V9FS_MAGIC, "9p"},
		{AFS_SUPER_MAGIC, "AFS"}, {0x65735546, "FUSE"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((uint32_t)s->f_type == kinds[i].magic)
			return kinds[i].name;
	return NULL;
}

static int check_run_path(const char *path, struct statfs *ret_fs, struct hull_error **err)
{
	cleanup_free char *there = strdup(path);
	struct stat st;
	int r;

	if (!there)
		return hull_fail_nomem(err);
	r = find_existing(there);
	if (r == 0 && statfs(there, ret_fs) < 0)
		r = -errno;
	if (r < 0)
		return hull_fail_errno(err, -r, "look for '%s'", path);
	if (!strcmp(there, path) && (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
		return hull_fail(err, HULL_E_INVALID, "'%s' is not a directory", path);
	if (!strcmp(there, path) && st.st_uid != geteuid())
		return hull_fail(err, HULL_E_DENIED, "'%s' belongs to user %u", path,
				 (unsigned int)st.st_uid);
	if (faccessat(AT_FDCWD, there, W_OK | X_OK, AT_EACCESS) < 0)
		return hull_fail_errno(err, errno, "write to '%s'", there);
	/* Root may write there, and yet can't make anything. */
	if (ret_fs->f_type == PROC_SUPER_MAGIC || ret_fs->f_type == SYSFS_MAGIC)
		return hull_fail(err, HULL_E_DENIED, "no directory can be made in '%s'", there);
	if ((uint64_t)ret_fs->f_bavail * (uint64_t)ret_fs->f_bsize < MIB ||
	    (ret_fs->f_files && ret_fs->f_ffree < 16))
		return hull_fail(err, HULL_E_EXHAUSTED, "there is no room in '%s'", there);
	return 0;
}

static void check_run(const struct hull_config *config, struct hull_check_result *ret)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *path = NULL;
	const char *kind;
	struct statfs fs;

	if (hull_dirs_find_run(&path, &err) < 0 || check_run_path(path, &fs, &err) < 0) {
		hull_check_error(ret, HULL_CHECK_BROKEN, err);
		if (!*ret->hint)
			hull_check_hint(ret, "set HULL_HOME to a directory with a short path, that "
					     "you may write");
		return;
	}
	kind = unfit(&fs);
	hull_check_set(ret, kind ? HULL_CHECK_WARNING : HULL_CHECK_OK,
		       "sockets and logs, in %s%s%s", path, kind ? ", on " : "", kind ? kind : "");
	if (kind)
		hull_check_hint(ret, "set HULL_HOME to a directory on a local file system");
}

/* "3.4 GiB", into a buffer of 32. */
static const char *size_text(uint64_t bytes, char buf[32])
{
	if (bytes >= GIB)
		snprintf(buf, 32, "%llu.%llu GiB", (unsigned long long)(bytes / GIB),
			 (unsigned long long)(bytes % GIB * 10 / GIB));
	else
		snprintf(buf, 32, "%llu MiB", (unsigned long long)(bytes / MIB));
	return buf;
}

static void check_scratch(const struct hull_config *config, struct hull_check_result *ret)
{
	const char *dir = config->scratch_dir ? config->scratch_dir : HULL_SCRATCH_DIR;
	struct statvfs fs;
	uint64_t room;
	char text[32];

	if (!hull_scratch_mkfs()) {
		hull_check_set(ret, HULL_CHECK_WARNING,
			       "mkfs.ext4 is missing, and without it there is no --scratch");
		hull_check_hint(ret, "on Debian: apt install e2fsprogs");
		return;
	}
	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) < 0 || statvfs(dir, &fs) < 0) {
		hull_check_set(ret, HULL_CHECK_WARNING, "there is no --scratch: write to '%s': %s",
			       dir, hull_strerror(errno));
		hull_check_hint(ret, "let users write there: chmod 1777 %s", dir);
		return;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	hull_check_set(ret, room < GIB ? HULL_CHECK_WARNING : HULL_CHECK_OK,
		       "%s free for --scratch, in %s", size_text(room, text), dir);
	if (room < GIB)
		hull_check_hint(ret, "make room there");
}

/* ---- room ---- */

/* Of /proc/meminfo, in bytes; 0 if it is not there. */
static uint64_t meminfo(const char *key)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	const char *at;
	unsigned long long kib;

	if (hull_file_read("/proc/meminfo", 65536, &text) < 0)
		return 0;
	at = strstr(hull_strbuf_str(&text), key);
	return at && sscanf(at + strlen(key), ": %llu kB", &kib) == 1 ? (uint64_t)kib << 10 : 0;
}

static void check_memory(const struct hull_config *config, struct hull_check_result *ret)
{
	uint64_t available = meminfo("\nMemAvailable");
	char have[32], want[32];

	size_text(available, have);
	size_text(config->memory_bytes, want);
	if (!available) {
		hull_check_set(ret, HULL_CHECK_WARNING, "/proc/meminfo does not tell it");
		return;
	}
	hull_check_set(ret, available < config->memory_bytes ? HULL_CHECK_WARNING : HULL_CHECK_OK,
		       "%s available, %s for a VM unless --memory says otherwise", have, want);
	if (ret->level)
		hull_check_hint(ret, "end something, or give VMs less: --memory 256M");
}

/* Below the first a start fails; below the second the share daemon, which holds a file for each
 * that the guest remembers, runs out of them in large trees. */
#define FILES_LEAST 128
#define FILES_GOOD 65536

static void check_files(const struct hull_config *config, struct hull_check_result *ret)
{
	struct rlimit rl;
	unsigned long long most;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0) {
		hull_check_set(ret, HULL_CHECK_WARNING, "the limit can't be read: %s",
			       hull_strerror(errno));
		return;
	}
	most = rl.rlim_max;
	if (most < FILES_LEAST)
		hull_check_set(ret, HULL_CHECK_BROKEN,
			       "%llu may be open at once, too few to start a VM", most);
	else if (most < FILES_GOOD && geteuid() != 0) /* root raises it by itself */
		hull_check_set(ret, HULL_CHECK_WARNING,
			       "%llu may be open at once: a VM that uses more of the host's fails",
			       most);
	else
		hull_check_set(ret, HULL_CHECK_OK, "%llu may be open at once", most);
	if (ret->level)
		hull_check_hint(ret, "raise the hard limit: 'nofile' in /etc/security/limits.conf, "
				     "or LimitNOFILE= of the service");
}

const struct hull_check hull_doctor_host_checks[] = {
	{"kernel", check_kernel},
	{NULL, NULL},
};

const struct hull_check hull_doctor_checks[] = {
	{"settings", check_settings},
	{"programs", check_programs},
	{"guest", check_guest},
	{"shares", check_shares},
	{"namespaces", check_namespaces},
	{"cgroup", check_cgroup},
	{"directory", check_run},
	{"scratch", check_scratch},
	{"memory", check_memory},
	{"files", check_files},
	{NULL, NULL},
};
