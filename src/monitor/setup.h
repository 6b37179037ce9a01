/* SPDX-License-Identifier: Apache-2.0
 *
 * The Setup request while it is being filled: guest.c makes it, root.c adds what the guest's root
 * is made of.
 */
#ifndef HULL_MONITOR_SETUP_H
#define HULL_MONITOR_SETUP_H

#include "agent.pb-c.h"
#include "base/error.h"
#include "base/vec.h"
#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

#define HULL_SETUP_MOUNTS_MAX 1024 /* what the agent takes */
#define HULL_SETUP_STAGES_MAX 12
#define HULL_SETUP_SEALED_MAX 32
#define HULL_SETUP_OPTIONS_MAX 4

struct hull_monitor;

/* Everything a request points to. */
struct hull_setup {
	Hull__Agent__V1__SetupRequest rq;
	Hull__Agent__V1__Coldplug coldplug;
	char *stages[HULL_SETUP_STAGES_MAX];
	Hull__Agent__V1__MountEntry mounts[HULL_SETUP_MOUNTS_MAX], binds[HULL_CONFIG_MAX_SHARES];
	Hull__Agent__V1__MountEntry *mount_list[HULL_SETUP_MOUNTS_MAX],
		*bind_list[HULL_CONFIG_MAX_SHARES];
	char *options[HULL_SETUP_MOUNTS_MAX + HULL_CONFIG_MAX_SHARES][HULL_SETUP_OPTIONS_MAX];
	size_t n_entries;
	char *sealed[HULL_SETUP_SEALED_MAX];
	struct hull_strv strings; /* those that are made here */
	bool full;		  /* more mounts than there is room for */
	uint8_t entropy[64];
};

/* ---- guest.c ---- */
/* A string that the request owns; "" without memory, which strings.failed tells. */
char *hull_setup_text(struct hull_setup *s, const char *fmt, ...) HULL_PRINTF(2, 3);
void hull_setup_stage(struct hull_setup *s, const char *name);
/* Options: up to four words, the first NULL ends them.  The strings are borrowed. */
void hull_setup_mount(struct hull_setup *s, const char *type, const char *source,
		      const char *target, const char *const options[HULL_SETUP_OPTIONS_MAX]);
/* The same for what comes on top of the root. */
void hull_setup_bind(struct hull_setup *s, const char *type, const char *source, const char *target,
		     const char *const options[HULL_SETUP_OPTIONS_MAX]);

/* ---- root.c ---- */
/* The root and the shares. */
void hull_setup_root(struct hull_setup *s, const struct hull_monitor *m);

#endif
