/* SPDX-License-Identifier: Apache-2.0
 *
 * Look-ups in the text files that depmod writes: which modules an alias means, and which files a
 * module needs, in the order to load them.  Pure; bounded by what it is given.
 */
#ifndef HULL_BASE_MODDEP_H
#define HULL_BASE_MODDEP_H

#include "base/vec.h"

#include <stdbool.h>

#define HULL_MODDEP_NAME_MAX 256 /* with the NUL */

/* Texts of modules.alias, modules.dep and modules.softdep; NULL counts as empty. */
struct hull_moddep {
	const char *alias, *dep, *softdep;
};

/* Adds the files (paths relative to the version's directory) that @name needs, itself last, first
 * needed first, none twice.  @name is a module or an alias, "-" and "_" being the same in it.
 * Soft dependencies ("pre:") come before, as far as they exist.  0, -ENOENT or -ENOMEM. */
int hull_moddep_files(const struct hull_moddep *m, const char *name, struct hull_strv *ret_files);

/* The name of the module in a file: "kernel/fs/9p/9pnet-fd.ko.xz" is 9pnet_fd.  False if it has
 * none, or a longer one. */
bool hull_moddep_name(const char *path, size_t len, char ret[HULL_MODDEP_NAME_MAX]);

#endif
