/* SPDX-License-Identifier: Apache-2.0
 *
 * What the handle of a description holds, and what the files of this directory do for each other.
 * Every public function locks the handle once, and calls with it only what does not.
 */
#ifndef HULL_LIB_HANDLE_H
#define HULL_LIB_HANDLE_H

#include "base/cleanup.h"
#include "base/vec.h"
#include "config/vfkit.h"

#include <hull/config.h>
#include <pthread.h>

struct hull_vm_config {
	pthread_mutex_t lock; /* of all that follows */
	struct hull_vfkit vm;
	/* What hull's dialect says besides: its JSON without the members that vm stands for.
	 * NULL: it was not read from there. */
	char *own;
	struct hull_strv notes;
};

static inline struct hull_vm_config *hull_lib_lock(struct hull_vm_config *config)
{
	pthread_mutex_lock(&config->lock);
	return config;
}

static inline void hull_lib_unlockp(struct hull_vm_config **config)
{
	pthread_mutex_unlock(&(*config)->lock);
}

/* struct hull_vm_config *c, locked until it goes out of scope. */
#define HULL_LIB_LOCKED(c, config) \
	cleanup_with(hull_lib_unlockp) struct hull_vm_config *c = hull_lib_lock(config)

static inline void hull_lib_config_freep(struct hull_vm_config **config)
{
	hull_vm_config_free(*config);
}
#define cleanup_vm_config cleanup_with(hull_lib_config_freep)

/* NULL and "" are the same to callers. */
static inline const char *hull_lib_text(const char *s)
{
	return s ? s : "";
}

/* Empty; NULL without memory. */
struct hull_vm_config *hull_lib_config_new(void);
int hull_lib_push(struct hull_vm_config *c, struct hull_device *dev, struct hull_error **err);

/* For a function's @flags and a dialect; fails if a flag is not known. */
int hull_lib_hooks(uint32_t flags, uint32_t dialect, struct hull_vfkit_hooks *ret,
		   struct hull_error **err);

struct hull_config;
struct hull_json;

/* hull's own dialect: into an empty handle, and out. */
int hull_lib_own_read(struct hull_vm_config *c, const char *text, size_t len,
		      struct hull_error **err);
int hull_lib_own_write(const struct hull_vm_config *c, char **ret_text, struct hull_error **err);
/* Not read again yet. */
int hull_lib_own_object(const struct hull_vm_config *c, struct hull_json **ret,
			struct hull_error **err);
/* Into an initialised config; @ret_text may be NULL. */
int hull_lib_own_make(const struct hull_vm_config *c, struct hull_config *config, char **ret_text,
		      struct hull_error **err);
/* Appends to the list @key of an object, which is made if there is none.  Takes @item, also on
 * failure; 0 or -ENOMEM, as if it is NULL. */
int hull_lib_append(struct hull_json *json, const char *key, struct hull_json *item);
int hull_lib_own_parse(struct hull_vm_config *c, const char *const *args, size_t n, uint32_t flags,
		       struct hull_error **err);
int hull_lib_own_render(const struct hull_vm_config *c, struct hull_strv *args,
			struct hull_error **err);

/* The arguments in @dialect. */
int hull_lib_render(const struct hull_vm_config *c, uint32_t dialect, struct hull_strv *args,
		    struct hull_error **err);
/* A list in one piece of memory, ended by NULL. */
int hull_lib_pack(const struct hull_strv *list, char ***ret, struct hull_error **err);

#endif
