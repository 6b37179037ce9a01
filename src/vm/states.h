/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verb means to a VM in each state: it is done, or is so already, or is refused by name.
 * A table and nothing else.
 */
#ifndef HULL_VM_STATES_H
#define HULL_VM_STATES_H

#include "store/records.h"

enum hull_vm_verb {
	HULL_VERB_START,
	HULL_VERB_STOP, /* and kill */
	HULL_VERB_PAUSE,
	HULL_VERB_RESUME,
	HULL_VERB_REMOVE,  /* without force */
	HULL_VERB_USE,	   /* exec, cp: of what runs */
	HULL_VERB_CONSOLE, /* of what lives */
	HULL_VERBS
};

enum hull_ruling { HULL_RULING_DO, HULL_RULING_SO_ALREADY, HULL_RULING_REFUSED };

/* @ret_text: where it is so already, what is; else untouched.  Refusals are errors STATE, with a
 * cause (not-running, paused, ...) and a hint, about @name. */
enum hull_ruling hull_states_rule(enum hull_vm_verb verb, enum hull_vm_state state,
				  const char *name, const char **ret_text, struct hull_error **err);

/* One that a monitor stands for, if nothing went wrong since. */
bool hull_state_is_live(enum hull_vm_state state);

#endif
