/* SPDX-License-Identifier: Apache-2.0
 *
 * Clock and random number generator.
 */
#define _GNU_SOURCE
#include "agent/clock.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

int hull_clock_set(uint64_t realtime_ns, struct hull_error **err)
{
	struct timespec ts = {.tv_sec = (time_t)(realtime_ns / HULL_NS_PER_S),
			      .tv_nsec = (long)(realtime_ns % HULL_NS_PER_S)};

	if (clock_settime(CLOCK_REALTIME, &ts) < 0)
		return hull_fail_errno(err, errno, "set the clock");
	return 0;
}

int hull_entropy_add(const void *data, size_t len, struct hull_error **err)
{
	cleanup_close int fd = -1;
	cleanup_free struct rand_pool_info *pool = NULL;
	int r;

	if (!len || len > HULL_ENTROPY_MAX)
		return hull_fail(err, HULL_E_INVALID, "entropy must be 1 to %zu bytes",
				 HULL_ENTROPY_MAX);
	pool = malloc(sizeof(*pool) + len);
	if (!pool)
		return hull_fail_nomem(err);
	pool->entropy_count = (int)(len * 8);
	pool->buf_size = (int)len;
	memcpy(pool->buf, data, len);
	fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	r = fd < 0 ? -1 : ioctl(fd, RNDADDENTROPY, pool);
	explicit_bzero(pool->buf, len);
	if (r < 0)
		return hull_fail_errno(err, errno, "add entropy");
	/* Refused with EAGAIN while the generator was never ready: then there is nothing old. */
	if (ioctl(fd, RNDRESEEDCRNG) < 0 && errno != EAGAIN && errno != ENODATA)
		return hull_fail_errno(err, errno, "reseed the random number generator");
	return 0;
}
