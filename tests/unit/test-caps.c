/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../fuzz/fuzz-caps.c"
#include "corpus.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIT(cap) (UINT64_C(1) << (cap))
#define USER HULL_CAPS_BASE_USER
#define ALL HULL_CAPS_BASE_ALL
#define NONE HULL_CAPS_BASE_NONE

struct edit {
	char sign;
	const char *list;
};

static struct hull_caps edited(const struct edit *e)
{
	struct hull_caps c = {0};

	for (; e->list; e++) {
		cleanup_error struct hull_error *err = NULL;

		if (hull_caps_edit(&c, e->list, e->sign, &err) < 0)
			fail_msg("'%s': %s", e->list, hull_error_message(err));
	}
	return c;
}

static void numbers_are_the_kernels(void **state)
{
	char buf[4];

	assert_string_equal(hull_cap_names[CAP_CHOWN], "chown");
	assert_string_equal(hull_cap_names[CAP_SYS_ADMIN], "sys_admin");
	assert_string_equal(hull_cap_names[CAP_NET_RAW], "net_raw");
	assert_string_equal(hull_cap_names[CAP_AUDIT_READ], "audit_read");
	assert_string_equal(hull_cap_name(CAP_CHECKPOINT_RESTORE, buf), "checkpoint_restore");
	assert_string_equal(hull_cap_name(41, buf), "41");
	assert_string_equal(hull_cap_name(63, buf), "63");
}

static void lists(void **state)
{
	static const struct {
		struct edit edits[4];
		struct hull_caps want;
	} cases[] = {
		{{{0, "net_raw"}}, {USER, BIT(CAP_NET_RAW), 0}},
		{{{0, "+net_raw"}}, {USER, BIT(CAP_NET_RAW), 0}},
		{{{0, "-net_raw"}}, {USER, 0, BIT(CAP_NET_RAW)}},
		{{{0, "CAP_NET_RAW,cap_chown,Kill"}},
		 {USER, BIT(CAP_NET_RAW) | BIT(CAP_CHOWN) | BIT(CAP_KILL), 0}},
		{{{0, "none"}}, {NONE, 0, 0}},
		{{{0, "All"}}, {ALL, 0, 0}},
		{{{0, "+all"}}, {ALL, 0, 0}},
		{{{0, "-ALL"}}, {NONE, 0, 0}},
		{{{0, "none,net_bind_service"}}, {NONE, BIT(CAP_NET_BIND_SERVICE), 0}},
		{{{0, "all,-sys_admin"}}, {ALL, 0, BIT(CAP_SYS_ADMIN)}},
		/* The last word counts. */
		{{{0, "chown,none"}}, {NONE, 0, 0}},
		{{{0, "-chown,all"}}, {ALL, 0, 0}},
		{{{0, "chown,-chown"}}, {USER, 0, BIT(CAP_CHOWN)}},
		{{{0, "-chown,chown"}}, {USER, BIT(CAP_CHOWN), 0}},
		{{{0, "none,kill,-kill,kill"}}, {NONE, BIT(CAP_KILL), 0}},
		/* Several options are one list, whatever they are called. */
		{{{'-', "all"}, {'+', "chown,kill"}}, {NONE, BIT(CAP_CHOWN) | BIT(CAP_KILL), 0}},
		{{{'+', "chown"}, {'-', "all"}}, {NONE, 0, 0}},
		{{{'-', "CAP_CHOWN"}, {0, "setuid"}, {'+', "chown"}},
		 {USER, BIT(CAP_CHOWN) | BIT(CAP_SETUID), 0}},
		{{{'+', "all"}, {'-', "bpf,checkpoint_restore"}},
		 {ALL, 0, BIT(CAP_BPF) | BIT(CAP_CHECKPOINT_RESTORE)}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_caps got = edited(cases[i].edits);

		if (!same(&got, &cases[i].want))
			fail_msg("case %zu: base %d add %#llx drop %#llx", i, got.base,
				 (unsigned long long)got.add, (unsigned long long)got.drop);
		check(&got);
	}
}

static void refusals(void **state)
{
	static const struct {
		char sign;
		const char *list, *message;
	} cases[] = {
		{0, "", "'' has an empty name in it"},
		{0, "chown,", "'chown,' has an empty name in it"},
		{0, ",chown", "',chown' has an empty name in it"},
		{0, "chown,,kill", "'chown,,kill' has an empty name in it"},
		{0, "+", "'+' has no name of a capability"},
		{0, "chown,-", "'-' has no name of a capability"},
		{0, "net_rw", "unknown capability 'net_rw'; did you mean 'net_raw'?"},
		{0, "-CAP_SYSADMIN",
		 "unknown capability 'CAP_SYSADMIN'; did you mean 'sys_admin'?"},
		{'+', "chwon", "unknown capability 'chwon'; did you mean 'chown'?"},
		{0, "everything", "unknown capability 'everything'"},
		{0, "cap_", "unknown capability 'cap_'"},
		{0, "cap_all", "unknown capability 'cap_all'"},
		{0, " chown", "unknown capability ' chown'; did you mean 'chown'?"},
		{0, "--chown", "unknown capability '-chown'; did you mean 'chown'?"},
		{0, "13", "unknown capability '13'"},
		{0, "+none", "'none' can't be added or dropped"},
		{'-', "none", "'none' can't be added or dropped"},
		{'+', "none", "'none' can't be added or dropped"},
		{'+', "+chown", "'+chown': no sign is needed here"},
		{'+', "-chown", "'-chown': no sign is needed here"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_error struct hull_error *err = NULL;
		struct hull_caps c = {ALL, 1, 2};

		if (hull_caps_edit(&c, cases[i].list, cases[i].sign, &err) == 0)
			fail_msg("'%s' was accepted", cases[i].list);
		assert_int_equal(hull_error_code(err), HULL_E_INVALID);
		assert_string_equal(hull_error_message(err), cases[i].message);
		assert_true(same(&c, &(struct hull_caps){ALL, 1, 2}));
	}
}

static void what_is_left(void **state)
{
	const uint64_t raw = BIT(CAP_NET_RAW), all = UINT64_MAX;
	static const struct hull_caps unset = {0};
	static const struct {
		const char *list;
		uint64_t bound, root, other;
	} cases[] = {
		{"net_raw", all, all, raw},
		{"-net_raw", ~raw, ~raw, 0},
		{"none", 0, 0, 0},
		{"none,net_raw", raw, raw, raw},
		{"all", all, all, all},
		{"all,-net_raw", ~raw, ~raw, ~raw},
		{"-chown,net_raw", ~BIT(CAP_CHOWN), ~BIT(CAP_CHOWN), raw},
	};

	assert_false(hull_caps_is_set(&unset));
	assert_int_equal(hull_caps_bound(&unset), all);
	assert_int_equal(hull_caps_initial(&unset, true), all);
	assert_int_equal(hull_caps_initial(&unset, false), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_caps c = {0};

		assert_int_equal(hull_caps_edit(&c, cases[i].list, 0, NULL), 0);
		assert_true(hull_caps_is_set(&c));
		assert_int_equal(hull_caps_bound(&c), cases[i].bound);
		assert_int_equal(hull_caps_initial(&c, true), cases[i].root);
		assert_int_equal(hull_caps_initial(&c, false), cases[i].other);
	}
}

static void corpus(void **state)
{
	assert_true(corpus_replay("caps") >= 11);
}

static uint64_t lesser(uint64_t caps)
{
	return caps ? caps & (caps - 1) : 0;
}

/* In a process of its own, which loses them. */
static int lose_one(void)
{
	uint64_t had, now, inheritable;

	if (hull_caps_get(&had, &inheritable) < 0 || hull_caps_keep(lesser(had)) < 0 ||
	    hull_caps_get(&now, &inheritable) < 0)
		return 1;
	if (now != (lesser(had)) || inheritable != now)
		return 2;
	for (int cap = 0; cap < 64; cap++)
		if ((prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) !=
		    (now >> cap & 1))
			return 3;
	if (hull_caps_set(now, 0) < 0 || hull_caps_get(&had, &inheritable) < 0)
		return 4;
	if (had != now || inheritable)
		return 5;
	/* What is lost does not come back. */
	if (hull_caps_set(UINT64_MAX >> 23, 0) != -EPERM || hull_caps_set(0, 0) < 0 ||
	    hull_caps_get(&now, &inheritable) < 0)
		return 6;
	return now || inheritable ? 7 : 0;
}

static void a_process_gives_them_up(void **state)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(lose_one());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_the_kernels),
		cmocka_unit_test(lists),
		cmocka_unit_test(refusals),
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(corpus),
		cmocka_unit_test(a_process_gives_them_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
