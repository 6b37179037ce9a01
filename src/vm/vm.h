/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM of ours from start to end: makes its run directory, spawns its monitor, hands over the
 * description, waits for readiness and for the end.  Everything happens on the caller's loop.
 *
 *   hull_vm_start -> ops.ready(NULL) -> [exec ...] -> hull_vm_stop -> ops.ended -> hull_vm_free
 *                 '-> ops.ready(error) ---------------------------------^
 */
#ifndef HULL_VM_VM_H
#define HULL_VM_VM_H

#include "base/loop.h"
#include "base/timeline.h"
#include "config/config.h"

struct hull_vm;

struct hull_vm_end {
	const char
		*reason; /* as in exit.json: shutdown, reboot, panic, killed, monitor-died, ... */
	const char *message; /* for people */
	const char *hint;    /* "": none */
	int code;	     /* HULL_E_... */
};

struct hull_vm_ops {
	/* Its console and debugger's sockets have been made; a guest that is held for a debugger
	 * waits.  NULL: nobody asks. */
	void (*listening)(void *ctx);
	/* The VM answers (agent none: its hypervisor runs), or could not be started. */
	void (*ready)(void *ctx, const struct hull_error *error);
	/* Once, after everything of the VM is gone: processes, sockets, directory. */
	void (*ended)(void *ctx, const struct hull_vm_end *end);
	/* The monitor is to be no child of ours and to leave our standard error alone, even where
	 * it is tied; a detached one never is. */
	bool no_child;
};

/* Fills in run_dir, the id unless it has one, and what else is ours to choose.  With config->tied
 * the VM ends when this process does, whatever happens; else it outlives it once ready. */
int hull_vm_start(struct hull_loop *loop, struct hull_config *config, const struct hull_vm_ops *ops,
		  void *ctx, struct hull_vm **ret_vm, struct hull_error **err);
/* Kills at once (0), or powers off and kills when @timeout_ms has passed. */
void hull_vm_stop(struct hull_vm *vm, uint64_t timeout_ms);
/* As stop(vm, 0), for a caller whose deadline has passed: a monitor that does not follow at once is
 * killed, and everything of the VM with it. */
void hull_vm_kill(struct hull_vm *vm);
/* A detached VM lives on.  A tied one that has not ended yet is killed first (bounded wait). */
void hull_vm_free(struct hull_vm *vm);

/* What the start was made of, once ready: phases from the monitor's being asked to that. */
const struct hull_timeline *hull_vm_timeline(const struct hull_vm *vm);

/* Once ready: what is not as it should be, for people. */
const struct hull_strv *hull_vm_notes(const struct hull_vm *vm);

const char *hull_vm_id(const struct hull_vm *vm); /* 32 hex digits */
const char *hull_vm_dir(const struct hull_vm *vm);
const char *hull_vm_vsock(const struct hull_vm *vm);   /* path of vsock.sock */
const char *hull_vm_console(const struct hull_vm *vm); /* path of console.sock */
/* Path of the socket of devices[index], a console that has the starter's streams; NULL without
 * memory.  The caller frees it. */
char *hull_vm_serial(const struct hull_vm *vm, size_t index);

#endif
