/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of backends, and what holds for each.
 */
#define _GNU_SOURCE
#include "backend/backend.h"

#include "backend/mock/mock.h"
#include "backend/qemu/drive.h"
#include "base/cleanup.h"

#include <assert.h>
#include <string.h>

static const struct hull_backend_ops *const backends[] = {&hull_qemu_backend, &hull_mock_backend};
static_assert(ARRAY_SIZE(backends) == HULL_BACKEND_MOCK + 1, "in the order of their names");

static const char *const end_names[] = {"shutdown", "reboot", "panic",
					"quit",	    "killed", "hypervisor-died"};
static_assert(ARRAY_SIZE(end_names) == HULL_END_DIED + 1, "one name for each end");

const char *hull_end_name(enum hull_end end)
{
	return end_names[end];
}

const struct hull_backend_ops *hull_backend_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

const struct hull_backend_ops *hull_backend_of(const struct hull_config *config)
{
	return backends[config->backend];
}

const char *const *hull_backend_names(void)
{
	return hull_backend_kind_names;
}

void hull_backend_sockets_init(struct hull_backend_sockets *s)
{
	*s = (struct hull_backend_sockets){.root = -1,
					   .gdb = -1,
					   .dump = -1,
					   .display = -1,
					   .nbd = -1,
					   .vsock = -1,
					   .vports = -1};
	for (size_t i = 0; i < ARRAY_SIZE(s->shares); i++)
		s->shares[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(s->networks); i++)
		s->networks[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(s->devices); i++)
		s->devices[i] = -1;
	for (size_t i = 0; i < ARRAY_SIZE(s->exports.v); i++)
		s->exports.v[i].fd = -1;
}

void hull_backend_sockets_close(struct hull_backend_sockets *s)
{
	hull_closep(&s->root);
	for (size_t i = 0; i < ARRAY_SIZE(s->shares); i++)
		hull_closep(&s->shares[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->networks); i++)
		hull_closep(&s->networks[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->devices); i++)
		hull_closep(&s->devices[i]);
	for (size_t i = 0; i < ARRAY_SIZE(s->exports.v); i++)
		hull_closep(&s->exports.v[i].fd);
	hull_closep(&s->gdb);
	hull_closep(&s->dump);
	hull_closep(&s->display);
	hull_closep(&s->nbd);
	hull_closep(&s->vsock);
	hull_closep(&s->vports);
}

int hull_backend_check(const struct hull_backend_ops *ops, struct hull_error **err)
{
	const struct {
		const char *what;
		bool cap, op;
	} pairs[] = {
		{"pause", ops->caps & HULL_CAP_PAUSE, ops->pause},
		{"resume", ops->caps & HULL_CAP_PAUSE, ops->resume},
		{"dump", ops->caps & HULL_CAP_DUMP, ops->dump},
		{"reset", ops->caps & HULL_CAP_RESET, ops->reset},
		{"powerdown", ops->caps & HULL_CAP_POWERDOWN, ops->powerdown},
		{"screenshot", ops->caps & HULL_CAP_SCREENSHOT, ops->screenshot},
		{"send_keys", ops->caps & HULL_CAP_INPUT, ops->send_keys},
		{"point", ops->caps & HULL_CAP_INPUT, ops->point},
		{"balloon", ops->caps & HULL_CAP_BALLOON, ops->balloon},
		{"stats", ops->caps & HULL_CAP_STATS, ops->stats},
		{"take_stream", ops->caps & (HULL_CAP_CONSOLE | HULL_CAP_SERIAL_LINK),
		 ops->take_stream},
	};

	if (!ops->name || !ops->command || !ops->create || !ops->start || !ops->quit ||
	    !ops->kill || !ops->choice || !ops->pid || !ops->free)
		return hull_fail(err, HULL_E_INTERNAL, "backend '%s': an operation is missing",
				 ops->name ? ops->name : "");
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i].cap != pairs[i].op)
			return hull_fail(err, HULL_E_INTERNAL,
					 "backend '%s': capability and operation '%s' disagree",
					 ops->name, pairs[i].what);
	if (ops->caps & HULL_CAP_SERIAL_LINK && ops->caps & HULL_CAP_HYBRID_VSOCK)
		return hull_fail(err, HULL_E_INTERNAL, "backend '%s': two kinds of guest link",
				 ops->name);
	return 0;
}
