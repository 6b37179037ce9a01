/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of capabilities and lists of them, see caps.h.
 */
#define _GNU_SOURCE
#include "base/caps.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <assert.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define PREFIX "cap_"
#define WORD_MAX 63 /* no name is nearly that long */

/* As numbered by the kernel, whose headers may be older than that. */
const char *const hull_cap_names[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
	NULL,
};
static_assert(ARRAY_SIZE(hull_cap_names) == 42, "one name for each number");

const char *hull_cap_name(unsigned int cap, char buf[4])
{
	if (cap < ARRAY_SIZE(hull_cap_names) - 1)
		return hull_cap_names[cap];
	(void)snprintf(buf, 4, "%u", cap % 1000);
	return buf;
}

static int find_cap(const char *name, unsigned int *ret_cap, struct hull_error **err)
{
	const char *bare = strncasecmp(name, PREFIX, strlen(PREFIX)) ? name : name + strlen(PREFIX);
	char near[HULL_NEAR_LEN];

	for (unsigned int i = 0; hull_cap_names[i]; i++)
		if (!strcasecmp(hull_cap_names[i], bare)) {
			*ret_cap = i;
			return 0;
		}
	hull_fail(err, HULL_E_INVALID, "unknown capability '%s'%s", name,
		  hull_did_you_mean(bare, hull_cap_names, "", near));
	hull_hint(err, "the names are those of capabilities(7), like net_admin; besides there are "
		       "'all' and 'none'");
	return -1;
}

static int edit_one(struct hull_caps *c, const char *name, bool drop, struct hull_error **err)
{
	uint64_t bit;
	unsigned int cap;

	if (!strcasecmp(name, "all")) {
		*c = (struct hull_caps){.base = drop ? HULL_CAPS_BASE_NONE : HULL_CAPS_BASE_ALL};
		return 0;
	}
	if (find_cap(name, &cap, err) < 0)
		return -1;
	bit = UINT64_C(1) << cap;
	c->add = drop ? c->add & ~bit : c->add | bit;
	c->drop = drop ? c->drop | bit : c->drop & ~bit;
	return 0;
}

static int edit_word(struct hull_caps *c, const char *word, char sign, struct hull_error **err)
{
	bool own = *word == '+' || *word == '-';
	const char *name = word + own;

	if (own && sign) {
		hull_fail(err, HULL_E_INVALID, "'%s': no sign is needed here", word);
		hull_hint(err, "signs are for --cap, as in --cap -sys_admin,+net_raw");
		return -1;
	}
	if (!*name)
		return hull_fail(err, HULL_E_INVALID, "'%s' has no name of a capability", word);
	if (!strcasecmp(name, "none")) {
		if (!own && !sign)
			return edit_one(c, "all", true, err);
		hull_fail(err, HULL_E_INVALID, "'none' can't be added or dropped");
		hull_hint(err, "to drop all, say --cap none or --cap-drop all");
		return -1;
	}
	return edit_one(c, name, (own ? *word : sign) == '-', err);
}

int hull_caps_edit(struct hull_caps *caps, const char *list, char sign, struct hull_error **err)
{
	struct hull_caps c = *caps;
	char word[WORD_MAX + 1];

	for (const char *p = list;; p++) {
		size_t n = strcspn(p, ",");

		if (!n) {
			hull_fail(err, HULL_E_INVALID, "'%s' has an empty name in it", list);
			hull_hint(err,
				  "write names with commas between them, like net_admin,chown");
			return -1;
		}
		if (n > WORD_MAX)
			return hull_fail(err, HULL_E_INVALID, "unknown capability '%.*s...'",
					 WORD_MAX, p);
		memcpy(word, p, n);
		word[n] = '\0';
		if (edit_word(&c, word, sign, err) < 0)
			return -1;
		p += n;
		if (!*p)
			break;
	}
	*caps = c;
	return 0;
}

bool hull_caps_is_set(const struct hull_caps *caps)
{
	return caps->base != HULL_CAPS_BASE_USER || caps->add || caps->drop;
}

uint64_t hull_caps_bound(const struct hull_caps *caps)
{
	return caps->base == HULL_CAPS_BASE_NONE ? caps->add : ~caps->drop;
}

uint64_t hull_caps_initial(const struct hull_caps *caps, bool root)
{
	return root || caps->base == HULL_CAPS_BASE_ALL ? hull_caps_bound(caps) : caps->add;
}

/* ---- of a process ---- */

int hull_caps_set(uint64_t caps, uint64_t inheritable)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = data[i].permitted = (uint32_t)(caps >> 32 * i);
		data[i].inheritable = (uint32_t)(inheritable >> 32 * i);
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int hull_caps_keep(uint64_t caps)
{
	int r = hull_caps_set(caps, caps);

	for (int cap = 0; cap < 64 && r == 0; cap++)
		if (caps >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			r = -errno;
	return r;
}

int hull_caps_get(uint64_t *ret_permitted, uint64_t *ret_inheritable)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	*ret_inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	return 0;
}
