/* SPDX-License-Identifier: Apache-2.0
 *
 * The store as users see it, see catalogue.h.
 */
#define _GNU_SOURCE
#include "vm/catalogue.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "vm/batch.h"
#include "vm/description.h"
#include "vm/dirs.h"
#include "vm/rundir.h"
#include "vm/states.h"

#include <string.h>
#include <unistd.h>

#define SETTLE_MS 2000

int hull_catalogue_open(uint64_t deadline_ns, struct hull_store **ret_store,
			struct hull_error **err)
{
	cleanup_free char *dir = NULL;

	if (hull_dirs_state("store", &dir, err) < 0)
		return -1;
	return hull_store_open(dir, deadline_ns, ret_store, err);
}

/* ---- making ---- */

/* A VM that can't be started should not be made.  Of a copy: what we fill in is of the day. */
static int check(const char *json, const char *id, const char *guest_dir, struct hull_error **err)
{
	cleanup_config struct hull_config c;
	cleanup_free char *dir = NULL;

	if (hull_config_from_json(json, strlen(json), &c, err) < 0 ||
	    hull_rundir_find(id, &dir, err) < 0)
		return -1;
	c.id = strdup(id);
	c.run_dir = steal_ptr(&dir);
	if (!c.id)
		return hull_fail_nomem(err);
	if (hull_description_complete(&c, guest_dir, err) < 0)
		return -1;
	return hull_config_validate(&c, err);
}

/* Whoever has the terminal or the descriptors that a device wants is gone when it starts. */
static int check_stays(const struct hull_config *c, struct hull_error **err)
{
	if (hull_device_stdio(c)) {
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "a VM that stays can't have the device virtio-serial,stdio: nobody's "
			  "standard streams are its");
		hull_hint(err, "let it log to a file, or have a terminal: virtio-serial,pty");
		return -1;
	}
	for (size_t i = 0; i < c->devices.n; i++) {
		if (c->devices.v[i].kind != HULL_DEVICE_NET || !c->devices.v[i].net.socket)
			continue;
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "devices[%zu].fd: a VM that stays can't have a descriptor of ours", i);
		hull_hint(err, "name a socket by its path");
		return -1;
	}
	return 0;
}

int hull_catalogue_create(struct hull_store *store, const struct hull_config *config,
			  const char *guest_dir, const char *name, const struct hull_labels *labels,
			  char ret_id[HULL_STORE_ID_LEN + 1], struct hull_error **err)
{
	cleanup_free char *json = NULL;
	struct hull_record r = {
		.name = (char *)name,
		.owner = (char *)"vm",
		.state = HULL_VM_CREATED,
		.cpus = config->cpus,
		.memory = config->memory_bytes,
		.backend = (char *)(uintptr_t)hull_backend_kind_names[config->backend],
		.agent = (char *)(uintptr_t)hull_agent_names[config->agent],
		.created_ns = hull_realtime_ns(),
		.labels = *labels,
	};

	if (check_stays(config, err) < 0 || hull_id_make(r.id, err) < 0 ||
	    hull_config_to_json(config, &json, err) < 0 || check(json, r.id, guest_dir, err) < 0)
		return -1;
	r.config = json;
	if (hull_store_add(store, &r, err) < 0)
		return -1;
	strcpy(ret_id, r.id);
	return 0;
}

/* ---- looking ---- */

bool hull_catalogue_lives(const struct hull_record *record, const char *boot)
{
	if (!record->monitor.pid) /* it is being started, or was when its starter died */
		return record->run_dir && hull_rundir_held(record->run_dir);
	return hull_process_lives(&record->monitor, boot);
}

bool hull_catalogue_has_died(const struct hull_record *record, const char *boot)
{
	return record->run_dir && !hull_catalogue_lives(record, boot);
}

static bool is_paused(const struct hull_record *r)
{
	cleanup_free char *mark = hull_path_join(r->run_dir, HULL_PAUSED_MARK);

	return mark && access(mark, F_OK) == 0;
}

/* Its record says what is not so, or what somebody has begun and perhaps not finished. */
static bool is_unsettled(const struct hull_record *r, const char *boot)
{
	return r->state == HULL_VM_DELETING || r->state == HULL_VM_STARTING ||
	       r->state == HULL_VM_STOPPING || hull_catalogue_has_died(r, boot) ||
	       (r->run_dir && is_paused(r) != (r->state == HULL_VM_PAUSED));
}

struct settling {
	struct hull_loop *loop;
	struct hull_error *trouble; /* the first */
};

static void on_settled(void *ctx, size_t index, const struct hull_task_outcome *outcome)
{
	struct settling *s = ctx;

	if (outcome->error && !s->trouble && hull_error_code(outcome->error) != HULL_E_NOT_FOUND)
		hull_fail_copy(&s->trouble, outcome->error);
}

static void on_all(void *ctx)
{
	struct settling *s = ctx;

	hull_loop_quit(s->loop, 0);
}

static int settle(struct hull_store *store, struct hull_loop *loop, const struct hull_strv *ids,
		  uint64_t deadline_ns, struct hull_error **ret_trouble, struct hull_error **err)
{
	static const struct hull_batch_ops ops = {.done = on_settled, .all = on_all};
	struct settling s = {.loop = loop};
	struct hull_task_options o = {.kind = HULL_TASK_SETTLE,
				      .deadline_ns = MIN(deadline_ns, hull_deadline_ms(SETTLE_MS))};
	struct hull_batch *batch;
	int r;

	if (hull_batch_new(loop, store, ids, &o, &ops, &s, &batch, err) < 0)
		return -1;
	r = hull_loop_run(loop);
	hull_batch_free(batch);
	if (s.trouble)
		hull_prefix(&s.trouble, "what has become of VMs could not be recorded");
	(void)hull_error_move(ret_trouble, &s.trouble);
	return r < 0 ? hull_fail_errno(err, -r, "event loop") : 0;
}

/* What is not recorded is not hidden. */
static int tell_unrecorded(struct hull_records *list, const char *boot, struct hull_error **err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct hull_record *r = &list->v[i];

		if (!hull_catalogue_has_died(r, boot))
			continue;
		free(r->reason);
		r->reason = strdup("not-recorded");
		r->state = HULL_VM_ERROR;
		if (!r->reason)
			return hull_fail_nomem(err);
	}
	return 0;
}

int hull_catalogue_list(struct hull_store *store, struct hull_loop *loop, uint64_t deadline_ns,
			struct hull_records *ret_records, struct hull_error **ret_trouble,
			struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	cleanup_strv struct hull_strv dead = {0};
	char boot[37] = "";

	if (hull_store_list(store, &list, err) < 0)
		return -1;
	(void)hull_boot_id(boot);
	for (size_t i = 0; i < list.n; i++)
		if (is_unsettled(&list.v[i], boot) && hull_strv_add(&dead, list.v[i].id) < 0)
			return hull_fail_nomem(err);
	if (dead.n) {
		hull_records_fini(&list);
		if (settle(store, loop, &dead, deadline_ns, ret_trouble, err) < 0 ||
		    hull_store_list(store, &list, err) < 0)
			return -1;
		if (*ret_trouble && tell_unrecorded(&list, boot, err) < 0)
			return -1;
	}
	*ret_records = list;
	list = (struct hull_records){0};
	return 0;
}

int hull_catalogue_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
			uint64_t deadline_ns, struct hull_record *ret_record,
			struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	cleanup_strv struct hull_strv dead = {0};
	cleanup_error struct hull_error *trouble = NULL;
	char boot[37] = "", id[HULL_STORE_ID_LEN + 1];

	if (hull_store_find(store, ref, &r, err) < 0)
		return -1;
	(void)hull_boot_id(boot);
	if (is_unsettled(&r, boot)) {
		strcpy(id, r.id);
		hull_record_fini(&r);
		if (hull_strv_add(&dead, id) < 0)
			return hull_fail_nomem(err);
		if (settle(store, loop, &dead, deadline_ns, &trouble, err) < 0)
			return -1;
		if (trouble)
			return hull_error_move(err, &trouble);
		if (hull_store_find(store, id, &r, err) < 0)
			return -1;
	}
	*ret_record = r;
	r = (struct hull_record){0};
	return 0;
}
