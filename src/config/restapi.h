/* SPDX-License-Identifier: Apache-2.0
 *
 * What vfkit's REST service says and is told: states of a VM, what may be asked in which, and the
 * texts of both.  Pure.
 */
#ifndef HULL_CONFIG_RESTAPI_H
#define HULL_CONFIG_RESTAPI_H

#include "config/config.h"

#include <stddef.h>

enum hull_rest_state {
	HULL_REST_STOPPED,
	HULL_REST_RUNNING,
	HULL_REST_PAUSED,
	HULL_REST_ERROR,
	HULL_REST_STARTING,
	HULL_REST_PAUSING,
	HULL_REST_RESUMING,
	HULL_REST_STOPPING,
};

/* Bits: what is possible in a state. */
#define HULL_REST_CAN_START (1u << 0)
#define HULL_REST_CAN_PAUSE (1u << 1)
#define HULL_REST_CAN_RESUME (1u << 2)
#define HULL_REST_CAN_STOP (1u << 3) /* the guest can be asked */
#define HULL_REST_CAN_HARD_STOP (1u << 4)

unsigned int hull_rest_possible(enum hull_rest_state state);
/* "VirtualMachineStateRunning" */
const char *hull_rest_state_name(enum hull_rest_state state);
/* The bit that a word such as "Pause" asks for; 0 if it is none.  Nobody can ask for a start. */
unsigned int hull_rest_action(const char *word);

/* Bodies of answers; NULL without memory.  The caller frees. */
char *hull_rest_state_body(enum hull_rest_state state, unsigned int possible);
char *hull_rest_error_body(const char *message);
/* The VM as vfkit's JSON describes it.  Left out is what vfkit has no words for: scratch disks, the
 * host's own directories as the root. */
char *hull_rest_inspect_body(const struct hull_config *config);

/* The state that a request's body asks for: *ret_word is owned by the caller, NULL if the body says
 * none.  Fails if it is no JSON object, or the state no text.  What follows the object is ignored,
 * as are other members and the case of the member's name. */
int hull_rest_read_state(const char *body, size_t len, char **ret_word, struct hull_error **err);

#endif
