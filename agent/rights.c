/* SPDX-License-Identifier: Apache-2.0
 *
 * Capabilities of sessions, see rights.h.
 */
#define _GNU_SOURCE
#include "agent/rights.h"

#include "agent/launch.h"
#include "base/cleanup.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CAPS_MAX 64 /* bits of a mask */

static bool may(const struct hull_launch *l, unsigned int cap)
{
	return hull_caps_bound(&l->caps) >> cap & 1;
}

/* ---- what leads out of the session ---- */

#define SECURE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* Where the kernel takes the names of programs that it starts with every capability
 * (core_pattern, modprobe), and orders for which it asks for none. */
static const struct {
	const char *path;
	unsigned long flags; /* of the mount it belongs to */
	bool is_mount;
	bool own_root_only;
} guarded[] = {
	{"/proc/sys", SECURE, false, false},
	{"/proc/sysrq-trigger", SECURE, false, false},
	{"/proc/irq", SECURE, false, false},
	{"/proc/bus", SECURE, false, false},
	{"/sys", SECURE, true, false},
	{"/dev", MS_NOSUID, true, false},
	/* The initramfs has the kernel's helper and its modules. */
	{"/", 0, true, true},
};

static int make_readonly(const char *path, unsigned long flags, bool is_mount)
{
	if (!is_mount && mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) < 0)
		return -errno;
	return 0;
}

/* Settings of the network are as good as what CAP_NET_ADMIN allows, and lead to nothing else. */
static int free_network_settings(void)
{
	static const char path[] = "/proc/sys/net";

	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | SECURE, NULL) < 0)
		return -errno;
	return 0;
}

int hull_rights_guard(const struct hull_launch *l, struct hull_error **err)
{
	int r;

	if (may(l, CAP_SYS_ADMIN))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++) {
		if (guarded[i].own_root_only && l->root)
			continue;
		r = make_readonly(guarded[i].path, guarded[i].flags, guarded[i].is_mount);
		/* EINVAL: nothing of the kernel's is mounted there. */
		if (r < 0 && r != -ENOENT && r != -EINVAL)
			return hull_fail_errno(err, -r, "make '%s' of the session read-only",
					       guarded[i].path);
	}
	r = may(l, CAP_NET_ADMIN) ? free_network_settings() : 0;
	return r < 0 && r != -ENOENT ? hull_fail_errno(err, -r, "free the network's settings") : 0;
}

/* ---- capabilities ---- */

/* What the guest's kernel knows and we have ourselves. */
static uint64_t available(void)
{
	uint64_t caps = 0;

	for (unsigned int cap = 0; cap < CAPS_MAX; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			caps |= UINT64_C(1) << cap;
	return caps;
}

static int check_added(const struct hull_launch *l, uint64_t here, struct hull_error **err)
{
	uint64_t missing = l->caps.add & ~here;
	unsigned int cap = 0;
	char buf[4];

	if (!missing)
		return 0;
	while (!(missing >> cap & 1))
		cap++;
	return hull_fail_cause(err, HULL_E_UNSUPPORTED, "no-such-capability",
			       "the guest's kernel has no capability '%s' to give",
			       hull_cap_name(cap, buf));
}

/* *ret_caps is what is left, of those that there are. */
static int drop_bounding_set(const struct hull_launch *l, uint64_t *ret_caps,
			     struct hull_error **err)
{
	uint64_t here = available(), left = here & hull_caps_bound(&l->caps), gone = here & ~left;
	char buf[4];

	if (check_added(l, here, err) < 0)
		return -1;
	for (unsigned int cap = 0; cap < CAPS_MAX; cap++)
		if (gone >> cap & 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return hull_fail_errno(err, errno, "drop capability '%s'",
					       hull_cap_name(cap, buf));
	*ret_caps = left;
	return 0;
}

int hull_rights_confine_init(const struct hull_launch *l, struct hull_error **err)
{
	uint64_t left;
	int r;

	if (drop_bounding_set(l, &left, err) < 0)
		return -1;
	r = hull_caps_set(left, 0);
	/* With no more rights than the program it could be traced by it, and its memory is a copy
	 * of the agent's. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r < 0 ? hull_fail_errno(err, -r, "give up capabilities") : 0;
}

int hull_rights_prepare(const struct hull_launch *l, struct hull_error **err)
{
	uint64_t left;

	if (drop_bounding_set(l, &left, err) < 0)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return hull_fail_errno(err, errno, "keep capabilities across the change of user");
	return 0;
}

/* Root's come from the bounding set at every exec.  They are not made inheritable, or they would
 * outlive root's becoming another user; that one's own are ambient from the first. */
int hull_rights_take(const struct hull_launch *l, uid_t uid, struct hull_error **err)
{
	uint64_t caps = hull_caps_initial(&l->caps, uid == 0) & available();
	int r = uid ? hull_caps_keep(caps) : hull_caps_set(caps, 0);

	return r < 0 ? hull_fail_errno(err, -r, "set capabilities") : 0;
}
