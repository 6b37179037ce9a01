/* SPDX-License-Identifier: Apache-2.0
 *
 * What an instance holds, for the files behind hull/instance.h: instance-setup.c describes it,
 * instance.c runs it.
 *
 *   NEW -> STARTING -> RUNNING -> DOWN        also NEW -> DOWN
 *              '-----> FAILED --> DOWN
 */
#ifndef HULL_LIB_INSTANCE_H
#define HULL_LIB_INSTANCE_H

#include "lib/client.h"
#include "vm/vm.h"

#include <hull/instance.h>
#include <pthread.h>

enum hull_lib_instance_state {
	HULL_LIB_INSTANCE_NEW,
	HULL_LIB_INSTANCE_STARTING,
	HULL_LIB_INSTANCE_RUNNING,
	HULL_LIB_INSTANCE_FAILED,
	HULL_LIB_INSTANCE_DOWN,
};

struct hull_manager {
	struct hull_settings settings; /* as they were when it was made */
};

/* Shows what the console says, in a thread of its own. */
struct hull_lib_console {
	void (*fn)(void *context, const char *data, size_t len);
	void *context;
	int fd; /* owned */
	pthread_t thread;
	bool running;
};

struct hull_instance {
	pthread_mutex_t lock;	/* of all that follows but the client */
	pthread_cond_t settled; /* it is not starting any more */
	enum hull_lib_instance_state state;
	const struct hull_manager *manager;
	int lock_fd; /* of the state directory, held */
	struct hull_config config;
	struct hull_lib_turns turns;
	struct hull_vm *vm;
	struct hull_cancel *abort;  /* said by a shutdown, for who waits for the loop */
	struct hull_error *failure; /* of the start */
	bool ready, ended;
	char *reason; /* how it ended; NULL: not yet */
	struct hull_lib_console console;
	struct hull_client client; /* has a lock of its own */
};

static inline struct hull_instance *hull_lib_instance_lock(struct hull_instance *instance)
{
	pthread_mutex_lock(&instance->lock);
	return instance;
}

static inline void hull_lib_instance_unlockp(struct hull_instance **instance)
{
	pthread_mutex_unlock(&(*instance)->lock);
}

/* struct hull_instance *i, locked until it goes out of scope. */
#define HULL_LIB_INSTANCE_LOCKED(i, instance)                             \
	cleanup_with(hull_lib_instance_unlockp) struct hull_instance *i = \
		hull_lib_instance_lock(instance)

/* Of one that is locked.  -1: not in its state. */
int hull_lib_instance_refuse(const struct hull_instance *i, struct hull_error **err);
/* 0, or the same where it is in another. */
int hull_lib_instance_check(const struct hull_instance *i, enum hull_lib_instance_state wanted,
			    struct hull_error **err);
/* The kernel's command line, and with it the agent's. */
int hull_lib_instance_args(struct hull_instance *i, const char *const *args, size_t n,
			   struct hull_error **err);

/* Connects to stream @id of the VM behind @vsock, see hull_instance_start_stream(). */
int hull_lib_dial(const char *vsock, const char *id, const struct hull_call_options *options,
		  int *ret_fd, struct hull_error **err);

/* The thread.  Its end waits until all has been shown. */
int hull_lib_console_start(struct hull_lib_console *console, const char *path,
			   struct hull_error **err);
/* Whether we are called by what it calls. */
bool hull_lib_console_is_us(const struct hull_lib_console *console);
void hull_lib_console_end(struct hull_lib_console *console);

#endif
