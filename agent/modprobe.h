/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's program in its other role: what the kernel runs (kernel.modprobe) when it misses a
 * module.  The modules image is a disk that nothing touches until then, so a guest that needs none
 * of it pays nothing for it.
 */
#ifndef HULL_AGENT_MODPROBE_H
#define HULL_AGENT_MODPROBE_H

#include "base/strbuf.h"

/* Where modules are found, and what depmod wrote about them. */
struct hull_modprobe {
	struct hull_strbuf dir, alias, dep, softdep;
};

/* Tells the kernel whom to call.  A link at its usual place, /sbin/modprobe, would be cheaper, but
 * the kernel asks for modules while it boots, too, and would get them at 0.1 s each. */
void hull_modprobe_register(void);
/* From now on modules come from @dir, as PID 1 sees it, and not from the image. */
int hull_modprobe_from(const char *dir);
/* Into zeroed memory.  Moves the process into a mount namespace of its own, so it is for children
 * of the agent; nothing is to be freed.  0 or -errno. */
int hull_modprobe_open(struct hull_modprobe *ret);
/* A module, or all that an alias means, with what they need.  How many the kernel did not have yet,
 * or -errno: -ENOENT where nothing is known by that name. */
int hull_modprobe_load(const struct hull_modprobe *m, const char *name);
/* "-q -- NAME", as the kernel calls it; returns the exit status. */
int hull_modprobe_main(int argc, char **argv);

#endif
