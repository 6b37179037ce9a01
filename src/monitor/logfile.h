/* SPDX-License-Identifier: Apache-2.0
 *
 * The files in which a console is logged, bounded.  They hold what the guest printed, byte for
 * byte:
 *
 *   console.log      the last of it; when it is full it becomes
 *   console.log.1    and a new one begins
 *   console.times    when the lines of console.log began (.1: likewise); only of logs that are kept
 *
 * The index is a head and records, in the host's byte order.  The head names the log by its inode,
 * since the two are not renamed at once.  A record is written before the text it is about; a line
 * began at the time of the last record that is not behind it, within HULL_LOG_STEP_NS.
 *
 * Nothing here allocates memory: the writer of a log that is kept is a copy of a process that may
 * have had threads (monitor/logger.h).
 */
#ifndef HULL_MONITOR_LOGFILE_H
#define HULL_MONITOR_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HULL_LOG_NAME "console.log"
#define HULL_LOG_OLD HULL_LOG_NAME ".1"
#define HULL_LOG_TIMES "console.times"
#define HULL_LOG_TIMES_OLD HULL_LOG_TIMES ".1"
#define HULL_LOG_MAX ((size_t)4 << 20)
#define HULL_LOG_TIMES_MAX ((size_t)2 << 20) /* of many short lines: then a new log begins too */
#define HULL_LOG_STEP_NS UINT64_C(1000000)
#define HULL_LOG_MAGIC "HULLTIM1"

struct hull_log_head {
	char magic[8];
	uint64_t inode;
};
struct hull_log_record {
	uint64_t time_ns;      /* CLOCK_REALTIME */
	uint32_t offset, lost; /* bytes before @offset that could not be written */
};
_Static_assert(sizeof(struct hull_log_head) == sizeof(struct hull_log_record), "one size");

struct hull_logfile {
	int dir_fd;	  /* owned */
	int fd, times_fd; /* owned; -1: none */
	bool kept;
	size_t len, times_len;
	uint64_t last_ns; /* of the last record; 0: the next line needs one in any case */
	bool at_start;	  /* of a line */
	uint64_t lost;	  /* since the last record */
	int errnum;	  /* of the last write; 0: it went well */
	size_t held;
	char buf[16384]; /* noted, and not written yet */
};

/* Into storage of any content; owns @dir_fd in any case.  @kept: goes on where an earlier one
 * ended, and has an index.  0 or -errno. */
int hull_logfile_open(struct hull_logfile *f, int dir_fd, bool kept);
void hull_logfile_close(struct hull_logfile *f);
/* Printed at @time_ns; in the file at the latest with the next flush. */
void hull_logfile_add(struct hull_logfile *f, const char *data, size_t len, uint64_t time_ns);
void hull_logfile_flush(struct hull_logfile *f);
/* So many bytes are missing here. */
void hull_logfile_lose(struct hull_logfile *f, uint64_t len);

#endif
