/* SPDX-License-Identifier: Apache-2.0
 *
 * Linux capabilities as people write them, and what is left of them for a program: a base, what is
 * added to it, what is dropped.  A user's own are all for root, none for others; what nobody
 * dropped can still be gained, by set-user-ID programs for example.  And those of a process.
 */
#ifndef HULL_BASE_CAPS_H
#define HULL_BASE_CAPS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum hull_caps_base {
	HULL_CAPS_BASE_USER, /* those of the user */
	HULL_CAPS_BASE_ALL,
	HULL_CAPS_BASE_NONE, /* all are dropped */
	HULL_CAPS_BASE_COUNT,
};

/* Bit N stands for capability N; no bit is in both.  All zero: as if there were none of this. */
struct hull_caps {
	enum hull_caps_base base;
	uint64_t add, drop;
};

/* By number, without "cap_"; ended by NULL. */
extern const char *const hull_cap_names[];
/* "net_raw", or "41" for one that has no name here; @buf is used for those. */
const char *hull_cap_name(unsigned int cap, char buf[4]);

/* Applies "WORD,WORD,..." to @caps, left to right: "all", "none", NAME or +NAME (add), -NAME
 * (drop). With a @sign, '+' or '-', it is that of every word, and none has its own; 0: as written.
 * @caps is left as it was on failure. */
int hull_caps_edit(struct hull_caps *caps, const char *list, char sign, struct hull_error **err);

/* This process has exactly these, permitted and effective, and those inheritable: 0 or -errno.  One
 * system call, and so good between fork and exec. */
int hull_caps_set(uint64_t caps, uint64_t inheritable);
/* The same with @caps for both, and an ordinary user keeps them over an exec. */
int hull_caps_keep(uint64_t caps);
/* What it has. */
int hull_caps_get(uint64_t *ret_permitted, uint64_t *ret_inheritable);

bool hull_caps_is_set(const struct hull_caps *caps);
/* What may be had at all, now or later. */
uint64_t hull_caps_bound(const struct hull_caps *caps);
/* What a program of the user's begins with. */
uint64_t hull_caps_initial(const struct hull_caps *caps, bool root);

#endif
