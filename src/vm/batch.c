/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded pool of tasks, see batch.h.
 */
#include "vm/batch.h"

#include "base/cleanup.h"
#include "base/vec.h"

struct slot {
	struct hull_task *task; /* NULL: not begun, or gone */
	bool done;
};

struct hull_batch {
	struct hull_loop *loop;
	struct hull_store *store;
	struct hull_strv ids;
	struct hull_task_options o;
	const struct hull_batch_ops *ops;
	void *ctx;
	struct hull_source *more; /* frees what is done and begins what there is room for */
	struct slot *slots;
	size_t next, running, finished, jobs;
};

static size_t index_of(const struct hull_batch *b, const struct hull_task *task)
{
	size_t i = 0;

	while (b->slots[i].task != task)
		i++;
	return i;
}

static void on_done(void *ctx, struct hull_task *task, const struct hull_task_outcome *outcome)
{
	struct hull_batch *b = ctx;
	size_t i = index_of(b, task);

	b->slots[i].done = true;
	b->running--;
	b->finished++;
	b->ops->done(b->ctx, i, outcome);
	hull_source_arm(b->more, 1);
}

/* One that can't even begin. */
static void fail_one(struct hull_batch *b, size_t i, const struct hull_error *error)
{
	struct hull_task_outcome o = {.error = error};

	b->slots[i].done = true;
	b->finished++;
	b->ops->done(b->ctx, i, &o);
}

static void on_more(void *ctx)
{
	struct hull_batch *b = ctx;

	for (size_t i = 0; i < b->next; i++)
		if (b->slots[i].done && b->slots[i].task)
			hull_task_free(steal_ptr(&b->slots[i].task));
	while (b->next < b->ids.n && b->running < b->jobs) {
		cleanup_error struct hull_error *err = NULL;
		size_t i = b->next++;

		if (hull_task_new(b->loop, b->store, b->ids.v[i], &b->o, on_done, b,
				  &b->slots[i].task, &err) < 0)
			fail_one(b, i, err);
		else
			b->running++;
	}
	if (b->finished == b->ids.n)
		b->ops->all(b->ctx);
}

int hull_batch_new(struct hull_loop *loop, struct hull_store *store, const struct hull_strv *ids,
		   const struct hull_task_options *options, const struct hull_batch_ops *ops,
		   void *ctx, struct hull_batch **ret_batch, struct hull_error **err)
{
	struct hull_batch *b = calloc(1, sizeof(*b));
	bool starts = options->kind == HULL_TASK_START || options->kind == HULL_TASK_RESTART;

	if (!b)
		return hull_fail_nomem(err);
	b->loop = loop;
	b->store = store;
	b->o = *options;
	b->ops = ops;
	b->ctx = ctx;
	b->jobs = starts ? HULL_BATCH_START_JOBS : HULL_BATCH_JOBS;
	b->slots = calloc(ids->n + 1, sizeof(*b->slots));
	if (!b->slots || hull_strv_copy(&b->ids, ids) < 0 ||
	    hull_loop_add_timer(loop, on_more, b, &b->more) < 0) {
		hull_batch_free(b);
		return hull_fail_nomem(err);
	}
	hull_source_arm(b->more, 1);
	*ret_batch = b;
	return 0;
}

void hull_batch_free(struct hull_batch *batch)
{
	if (!batch)
		return;
	hull_source_remove(&batch->more);
	for (size_t i = 0; batch->slots && i < batch->next; i++)
		hull_task_free(batch->slots[i].task);
	free(batch->slots);
	hull_strv_fini(&batch->ids);
	free(batch);
}
