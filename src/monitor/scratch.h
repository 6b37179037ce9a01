/* SPDX-License-Identifier: Apache-2.0
 *
 * A throwaway disk: a nameless file with an empty ext4, made by mkfs.ext4 as a child.
 */
#ifndef HULL_MONITOR_SCRATCH_H
#define HULL_MONITOR_SCRATCH_H

#include "base/loop.h"

#include <stdint.h>

struct hull_scratch;

#define HULL_SCRATCH_DIR "/var/tmp"
/* Path of mkfs.ext4, NULL if it is missing. */
const char *hull_scratch_mkfs(void);
/* @done is called once, with an error or without; then hull_scratch_path() opens the disk for as
 * long as this lives. */
int hull_scratch_new(struct hull_loop *loop, const char *dir, uint64_t bytes,
		     void (*done)(void *ctx, const struct hull_error *error), void *ctx,
		     struct hull_scratch **ret, struct hull_error **err);
const char *hull_scratch_path(const struct hull_scratch *s);
/* Kills a running mkfs.  NULL is fine. */
void hull_scratch_free(struct hull_scratch *s);

#endif
