/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be done with the devices of a guest that runs, and with the memory of one that is held:
 * operations of the backend's, and the arguments of QEMU's commands for them, which are NULL
 * without memory.
 */
#ifndef HULL_BACKEND_QEMU_OPERATE_H
#define HULL_BACKEND_QEMU_OPERATE_H

#include "backend/backend.h"
#include "base/json.h"

int hull_qemu_screenshot(struct hull_inst *inst, size_t device, int fd, hull_inst_done_fn done,
			 void *ctx, struct hull_error **err);
int hull_qemu_send_keys(struct hull_inst *inst, const char *const *keys, uint64_t hold_ms,
			hull_inst_done_fn done, void *ctx, struct hull_error **err);
int hull_qemu_point(struct hull_inst *inst, const struct hull_pointer *what, hull_inst_done_fn done,
		    void *ctx, struct hull_error **err);
int hull_qemu_balloon(struct hull_inst *inst, uint64_t bytes, hull_inst_done_fn done, void *ctx,
		      struct hull_error **err);
int hull_qemu_dump(struct hull_inst *inst, hull_inst_done_fn done, void *ctx,
		   struct hull_error **err);

int hull_qemu_stats(struct hull_inst *inst, hull_inst_stats_fn done, void *ctx,
		    struct hull_error **err);

/* The answer of "query-blockstats", added up. */
void hull_qemu_read_blockstats(const struct hull_json *answer, struct hull_inst_stats *ret);
/* "add-fd", "remove-fd" */
struct hull_json *hull_qemu_args_set(uint64_t set);
/* "screendump" of devices[@device] into set @set. */
struct hull_json *hull_qemu_args_screendump(size_t device, uint64_t set);
/* "send-key" */
struct hull_json *hull_qemu_args_send_key(const char *const *keys, uint64_t hold_ms);
/* "input-send-event" */
struct hull_json *hull_qemu_args_point(const struct hull_pointer *what);
/* "set-action" for a guest that reboots: "reset" or "shutdown" */
struct hull_json *hull_qemu_args_reboot(const char *action);
/* "getfd" */
struct hull_json *hull_qemu_args_getfd(const char *name);
/* "display-update": VNC at the descriptor of that name */
struct hull_json *hull_qemu_args_display(const char *name);
/* "balloon" */
struct hull_json *hull_qemu_args_balloon(uint64_t bytes);

#endif
