/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of this user on this host.  Later ones replace earlier ones:
 *
 *   what is built in -> hull.conf of the host -> conf.d/NAME.conf there, by name -> hull.conf of
 * the user -> variables
 *
 * Where the first two are HULL_HOME says; with it there are none of the user's.  Root reads only
 * what nobody else can write, since settings say which programs it starts: of the host's files
 * others are refused, and a user's own directory is passed over.
 */
#ifndef HULL_VM_HULLCONF_H
#define HULL_VM_HULLCONF_H

#include "config/settings.h"

#define HULL_CONF_FILES_MAX 256 /* in conf.d */

/* Initialises *ret, which is to be finished on failure too.  @problems, unless NULL, gets all that
 * is wrong, a line each, and the error only a lack of memory. */
int hull_settings_load(struct hull_settings *ret, struct hull_strv *problems,
		       struct hull_error **err);

#endif
