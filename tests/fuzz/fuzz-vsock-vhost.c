/* SPDX-License-Identifier: Apache-2.0
 *
 * vhost-user messages from a front end that says anything: header, payload of the length it names,
 * and a number of descriptors.  Memory is mapped and unmapped in pairs, rings lie within it, every
 * descriptor is kept or left, and answers are bounded.
 *
 * Input: messages, each a byte (how many descriptors), the header and the payload.
 */
#include "base/cleanup.h"
#include "vsock/vhost.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FILE_SIZE ((uint64_t)64 << 10)
#define MAPS_MAX 64

struct front {
	struct hull_vhost v;
	char *maps[MAPS_MAX];
	size_t n_maps;
	bool running[HULL_VHOST_RINGS];
};

static int map(void *ctx, int fd, uint64_t size, char **ret_at)
{
	struct front *f = ctx;

	assert(fd >= 0);
	if (size > FILE_SIZE)
		return -ERANGE;
	assert(f->n_maps < MAPS_MAX);
	*ret_at = f->maps[f->n_maps++] = aligned_alloc(4096, FILE_SIZE);
	assert(*ret_at);
	memset(*ret_at, 0, FILE_SIZE);
	return 0;
}

static void unmap(void *ctx, char *at, uint64_t size)
{
	struct front *f = ctx;
	size_t i = 0;

	while (i < f->n_maps && f->maps[i] != at)
		i++;
	assert(i < f->n_maps);
	f->maps[i] = f->maps[--f->n_maps];
	free(at);
}

static void started(void *ctx, int ring, bool fresh)
{
	struct front *f = ctx;

	assert(!f->running[ring] && f->v.rings[ring].kick >= 0);
	f->running[ring] = true;
}

static void stopped(void *ctx, int ring)
{
	struct front *f = ctx;

	assert(f->running[ring]);
	f->running[ring] = false;
}

static const struct hull_vhost_ops front_ops = {map, unmap, started, stopped};

/* A ring that runs may be served: nothing it leads to may lie elsewhere. */
static void serve(struct front *f)
{
	for (int i = 0; i < HULL_VHOST_RINGS; i++) {
		struct hull_chain c;

		if (!hull_vhost_runs(&f->v, i))
			continue;
		if (hull_ring_take(&f->v.rings[i].ring, &f->v.memory, &c, NULL) > 0)
			hull_ring_give(&f->v.rings[i].ring, c.head, 0);
		(void)hull_ring_publish(&f->v.rings[i].ring);
		(void)hull_ring_want_kick(&f->v.rings[i].ring);
	}
}

static int message(struct front *f, const uint8_t **p, size_t *len)
{
	int fds[HULL_VHOST_FDS_MAX], r;
	size_t n_fds = **p % (HULL_VHOST_FDS_MAX + 1);
	struct hull_vhost_msg m = {.request = 0}, reply;

	++*p;
	--*len;
	if (*len < HULL_VHOST_HEADER || hull_vhost_parse_header(*p, &m, NULL) < 0)
		return -1;
	*p += HULL_VHOST_HEADER;
	*len -= HULL_VHOST_HEADER;
	assert(m.size <= HULL_VHOST_PAYLOAD_MAX);
	if (*len < m.size)
		return -1;
	memcpy(m.payload, *p, m.size);
	*p += m.size;
	*len -= m.size;
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = hull_vhost_handle(&f->v, &m, fds, n_fds, &reply, NULL);
	assert(r <= 0 || (reply.size <= HULL_VHOST_PAYLOAD_MAX && reply.request == m.request));
	for (size_t i = 0; i < n_fds; i++)
		hull_closep(&fds[i]);
	assert(f->n_maps == f->v.memory.n);
	if (r >= 0)
		serve(f);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct front f = {.n_maps = 0};

	hull_vhost_init(&f.v, 3, &front_ops, &f);
	while (len && message(&f, &data, &len) >= 0)
		;
	hull_vhost_fini(&f.v);
	assert(!f.n_maps && !f.running[0] && !f.running[1]);
	return 0;
}
