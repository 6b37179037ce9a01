/* SPDX-License-Identifier: Apache-2.0
 *
 * Records, events and labels as callers see them.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/piece.h"

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

/* ---- VMs ---- */

static void put_labels(struct hull_piece *p, const struct hull_labels *labels,
		       struct hull_vm_info *info)
{
	struct hull_vm_label *v = HULL_PIECE_TAKE(p, struct hull_vm_label, labels->n);

	for (size_t i = 0; i < labels->n; i++) {
		struct hull_vm_label l = {hull_piece_put(p, labels->v[i].key),
					  hull_piece_put(p, labels->v[i].value)};

		if (v)
			v[i] = l;
	}
	info->labels = v;
	info->n_labels = labels->n;
}

static void *put_info(struct hull_piece *p, const void *record)
{
	const struct hull_record *r = record;
	struct hull_vm_info *place = HULL_PIECE_TAKE(p, struct hull_vm_info, 1);
	struct hull_vm_info info = {
		.size = sizeof(info),
		.id = hull_piece_put(p, r->id),
		.name = hull_piece_put(p, r->name),
		.state = r->state,
		.code = r->code && *r->code ? (uint32_t)hull_code_from_name(r->code) : 0,
		.vcpus = r->cpus,
		.memory_bytes = r->memory,
		.backend = hull_piece_put(p, r->backend),
		.agent = hull_piece_put(p, r->agent),
		.run_dir = hull_piece_put(p, r->run_dir),
		.monitor_pid = r->monitor.pid,
		.created_ns = r->created_ns,
		.updated_ns = r->updated_ns,
		.started_ns = r->started_ns,
		.stopped_ns = r->stopped_ns,
		.reason = hull_piece_put(p, r->reason ? r->reason : ""),
		.cause = hull_piece_put(p, r->cause ? r->cause : ""),
		.message = hull_piece_put(p, r->message ? r->message : ""),
		.hint = hull_piece_put(p, r->hint ? r->hint : ""),
		.config = hull_piece_put(p, r->config),
	};

	put_labels(p, &r->labels, &info);
	if (place)
		*place = info;
	return place;
}

struct hull_vm_info *hull_lib_info(const struct hull_record *record)
{
	return hull_piece_make(put_info, record, NULL);
}

static void *put_infos(struct hull_piece *p, const void *list)
{
	const struct hull_records *records = list;
	struct hull_vm_info **v = HULL_PIECE_TAKE(p, struct hull_vm_info *, records->n + 1);

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
	struct hull_vm_info **infos = hull_piece_make(put_infos, records, err);

	if (!infos)
		return -1;
	*ret = infos;
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
		if (hull_label_check(key, labels[i].value, err) < 0)
			return hull_prefix(err, "labels[%zu]", i);
		if (hull_labels_add(ret, key, labels[i].value) < 0)
			return hull_fail_nomem(err);
	}
	return 0;
}

/* ---- events ---- */

static void *put_events(struct hull_piece *p, const void *list)
{
	const struct hull_events *events = list;
	struct hull_vm_event *v = HULL_PIECE_TAKE(p, struct hull_vm_event, events->n);

	for (size_t i = 0; i < events->n; i++) {
		const struct hull_event *e = &events->v[i];
		struct hull_vm_event event = {
			.seq = e->seq,
			.time_ns = e->time_ns,
			.id = hull_piece_put(p, e->vm),
			.name = hull_piece_put(p, e->name),
			.kind = hull_piece_put(p, e->kind),
			.detail = hull_piece_put(p, e->detail),
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
	struct hull_vm_event *v;

	if (hull_lib_call_begin(&call, vms, NULL, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_store_read_events(call.store, seq, max, &events, err) < 0)
		return -1;
	v = hull_piece_make(put_events, &events, err);
	if (!v)
		return -1;
	*ret_events = v;
	*ret_n = events.n;
	return 0;
}
