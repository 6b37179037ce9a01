/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of a kernel's modules its guest needs before it can get at any others: by stages, as the
 * agent loads them.  Pure: made of the texts that depmod writes.
 */
#ifndef HULL_BOOT_STAGES_H
#define HULL_BOOT_STAGES_H

#include "base/error.h"
#include "base/moddep.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "config/config.h"

struct hull_stages {
	struct hull_strbuf manifest; /* lines "stage module", in the order to load them */
	struct hull_strv files;	     /* the modules' files, as in modules.dep */
	enum hull_machine machine;   /* AUTO: whichever */
};

/* What @config makes necessary of what is in @texts or, by @builtin (the text of modules.builtin),
 * in the kernel.  The error names all that is in neither. */
int hull_stages_plan(const struct hull_config *config, const struct hull_moddep *texts,
		     const char *builtin, struct hull_stages *ret, struct hull_error **err);
void hull_stages_fini(struct hull_stages *s);
#define cleanup_stages __attribute__((cleanup(hull_stages_fini)))

#endif
