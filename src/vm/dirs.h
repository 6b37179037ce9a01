/* SPDX-License-Identifier: Apache-2.0
 *
 * Where things live: the run directory of this user, settings, the guest's artefacts.
 * HULL_HOME moves every directory of state beneath one root.
 */
#ifndef HULL_VM_DIRS_H
#define HULL_VM_DIRS_H

#include "base/error.h"
#include "config/config.h"

/* A hint. */
#define HULL_DIRS_NO_ROOM "make room there, or set HULL_HOME to a directory that has some"

/* As below, but nothing is made and nothing is looked at. */
int hull_dirs_find_run(char **ret_path, struct hull_error **err);
/* $HULL_HOME/run, /run/hull for root, else $XDG_RUNTIME_DIR/hull or /tmp/hull-$UID; made with mode
 * 0700 and refused if it is somebody else's.  The caller frees. */
int hull_dirs_run(char **ret_path, struct hull_error **err);
/* Where what outlives VMs is kept: @name beneath $HULL_HOME/state, /var/lib/hull for root, else
 * $XDG_DATA_HOME/hull or ~/.local/share/hull; made with mode 0700.  The caller frees. */
int hull_dirs_state(const char *name, char **ret_path, struct hull_error **err);
/* The same, but nothing is made. */
int hull_dirs_find_state(const char *name, char **ret_path, struct hull_error **err);
/* Where logs are kept: $HULL_HOME/log, /var/log/hull for root, else $XDG_STATE_HOME/hull/log or
 * ~/.local/state/hull/log.  Nothing is made.  NULL without memory; the caller frees. */
char *hull_dirs_find_log(void);
/* Where settings are: the host's, in $HULL_HOME/etc or /etc/hull; and the user's, in
 * $XDG_CONFIG_HOME/hull or ~/.config/hull, NULL with HULL_HOME or where there is no home.  Nothing
 * is made and nothing is looked at.  The caller frees both. */
int hull_dirs_settings(char **ret_system, char **ret_user, struct hull_error **err);
/* Path of a guest artefact ("vmlinux"): in @guest_dir; where that is NULL, in guest/ beside this
 * program, else the installed one. */
int hull_dirs_guest(const char *guest_dir, const char *name, char **ret_path,
		    struct hull_error **err);

/* What hull's own guests of an architecture boot from. */
enum hull_artefact { HULL_ARTEFACT_KERNEL, HULL_ARTEFACT_INITRD, HULL_ARTEFACT_MODULES };
#define HULL_ARTEFACTS 3
int hull_dirs_artefact(const char *guest_dir, enum hull_arch arch, enum hull_artefact which,
		       char **ret_path, struct hull_error **err);

#endif
