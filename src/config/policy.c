/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies of policy.h.
 */
#define _GNU_SOURCE
#include "config/policy.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"

#include <assert.h>
#include <string.h>

#define DELAY_MS 100
#define DELAY_MAX_MS 30000

const char *const hull_on_reboot_names[] = {"auto", "end", "reboot", NULL};
static_assert(ARRAY_SIZE(hull_on_reboot_names) == HULL_ON_REBOOT_REBOOT + 2,
	      "one name for each value");

const char *const hull_isolation_names[] = {"normal", "strict", NULL};
static_assert(ARRAY_SIZE(hull_isolation_names) == HULL_ISOLATION_STRICT + 2,
	      "one name for each value");

const char *const hull_restart_policy_names[] = {"no", "on-failure", "always", NULL};
static_assert(ARRAY_SIZE(hull_restart_policy_names) == HULL_RESTART_ALWAYS + 2,
	      "one name for each value");

static const struct hull_field restart_table[] = {
	HULL_FIELD_ENUM(struct hull_restart, policy, "policy", 0, enum hull_restart_policy,
			HULL_RESTART_NO, hull_restart_policy_names,
			"on-failure: unless its guest has powered off or rebooted"),
	HULL_FIELD_U64(struct hull_restart, max, "max", 0, 0, 0, UINT32_MAX,
		       "how often at most; 0: no limit"),
};
const struct hull_fields hull_restart_fields = HULL_FIELDS(struct hull_restart, restart_table);

bool hull_policy_reboots(const struct hull_config *c)
{
	if (c->on_reboot != HULL_ON_REBOOT_AUTO)
		return c->on_reboot == HULL_ON_REBOOT_REBOOT;
	return c->firmware.kind != HULL_FIRMWARE_NONE && c->gdb.kind == HULL_GDB_NONE;
}

static bool is_one_of(const char *reason, const char *const *list)
{
	while (*list && strcmp(reason, *list) != 0)
		list++;
	return *list;
}

bool hull_policy_restarts(const struct hull_restart *r, const char *reason, uint64_t done)
{
	static const char *const asked[] = {"stopped", "terminated", "starter-gone",
					    "killed",  "quit",	     NULL};
	static const char *const proper[] = {"shutdown", "reboot", NULL};

	if (r->policy == HULL_RESTART_NO || (r->max && done >= r->max) || is_one_of(reason, asked))
		return false;
	return r->policy == HULL_RESTART_ALWAYS || !is_one_of(reason, proper);
}

uint64_t hull_policy_delay_ms(unsigned int n)
{
	uint64_t ms = DELAY_MS;

	for (; n && ms < DELAY_MAX_MS; n--)
		ms *= 2;
	return MIN(ms, DELAY_MAX_MS);
}

static int fail_restart(const char *text, struct hull_error **err)
{
	hull_fail(err, HULL_E_INVALID, "'%s' is no policy for restarting", text);
	hull_hint(err, "no, always, on-failure, or on-failure:N for N times at most");
	return -1;
}

int hull_policy_parse_restart(const char *text, struct hull_restart *ret, struct hull_error **err)
{
	const char *colon = strchrnul(text, ':');
	struct hull_restart r = {0};
	int i = 0;

	for (; hull_restart_policy_names[i]; i++)
		if (strlen(hull_restart_policy_names[i]) == (size_t)(colon - text) &&
		    !strncmp(hull_restart_policy_names[i], text, (size_t)(colon - text)))
			break;
	if (!hull_restart_policy_names[i])
		return fail_restart(text, err);
	r.policy = (enum hull_restart_policy)i;
	if (*colon && (r.policy != HULL_RESTART_ON_FAILURE ||
		       hull_parse_u64(colon + 1, UINT32_MAX, &r.max) < 0))
		return fail_restart(text, err);
	*ret = r;
	return 0;
}

/* Of a stream that was handed down there is one connection, in which the old hypervisor may have
 * left half a frame. */
static int check_restart(const struct hull_config *c, struct hull_error **err)
{
	if (c->restart.policy == HULL_RESTART_NO)
		return c->restart.max ? hull_fail(err, HULL_E_INVALID,
						  "restart.max: only with restart.policy "
						  "'on-failure' or 'always'")
				      : 0;
	for (size_t i = 0; i < c->devices.n; i++) {
		const struct hull_device *d = &c->devices.v[i];

		if (d->kind == HULL_DEVICE_NET && d->net.socket && hull_dev_net_is_stream(&d->net))
			return hull_fail(err, HULL_E_INVALID,
					 "devices[%zu].fd: a stream that is handed down ends with "
					 "the hypervisor; restart needs a path, or datagrams",
					 i);
	}
	return 0;
}

/* A debugger would have to let the guest go on each time, and nobody knows whether there still is
 * one. */
int hull_policy_check(const struct hull_config *c, struct hull_error **err)
{
	if (check_restart(c, err) < 0)
		return -1;
	if (c->on_reboot == HULL_ON_REBOOT_REBOOT && c->gdb.kind != HULL_GDB_NONE)
		return hull_fail(err, HULL_E_INVALID,
				 "on_reboot: a guest under a debugger ends when it reboots");
	if (c->isolation != HULL_ISOLATION_STRICT || c->seccomp)
		return 0;
	hull_fail(err, HULL_E_INVALID,
		  "isolation: 'strict' is not for a hypervisor without seccomp");
	hull_hint(err, "leave out 'seccomp', which is true without being said");
	return -1;
}
