/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the CPU has what the description switches on, and lacks what it switches off.  QEMU
 * refuses names that it does not know, but goes on where the accelerator or the host has no such
 * thing: so it is asked before the guest runs.
 */
#ifndef HULL_BACKEND_QEMU_FEATURES_H
#define HULL_BACKEND_QEMU_FEATURES_H

#include "base/error.h"
#include "config/config.h"
#include "proto/qmp.h"

#include <stdbool.h>
#include <stddef.h>

struct hull_qemu_features {
	const struct hull_config *config;
	struct hull_qmp *qmp;
	/* Takes the error; NULL: all is well. */
	void (*done)(void *ctx, struct hull_error *error);
	void *ctx;
	size_t asked, answered; /* of config->cpu_features */
	struct hull_error *error;
};

/* Fills in @f, which must live until @done has been called: once, when @f->qmp is freed at the
 * latest.  The description must have features. */
int hull_qemu_features_check(struct hull_qemu_features *f, const struct hull_config *config,
			     struct hull_qmp *qmp,
			     void (*done)(void *ctx, struct hull_error *error), void *ctx,
			     struct hull_error **err);
/* QEMU has given up with these last words: -1 with an error if it was for one of the features. */
int hull_qemu_features_explain(const struct hull_config *config, const char *said,
			       struct hull_error **err);

#endif
