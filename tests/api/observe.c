/* SPDX-License-Identifier: Apache-2.0
 *
 * A program on libhull and nothing else, which looks at VMs that boot, and at what is left of
 * others: libhull-observe.sh runs it.
 */
#define _GNU_SOURCE
#include "api.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ORPHAN "0123456789abcdef0123456789abcdef"

static char *in_home(const char *path)
{
	char *whole;

	CHECK(asprintf(&whole, "%s/%s", getenv("HULL_HOME"), path) > 0);
	return whole;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- what VMs say ---- */

static struct hull_session *run(const char *command)
{
	struct hull_vms_exec_options o = {.size = sizeof(o), .streams = HULL_STREAM_OUT};
	const char *args[] = {"sh", "-c", command, NULL};
	struct hull_session *session;
	struct hull_error *err = NULL;

	worked(hull_vms_exec(vms, "web", args, &o, &session, &err), err);
	return session;
}

static void done(struct hull_session *session)
{
	struct hull_session_end end = {.size = sizeof(end)};
	struct hull_error *err = NULL;

	worked(hull_session_wait(session, NULL, &end, &err), err);
	CHECK(end.status == 0);
	worked(hull_session_delete(session, NULL, &err), err);
	hull_session_free(session);
}

struct heard {
	const char *enough; /* then no more of it; NULL: never */
	char text[65536];
	size_t len;
	uint64_t last_ns;
};

static int hear(void *ctx, const struct hull_log_piece *piece)
{
	struct heard *h = ctx;

	CHECK(piece->size == sizeof(*piece) && piece->len && !piece->lost_bytes);
	CHECK(piece->begins == (!h->len || h->text[h->len - 1] == '\n'));
	CHECK(piece->time_ns >= h->last_ns);
	h->last_ns = piece->time_ns;
	CHECK(h->len + piece->len < sizeof(h->text));
	memcpy(h->text + h->len, piece->data, piece->len);
	h->len += piece->len;
	h->text[h->len] = '\0';
	return h->enough && strstr(h->text, h->enough);
}

/* Until @enough, or its end. */
static const char *log_of(const char *vm, const struct hull_vms_logs_options *o, const char *enough)
{
	static struct heard heard;
	struct hull_error *err = NULL;

	memset(&heard, 0, sizeof(heard));
	heard.enough = enough;
	worked(hull_vms_logs(vms, vm, o, hear, &heard, &err), err);
	return heard.text;
}

static void says(const char *text, const char *what)
{
	if (strcmp(text, what) == 0)
		return;
	fprintf(stderr, "it is '%s', not '%s'\n", text, what);
	exit(1);
}

static uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void test_logs(void)
{
	struct hull_vms_logs_options follow = {.size = sizeof(follow), .follow = 1},
				     o = {.size = sizeof(o), .tail = 2};
	struct heard unused = {0};
	struct hull_error *err = NULL;
	uint64_t before;

	says(log_of("still", NULL, NULL), "");
	says(log_of("still", &follow, NULL), "");
	done(run("printf 'first\\nsecond\\n' >/dev/console"));
	CHECK(strstr(log_of("web", &follow, "second\r\n"), "first\r\nsecond\r\n"));
	says(log_of("web", &o, NULL), "first\r\nsecond\r\n");
	o.tail = 1;
	says(log_of("web", &o, NULL), "second\r\n");
	o.tail = HULL_LOGS_TAIL_NONE;
	says(log_of("web", &o, NULL), "");
	o.tail = 0;
	usleep(1100000); /* what is printed at once has one time */
	before = realtime_ns();
	done(run("echo third >/dev/console"));
	o.since_ns = before;
	o.follow = 1;
	says(log_of("web", &o, "third\r\n"), "third\r\n");
	o.tail = HULL_LOGS_TAIL_NONE;
	o.timeout_ms = 300;
	before = now_ms();
	failed(hull_vms_logs(vms, "web", &o, hear, &unused, &err), &err, HULL_E_TIMEOUT, NULL);
	CHECK(now_ms() - before >= 300 && !unused.len);
	failed(hull_vms_logs(vms, "nonesuch", NULL, hear, &unused, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
}

static void *cancel_later(void *cancel)
{
	usleep(200000);
	hull_cancel(cancel);
	return NULL;
}

static void *kill_later(void *vm)
{
	struct hull_error *err = NULL;

	usleep(200000);
	worked(hull_vms_kill(vms, vm, NULL, NULL, &err), err);
	return NULL;
}

/* Given up, and to the VM's end, which is its console's, too. */
static void test_end(void)
{
	struct hull_vms_logs_options o = {.size = sizeof(o), .follow = 1};
	struct heard heard = {0};
	struct hull_error *err = NULL;
	pthread_t thread;
	char byte;
	int fd;

	worked(hull_cancel_new(&o.cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, o.cancel) == 0);
	failed(hull_vms_logs(vms, "web", &o, hear, &heard, &err), &err, HULL_E_CANCELED, NULL);
	pthread_join(thread, NULL);
	hull_cancel_free(o.cancel);
	o.cancel = NULL;
	worked(hull_vms_console(vms, "web", NULL, &fd, &err), err);
	CHECK(pthread_create(&thread, NULL, kill_later, (void *)"web") == 0);
	CHECK(strstr(log_of("web", &o, NULL), "third"));
	pthread_join(thread, NULL);
	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
	failed(hull_vms_console(vms, "web", NULL, &fd, &err), &err, HULL_E_STATE, "not-running");
	CHECK(strstr(log_of("web", NULL, NULL), "third"));
}

/* ---- consoles ---- */

/* Until a line is in it. */
static void shows(int fd, const char *line)
{
	char text[65536];
	size_t len = 0;

	do {
		ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		CHECK(n > 0);
		len += (size_t)n;
		text[len] = '\0';
	} while (!strstr(text, line));
}

static void test_console(void)
{
	struct hull_vms_console_options o = {.size = sizeof(o), .write = 1};
	struct hull_session *session;
	struct hull_error *err = NULL;
	int reader, writer, other;

	failed(hull_vms_console(vms, "still", NULL, &other, &err), &err, HULL_E_STATE,
	       "not-running");
	worked(hull_vms_console(vms, "web", NULL, &reader, &err), err);
	worked(hull_vms_console(vms, "web", &o, &writer, &err), err);
	failed(hull_vms_console(vms, "web", &o, &other, &err), &err, HULL_E_BUSY, NULL);
	done(run("echo for all >/dev/console"));
	shows(reader, "for all");
	shows(writer, "for all");

	session = run("exec </dev/console; echo ready; head -n 1");
	shows(hull_session_fd(session, HULL_STREAM_OUT), "ready\n");
	CHECK(send(writer, "typed\n", 6, MSG_NOSIGNAL) == 6);
	shows(hull_session_fd(session, HULL_STREAM_OUT), "typed\n");
	done(session);

	o.take = 1;
	worked(hull_vms_console(vms, "web", &o, &other, &err), err);
	session = run("exec </dev/console; echo ready; head -n 1");
	shows(hull_session_fd(session, HULL_STREAM_OUT), "ready\n");
	CHECK(send(writer, "lost\n", 5, MSG_NOSIGNAL) == 5);
	CHECK(send(other, "taken\n", 6, MSG_NOSIGNAL) == 6);
	shows(hull_session_fd(session, HULL_STREAM_OUT), "taken\n");
	done(session);
	close(reader);
	close(writer);
	close(other);
}

/* ---- what VMs use ---- */

static void test_stats(void)
{
	struct hull_vm_counters **before, **after;
	struct hull_error *err = NULL;
	size_t n;

	worked(hull_vms_stats(vms, NULL, NULL, &before, &n, &err), err);
	CHECK(n == 2 && !before[2]);
	for (size_t i = 0; i < n; i++) {
		const struct hull_vm_counters *c = before[i];

		CHECK(c->size == sizeof(*c) && strlen(c->id) == 32 && !c->code && !*c->message);
		CHECK(c->state == HULL_VM_STATE_RUNNING && c->cpu_ns && c->at_ns);
		CHECK(c->processes >= 2 && c->has_disks);
		CHECK(c->private_bytes + c->shared_bytes > 30 << 20);
	}
	CHECK(!strcmp(before[0]->name, "web") && !strcmp(before[1]->name, "bare"));
	CHECK(before[0]->has_guest && before[0]->guest_total_bytes > 150 << 20 &&
	      before[0]->guest_total_bytes <= 256 << 20 && before[0]->guest_available_bytes &&
	      before[0]->guest_available_bytes < before[0]->guest_total_bytes);
	CHECK(!before[1]->has_guest && !before[1]->guest_total_bytes);
	worked(hull_vms_stats(vms, "web", NULL, &after, &n, &err), err);
	CHECK(n == 1 && !after[1] && !strcmp(after[0]->id, before[0]->id));
	CHECK(after[0]->at_ns > before[0]->at_ns && after[0]->cpu_ns >= before[0]->cpu_ns);
	hull_free(before);
	hull_free(after);
	failed(hull_vms_stats(vms, "still", NULL, &after, &n, &err), &err, HULL_E_STATE,
	       "not-running");
	failed(hull_vms_stats(vms, "nonesuch", NULL, &after, &n, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
}

/* A monitor that does not answer costs two seconds, and nobody else's figures. */
static void test_stats_of_frozen(void)
{
	struct hull_verb_options brief = {.size = sizeof(brief), .timeout_ms = 500};
	struct hull_vm_counters **c;
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	uint64_t began;
	size_t n;

	worked(hull_vms_inspect(vms, "bare", NULL, &info, &err), err);
	CHECK(kill((pid_t)info->monitor_pid, SIGSTOP) == 0);
	began = now_ms();
	worked(hull_vms_stats(vms, NULL, &brief, &c, &n, &err), err);
	CHECK(now_ms() - began < 2000);
	CHECK(n == 2 && c[0]->has_disks && !c[0]->code);
	CHECK(!c[1]->has_disks && c[1]->code == HULL_E_TIMEOUT && *c[1]->message && c[1]->cpu_ns);
	hull_free(c);
	CHECK(kill((pid_t)info->monitor_pid, SIGCONT) == 0);
	hull_free(info);
	worked(hull_cancel_new(&brief.cancel, &err), err);
	hull_cancel(brief.cancel);
	failed(hull_vms_stats(vms, NULL, &brief, &c, &n, &err), &err, HULL_E_CANCELED, NULL);
	hull_cancel_free(brief.cancel);
}

/* ---- what is on disks ---- */

static void test_df(void)
{
	static const char *const kinds[] = {"store", "volumes", "guest", "run", "logs"};
	struct hull_disk_usage **u;
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	size_t n, runs = 0;

	worked(hull_vms_inspect(vms, "web", NULL, &info, &err), err);
	worked(hull_vms_df(vms, &u, &n, &err), err);
	CHECK(n == 5 && !u[5]);
	for (size_t i = 0; i < n; i++) {
		CHECK(u[i]->size == sizeof(*u[i]) && !strcmp(u[i]->kind, kinds[i]));
		CHECK(*u[i]->path == '/' && !u[i]->code && !*u[i]->message);
	}
	CHECK(u[0]->bytes && u[0]->n_items && u[2]->bytes > 1 << 20);
	for (size_t i = 0; i < u[3]->n_items; i++)
		runs += !strncmp(u[3]->items[i].name, info->id, 12);
	CHECK(runs == 1 && u[3]->n_items == 2);
	hull_free(u);
	hull_free(info);
}

/* ---- what is left ---- */

static void nothing_left(void)
{
	struct hull_leftover *l;
	struct hull_error *err = NULL;
	size_t n;

	worked(hull_vms_gc(vms, NULL, &l, &n, &err), err);
	CHECK(n == 0);
	hull_free(l);
}

static void test_gc(void)
{
	struct hull_vms_gc_options o = {.size = sizeof(o), .dry_run = 1};
	char *orphan = in_home("log/vm/" ORPHAN);
	struct hull_leftover *l;
	struct hull_error *err = NULL;
	size_t n;

	nothing_left();
	CHECK(mkdir(orphan, 0700) == 0);
	for (int dry = 1; dry >= 0; dry--) {
		o.dry_run = (uint64_t)dry;
		worked(hull_vms_gc(vms, &o, &l, &n, &err), err);
		CHECK(n == 1 && !strcmp(l->kind, "log") && strstr(l->what, ORPHAN) && *l->why);
		CHECK(l->result == (dry ? HULL_LEFTOVER_WOULD : HULL_LEFTOVER_COLLECTED));
		CHECK(!l->code && !*l->message && !*l->vm);
		CHECK((access(orphan, F_OK) == 0) == dry);
		hull_free(l);
	}
	nothing_left();
	CHECK(mkdir(orphan, 0700) == 0);
	worked(hull_cancel_new(&o.cancel, &err), err);
	hull_cancel(o.cancel);
	failed(hull_vms_gc(vms, &o, &l, &n, &err), &err, HULL_E_CANCELED, NULL);
	hull_cancel_free(o.cancel);
	CHECK(rmdir(orphan) == 0);
	o.size = 1;
	failed(hull_vms_gc(vms, &o, &l, &n, &err), &err, HULL_E_INVALID, NULL);
	free(orphan);
}

int main(void)
{
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	struct hull_error *err = NULL;

	begin();
	make("{\"version\":1,\"memory\":\"256M\"}", "web", NULL);
	make("{\"version\":1,\"memory\":\"256M\",\"agent\":\"none\"}", "bare", NULL);
	make("{\"version\":1,\"memory\":\"256M\"}", "still", NULL);
	worked(hull_vms_start(vms, "bare", NULL, NULL, &err), err);
	worked(hull_vms_start(vms, "web", NULL, NULL, &err), err);
	test_stats();
	test_stats_of_frozen();
	test_df();
	test_gc();
	test_logs();
	test_console();
	test_end();
	worked(hull_vms_remove(vms, "web", &force, &err), err);
	worked(hull_vms_remove(vms, "bare", &force, &err), err);
	worked(hull_vms_remove(vms, "still", &force, &err), err);
	end();
	return 0;
}
