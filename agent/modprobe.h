/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's program in its other role: what the kernel runs (kernel.modprobe) when it misses a
 * module.  The modules image is a disk that nothing touches until then, so a guest that needs none
 * of it pays nothing for it.
 */
#ifndef HULL_AGENT_MODPROBE_H
#define HULL_AGENT_MODPROBE_H

/* Tells the kernel whom to call.  A link at its usual place, /sbin/modprobe, would be cheaper, but
 * the kernel asks for modules while it boots, too, and would get them at 0.1 s each. */
void hull_modprobe_register(void);
/* From now on modules come from @dir, as PID 1 sees it, and not from the image. */
int hull_modprobe_from(const char *dir);
/* "-q -- NAME", as the kernel calls it; returns the exit status. */
int hull_modprobe_main(int argc, char **argv);

#endif
