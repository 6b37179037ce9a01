/* SPDX-License-Identifier: Apache-2.0
 *
 * Records, events and labels as callers see them: a struct and all that it points to in one piece
 * of memory, which is measured first and filled then, by the same walk.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "vm/catalogue.h"

#include <assert.h>
#include <string.h>

static_assert(HULL_VM_STATE_CREATING == (int)HULL_VM_CREATING &&
		      HULL_VM_STATE_RUNNING == (int)HULL_VM_RUNNING &&
		      HULL_VM_STATE_DELETING == (int)HULL_VM_DELETING &&
		      HULL_VM_STATE_DELETING + 1 == (int)HULL_VM_STATES,
	      "states are the same inside and outside");

const char *hull_vm_state_name(uint32_t state)
{
	return state < HULL_VM_STATES ? hull_vm_state_names[state] : NULL;
}

/* Where the next part goes.  While @at is NULL parts are only measured. */
struct piece {
	char *at;
	size_t size;
};

static void *take(struct piece *p, size_t size, size_t align)
{
	size_t pad = -p->size & (align - 1);
	char *part = p->at ? p->at + pad : NULL;

	p->size += pad + size;
	if (part)
		p->at = part + size;
	return part;
}
#define TAKE(p, type, n) ((type *)take(p, (n) * sizeof(type), _Alignof(type)))

static const char *put(struct piece *p, const char *s)
{
	size_t size = s ? strlen(s) + 1 : 0;
	char *copy = size ? take(p, size, 1) : NULL;

	return copy ? memcpy(copy, s, size) : NULL;
}

/* ---- VMs ---- */

static void put_labels(struct piece *p, const struct hull_labels *labels, struct hull_vm_info *info)
{
	struct hull_vm_label *v = TAKE(p, struct hull_vm_label, labels->n);

	for (size_t i = 0; i < labels->n; i++) {
		struct hull_vm_label l = {put(p, labels->v[i].key), put(p, labels->v[i].value)};

		if (v)
			v[i] = l;
	}
	info->labels = v;
	info->n_labels = labels->n;
}

static struct hull_vm_info *put_info(struct piece *p, const struct hull_record *r)
{
	struct hull_vm_info *place = TAKE(p, struct hull_vm_info, 1);
	struct hull_vm_info info = {
		.size = sizeof(info),
		.id = put(p, r->id),
		.name = put(p, r->name),
		.state = r->state,
		.code = r->code && *r->code ? (uint32_t)hull_code_from_name(r->code) : 0,
		.vcpus = r->cpus,
		.memory_bytes = r->memory,
		.backend = put(p, r->backend),
		.agent = put(p, r->agent),
		.run_dir = put(p, r->run_dir),
		.monitor_pid = r->monitor.pid,
		.created_ns = r->created_ns,
		.updated_ns = r->updated_ns,
		.started_ns = r->started_ns,
		.stopped_ns = r->stopped_ns,
		.reason = put(p, r->reason ? r->reason : ""),
		.cause = put(p, r->cause ? r->cause : ""),
		.message = put(p, r->message ? r->message : ""),
		.hint = put(p, r->hint ? r->hint : ""),
		.config = put(p, r->config),
	};

	put_labels(p, &r->labels, &info);
	if (place)
		*place = info;
	return place;
}

struct hull_vm_info *hull_lib_info(const struct hull_record *record)
{
	struct piece p = {0};
	char *memory;

	(void)put_info(&p, record);
	memory = malloc(p.size);
	if (!memory)
		return NULL;
	p = (struct piece){.at = memory};
	return put_info(&p, record);
}

static struct hull_vm_info **put_infos(struct piece *p, const struct hull_records *records)
{
	struct hull_vm_info **v = TAKE(p, struct hull_vm_info *, records->n + 1);

	for (size_t i = 0; i < records->n; i++) {
		struct hull_vm_info *info = put_info(p, &records->v[i]);

		if (v)
			v[i] = info;
	}
	if (v)
		v[records->n] = NULL;
	return v;
}

int hull_lib_infos(const struct hull_records *records, struct hull_vm_info ***ret,
		   struct hull_error **err)
{
	struct piece p = {0};
	char *memory;

	(void)put_infos(&p, records);
	memory = malloc(p.size);
	if (!memory)
		return hull_fail_nomem(err);
	p = (struct piece){.at = memory};
	*ret = put_infos(&p, records);
	return 0;
}

/* ---- labels ---- */

int hull_lib_labels(const struct hull_vm_label *labels, size_t n, bool removes,
		    struct hull_labels *ret, struct hull_error **err)
{
	for (size_t i = 0; i < n; i++) {
		const char *key = labels[i].key;

		if (!key || !*key || (!labels[i].value && !removes))
			return hull_fail(err, HULL_E_INVALID, "labels[%zu]: it has no %s", i,
					 key && *key ? "value" : "key");
		if (hull_labels_add(ret, key, labels[i].value) < 0)
			return hull_fail_nomem(err);
	}
	return 0;
}

/* ---- events ---- */

static struct hull_vm_event *put_events(struct piece *p, const struct hull_events *events)
{
	struct hull_vm_event *v = TAKE(p, struct hull_vm_event, events->n);

	for (size_t i = 0; i < events->n; i++) {
		const struct hull_event *e = &events->v[i];
		struct hull_vm_event event = {
			.seq = e->seq,
			.time_ns = e->time_ns,
			.id = put(p, e->vm),
			.name = put(p, e->name),
			.kind = put(p, e->kind),
			.detail = put(p, e->detail),
		};

		if (v)
			v[i] = event;
	}
	return v;
}

int hull_vms_events(struct hull_vms *vms, uint64_t seq, size_t max,
		    struct hull_vm_event **ret_events, size_t *ret_n, struct hull_error **err)
{
	cleanup_events struct hull_events events = {0};
	cleanup_lib_call struct hull_lib_call call;
	struct piece p = {0};
	char *memory;

	if (hull_lib_call_begin(&call, vms, NULL, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_store_read_events(call.store, seq, max, &events, err) < 0)
		return -1;
	(void)put_events(&p, &events);
	memory = malloc(p.size + 1);
	if (!memory)
		return hull_fail_nomem(err);
	p = (struct piece){.at = memory};
	*ret_events = put_events(&p, &events);
	*ret_n = events.n;
	return 0;
}
