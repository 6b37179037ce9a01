/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of verbs and states, see states.h.
 */
#include "vm/states.h"

#include "base/cleanup.h"

#include <assert.h>

struct row {
	enum hull_ruling ruling;
	const char *cause; /* of a refusal; of what is so already, the words */
	const char *text;  /* of a refusal: "VM 'x' ..." */
	const char *hint;
};

#define DO                               \
	{                                \
		.ruling = HULL_RULING_DO \
	}
#define ALREADY(words)                                           \
	{                                                        \
		.ruling = HULL_RULING_SO_ALREADY, .cause = words \
	}
#define REFUSED(why, words, what)                                                        \
	{                                                                                \
		.ruling = HULL_RULING_REFUSED, .cause = why, .text = words, .hint = what \
	}
#define NOT_RUNNING REFUSED("not-running", "is not running", "start it with 'hull start'")
#define STARTING REFUSED("starting", "is still starting", "wait until it runs, or kill it")
#define STOPPING REFUSED("stopping", "is stopping", "wait until it has stopped, or kill it")
#define CREATING REFUSED("creating", "is not complete", "remove it with 'hull rm'")
#define DELETING REFUSED("deleting", "is being removed", "'hull rm' finishes it")
#define PAUSED REFUSED("paused", "is paused", "let it go on with 'hull resume'")
#define STOP_FIRST "stop it first, or remove it with 'hull rm --force'"
#define RUNNING REFUSED("running", "is running", STOP_FIRST)

static const struct row rows[HULL_VERBS][HULL_VM_STATES] = {
	[HULL_VERB_START] =
		{
			[HULL_VM_CREATING] = CREATING,
			[HULL_VM_CREATED] = DO,
			[HULL_VM_STARTING] = ALREADY("is starting already"),
			[HULL_VM_RUNNING] = ALREADY("is running already"),
			[HULL_VM_PAUSED] = PAUSED,
			[HULL_VM_STOPPING] = STOPPING,
			[HULL_VM_STOPPED] = DO,
			[HULL_VM_ERROR] = DO,
			[HULL_VM_DELETING] = DELETING,
		},
	[HULL_VERB_STOP] =
		{
			[HULL_VM_CREATING] = ALREADY("is not running"),
			[HULL_VM_CREATED] = ALREADY("is not running"),
			[HULL_VM_STARTING] = DO,
			[HULL_VM_RUNNING] = DO,
			[HULL_VM_PAUSED] = DO,
			[HULL_VM_STOPPING] = DO,
			[HULL_VM_STOPPED] = ALREADY("is stopped already"),
			[HULL_VM_ERROR] = ALREADY("is not running"),
			[HULL_VM_DELETING] = ALREADY("is not running"),
		},
	[HULL_VERB_PAUSE] =
		{
			[HULL_VM_CREATING] = NOT_RUNNING,
			[HULL_VM_CREATED] = NOT_RUNNING,
			[HULL_VM_STARTING] = STARTING,
			[HULL_VM_RUNNING] = DO,
			[HULL_VM_PAUSED] = ALREADY("is paused already"),
			[HULL_VM_STOPPING] = STOPPING,
			[HULL_VM_STOPPED] = NOT_RUNNING,
			[HULL_VM_ERROR] = NOT_RUNNING,
			[HULL_VM_DELETING] = DELETING,
		},
	[HULL_VERB_RESUME] =
		{
			[HULL_VM_CREATING] = NOT_RUNNING,
			[HULL_VM_CREATED] = NOT_RUNNING,
			[HULL_VM_STARTING] = STARTING,
			[HULL_VM_RUNNING] = ALREADY("is not paused"),
			[HULL_VM_PAUSED] = DO,
			[HULL_VM_STOPPING] = STOPPING,
			[HULL_VM_STOPPED] = NOT_RUNNING,
			[HULL_VM_ERROR] = NOT_RUNNING,
			[HULL_VM_DELETING] = DELETING,
		},
	[HULL_VERB_REMOVE] =
		{
			[HULL_VM_CREATING] = DO,
			[HULL_VM_CREATED] = DO,
			[HULL_VM_STARTING] = RUNNING,
			[HULL_VM_RUNNING] = RUNNING,
			[HULL_VM_PAUSED] = REFUSED("running", "is paused", STOP_FIRST),
			[HULL_VM_STOPPING] = RUNNING,
			[HULL_VM_STOPPED] = DO,
			[HULL_VM_ERROR] = DO,
			[HULL_VM_DELETING] = DO,
		},
	[HULL_VERB_USE] =
		{
			[HULL_VM_CREATING] = NOT_RUNNING,
			[HULL_VM_CREATED] = NOT_RUNNING,
			[HULL_VM_STARTING] = STARTING,
			[HULL_VM_RUNNING] = DO,
			[HULL_VM_PAUSED] = PAUSED,
			[HULL_VM_STOPPING] = STOPPING,
			[HULL_VM_STOPPED] = NOT_RUNNING,
			[HULL_VM_ERROR] = NOT_RUNNING,
			[HULL_VM_DELETING] = DELETING,
		},
	[HULL_VERB_CONSOLE] =
		{
			[HULL_VM_CREATING] = NOT_RUNNING,
			[HULL_VM_CREATED] = NOT_RUNNING,
			[HULL_VM_STARTING] = DO,
			[HULL_VM_RUNNING] = DO,
			[HULL_VM_PAUSED] = DO,
			[HULL_VM_STOPPING] = DO,
			[HULL_VM_STOPPED] = NOT_RUNNING,
			[HULL_VM_ERROR] = NOT_RUNNING,
			[HULL_VM_DELETING] = DELETING,
		},
};

enum hull_ruling hull_states_rule(enum hull_vm_verb verb, enum hull_vm_state state,
				  const char *name, const char **ret_text, struct hull_error **err)
{
	const struct row *r = &rows[verb][state];

	if (r->ruling == HULL_RULING_SO_ALREADY)
		*ret_text = r->cause;
	if (r->ruling != HULL_RULING_REFUSED)
		return r->ruling;
	hull_fail_cause(err, HULL_E_STATE, r->cause, "VM '%s' %s", name, r->text);
	hull_hint(err, "%s", r->hint);
	return r->ruling;
}

bool hull_state_is_live(enum hull_vm_state state)
{
	return state == HULL_VM_STARTING || state == HULL_VM_RUNNING || state == HULL_VM_PAUSED ||
	       state == HULL_VM_STOPPING;
}
