/* SPDX-License-Identifier: Apache-2.0
 *
 * A program on libhull and nothing else, which runs commands in a VM that boots:
 * libhull-sessions.sh runs it.
 */
#define _GNU_SOURCE
#include "api.h"

#include <pthread.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ALL (HULL_STREAM_IN | HULL_STREAM_OUT | HULL_STREAM_ERR)
#define LARGE ((size_t)8 << 20)
#define THREADS 6
#define LINES_MAX 4096

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Up to its end; borrowed until the next call of this thread. */
static const char *read_all(int fd)
{
	static _Thread_local char text[LINES_MAX];
	size_t len = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	CHECK(n == 0);
	text[len] = '\0';
	return text;
}

static void says(const char *text, const char *what)
{
	if (strcmp(text, what) == 0)
		return;
	fprintf(stderr, "it is '%s', not '%s'\n", text, what);
	exit(1);
}

/* Exactly so many bytes. */
static void reads(int fd, const char *what)
{
	char text[256];
	size_t len = 0;

	while (len < strlen(what)) {
		ssize_t n = read(fd, text + len, strlen(what) - len);

		CHECK(n > 0);
		len += (size_t)n;
	}
	text[len] = '\0';
	says(text, what);
}

static void types(int fd, const char *text)
{
	CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static struct hull_session *run(const struct hull_vms_exec_options *o, const char *command)
{
	const char *args[] = {"sh", "-c", command, NULL};
	struct hull_session *session;
	struct hull_error *err = NULL;

	worked(hull_vms_exec(vms, "web", args, o, &session, &err), err);
	return session;
}

static uint64_t status_of(struct hull_session *session)
{
	struct hull_session_end end = {.size = sizeof(end)};
	struct hull_error *err = NULL;

	worked(hull_session_wait(session, NULL, &end, &err), err);
	return end.status;
}

static void forget(struct hull_session *session)
{
	struct hull_error *err = NULL;

	worked(hull_session_delete(session, NULL, &err), err);
	hull_session_free(session);
}

/* ---- one command ---- */

static void test_streams(void)
{
	struct hull_vms_exec_options o = {.size = sizeof(o), .streams = ALL};
	struct hull_session_info **list;
	struct hull_session *session = run(&o, "cat; echo wrong >&2; exit 7");
	struct hull_session_end end = {.size = sizeof(end)};
	struct hull_error *err = NULL;
	int in = hull_session_fd(session, HULL_STREAM_IN);
	size_t n;

	CHECK(strlen(hull_session_name(session)) == 12);
	CHECK(hull_session_fd(session, HULL_STREAM_IN) == in);
	CHECK(hull_session_fd(session, ALL) == -1 && hull_session_fd(session, 0) == -1);
	worked(hull_vms_sessions(vms, "web", NULL, &list, &n, &err), err);
	CHECK(n == 1 && !list[1] && list[0]->size == sizeof(**list));
	says(list[0]->name, hull_session_name(session));
	CHECK(list[0]->state == HULL_SESSION_RUNNING && list[0]->pid && !list[0]->terminal);
	CHECK(list[0]->n_args == 3 && !strcmp(list[0]->args[1], "-c") && !list[0]->args[3]);
	hull_free(list);
	types(in, "hello\n");
	CHECK(shutdown(in, SHUT_WR) == 0);
	says(read_all(hull_session_fd(session, HULL_STREAM_OUT)), "hello\n");
	says(read_all(hull_session_fd(session, HULL_STREAM_ERR)), "wrong\n");
	for (int i = 0; i < 2; i++) {
		worked(hull_session_wait(session, NULL, &end, &err), err);
		CHECK(end.status == 7 && !end.signal && !end.out_of_memory);
	}
	worked(hull_session_wait(session, NULL, NULL, &err), err);
	worked(hull_vms_sessions(vms, "web", NULL, &list, &n, &err), err);
	CHECK(n == 1 && list[0]->state == HULL_SESSION_STOPPED && list[0]->status == 7);
	hull_free(list);
	failed(hull_session_signal(session, SIGTERM, NULL, &err), &err, HULL_E_STATE, NULL);
	worked(hull_session_delete(session, NULL, &err), err);
	worked(hull_session_delete(session, NULL, &err), err);
	CHECK(sessions() == 0);
	failed(hull_session_wait(session, NULL, &end, &err), &err, HULL_E_NOT_FOUND,
	       "no-such-session");
	end.size = 1;
	failed(hull_session_wait(session, NULL, &end, &err), &err, HULL_E_INVALID, NULL);
	hull_session_free(session);
	hull_session_free(NULL);
}

static void test_surroundings(void)
{
	const char *env[] = {"A=b c", NULL};
	struct hull_vms_exec_options o = {
		.size = sizeof(o), .streams = HULL_STREAM_OUT, .env = env, .workdir = "/tmp"};
	struct hull_session *session;

	o.user = "65534:7";
	o.session = "named";
	session = run(&o, "echo \"$A $LANG\"; pwd; id -u; id -g; cat");
	says(hull_session_name(session), "named");
	says(read_all(hull_session_fd(session, HULL_STREAM_OUT)), "b c C.UTF-8\n/tmp\n65534\n7\n");
	CHECK(status_of(session) == 0);
	forget(session);

	o = (struct hull_vms_exec_options){.size = sizeof(o), .streams = ALL, .caps = "none"};
	session = run(&o, "echo $HOME; pwd; grep CapPrm /proc/self/status; chroot / true");
	says(read_all(hull_session_fd(session, HULL_STREAM_OUT)),
	     "/root\n/root\nCapPrm:\t0000000000000000\n");
	CHECK(strstr(read_all(hull_session_fd(session, HULL_STREAM_ERR)), "not permitted"));
	CHECK(status_of(session) != 0);
	forget(session);
}

static void test_terminal(void)
{
	struct hull_vms_exec_options o = {.size = sizeof(o),
					  .streams = ALL,
					  .terminal = 1,
					  .rows = 33,
					  .columns = 77,
					  .session = "screen"};
	struct hull_session *session = run(&o, "stty -echo; stty size; read x; stty size");
	struct hull_error *err = NULL;
	int in = hull_session_fd(session, HULL_STREAM_IN);
	int out = hull_session_fd(session, HULL_STREAM_OUT);

	CHECK(hull_session_fd(session, HULL_STREAM_ERR) == -1);
	reads(out, "33 77\r\n");
	worked(hull_session_resize(session, 44, 88, NULL, &err), err);
	types(in, "\n");
	says(read_all(out), "44 88\r\n");
	CHECK(status_of(session) == 0);
	forget(session);
}

/* More than any buffer on the way. */
static void *pour(void *arg)
{
	int fd = *(int *)arg;
	char *data = calloc(1, LARGE);

	for (size_t i = 0; i < LARGE; i++)
		data[i] = (char)(i * 2654435761U >> 13);
	for (size_t done = 0; done < LARGE;) {
		ssize_t n = send(fd, data + done, LARGE - done, MSG_NOSIGNAL);

		CHECK(n > 0);
		done += (size_t)n;
	}
	CHECK(shutdown(fd, SHUT_WR) == 0);
	free(data);
	return NULL;
}

static void test_large(void)
{
	struct hull_vms_exec_options o = {.size = sizeof(o), .streams = ALL};
	struct hull_session *session = run(&o, "cat");
	int in = hull_session_fd(session, HULL_STREAM_IN);
	int out = hull_session_fd(session, HULL_STREAM_OUT);
	static char buf[65536];
	pthread_t thread;
	size_t got = 0;
	ssize_t n;

	CHECK(pthread_create(&thread, NULL, pour, &in) == 0);
	while ((n = read(out, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, got++)
			CHECK(buf[i] == (char)(got * 2654435761U >> 13));
	CHECK(n == 0 && got == LARGE);
	pthread_join(thread, NULL);
	CHECK(status_of(session) == 0);
	forget(session);
}

static void test_refused(void)
{
	const char *none[] = {NULL}, *nonesuch[] = {"nonesuch", NULL}, *env[] = {"=x", NULL};
	const char *yes[] = {"true", NULL}, *passwd[] = {"/etc/passwd", NULL};
	struct hull_vms_exec_options o = {.size = sizeof(o)};
	struct hull_session *session;
	struct hull_error *err = NULL;

	failed(hull_vms_exec(vms, "web", none, &o, &session, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_exec(vms, "web", nonesuch, NULL, &session, &err), &err, HULL_E_NOT_FOUND,
	       "command-not-found");
	failed(hull_vms_exec(vms, "web", passwd, NULL, &session, &err), &err, HULL_E_DENIED,
	       "not-executable");
	o.session = "../x";
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_INVALID, NULL);
	o.session = NULL;
	o.streams = 8;
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_INVALID, NULL);
	o.streams = 0;
	o.env = env;
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_INVALID, NULL);
	o.env = NULL;
	o.caps = "nonesuch";
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_exec(vms, "nonesuch", yes, NULL, &session, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
	failed(hull_vms_exec(vms, "still", yes, NULL, &session, &err), &err, HULL_E_STATE,
	       "not-running");
	failed(hull_vms_exec(vms, "bare", yes, NULL, &session, &err), &err, HULL_E_UNSUPPORTED,
	       "no-agent");
	CHECK(sessions() == 0);
}

/* ---- waiting, and giving up ---- */

static void *end_later(void *session)
{
	struct hull_error *err = NULL;

	usleep(200000);
	worked(hull_session_signal(session, SIGTERM, NULL, &err), err);
	return NULL;
}

static void *cancel_later(void *cancel)
{
	usleep(200000);
	hull_cancel(cancel);
	return NULL;
}

static void test_waiting(void)
{
	const char *sleeps[] = {"sleep", "1000", NULL};
	struct hull_verb_options brief = {.size = sizeof(brief), .timeout_ms = 300};
	struct hull_session_end end = {.size = sizeof(end)};
	struct hull_session *session;
	struct hull_error *err = NULL;
	pthread_t thread;
	uint64_t began = now_ms();

	worked(hull_vms_exec(vms, "web", sleeps, NULL, &session, &err), err);
	began = now_ms();
	failed(hull_session_wait(session, &brief, &end, &err), &err, HULL_E_TIMEOUT, NULL);
	CHECK(now_ms() - began >= 300);
	brief.timeout_ms = 0;
	worked(hull_cancel_new(&brief.cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, brief.cancel) == 0);
	failed(hull_session_wait(session, &brief, &end, &err), &err, HULL_E_CANCELED, NULL);
	pthread_join(thread, NULL);
	hull_cancel_free(brief.cancel);
	CHECK(pthread_create(&thread, NULL, end_later, session) == 0);
	worked(hull_session_wait(session, NULL, &end, &err), err);
	CHECK(end.status == 128 + SIGTERM && end.signal == SIGTERM);
	pthread_join(thread, NULL);
	forget(session);

	/* What still runs ends with its session. */
	worked(hull_vms_exec(vms, "web", sleeps, NULL, &session, &err), err);
	forget(session);
	CHECK(sessions() == 0);
}

/* A VM that does not answer costs what was given, and nobody else anything. */
static void test_frozen(void)
{
	const char *yes[] = {"true", NULL};
	struct hull_vms_exec_options o = {.size = sizeof(o), .timeout_ms = 500};
	struct hull_session *session;
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	uint64_t began;
	pthread_t thread;

	worked(hull_vms_inspect(vms, "web", NULL, &info, &err), err);
	CHECK(kill((pid_t)info->monitor_pid, SIGSTOP) == 0);
	began = now_ms();
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_TIMEOUT, NULL);
	CHECK(now_ms() - began >= 500);
	worked(hull_cancel_new(&o.cancel, &err), err);
	o.timeout_ms = 60000;
	CHECK(pthread_create(&thread, NULL, cancel_later, o.cancel) == 0);
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_CANCELED, NULL);
	CHECK(now_ms() - began < 30000);
	pthread_join(thread, NULL);
	hull_cancel_free(o.cancel);
	/* Also where more are waiting already than there is room for. */
	o = (struct hull_vms_exec_options){.size = sizeof(o), .timeout_ms = 10, .streams = ALL};
	for (int i = 0; i < 100; i++)
		failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_TIMEOUT,
		       NULL);
	CHECK(now_ms() - began < 60000);
	CHECK(kill((pid_t)info->monitor_pid, SIGCONT) == 0);
	hull_free(info);
	session = run(NULL, "exit 5");
	CHECK(status_of(session) == 5);
	forget(session);
}

/* ---- again, by name ---- */

static struct hull_session *attach(const char *name, uint64_t streams, int replays)
{
	struct hull_vms_attach_options o = {
		.size = sizeof(o), .streams = streams, .no_replay = !replays};
	struct hull_session *session;
	struct hull_error *err = NULL;

	worked(hull_vms_attach(vms, "web", name, &o, &session, &err), err);
	says(hull_session_name(session), name);
	return session;
}

static void test_attach(void)
{
	struct hull_vms_exec_options o = {.size = sizeof(o), .session = "job", .input_later = 1};
	const char *yes[] = {"true", NULL};
	struct hull_session *other, *session = run(&o, "echo one; read x; echo two $x; exit 3");
	struct hull_error *err = NULL;
	int in, out, former;

	CHECK(hull_session_fd(session, HULL_STREAM_OUT) == -1);
	hull_session_free(session); /* it goes on */
	failed(hull_vms_exec(vms, "web", yes, &o, &session, &err), &err, HULL_E_EXISTS, NULL);
	other = attach("job", HULL_STREAM_OUT, 1);
	former = hull_session_fd(other, HULL_STREAM_OUT);
	reads(former, "one\n");
	session = attach("job", HULL_STREAM_IN | HULL_STREAM_OUT, 1);
	says(read_all(former), ""); /* another has it now */
	in = hull_session_fd(session, HULL_STREAM_IN);
	out = hull_session_fd(session, HULL_STREAM_OUT);
	reads(out, "one\n");
	types(in, "and\n");
	says(read_all(out), "two and\n");
	CHECK(status_of(session) == 3 && status_of(other) == 3);
	hull_session_free(session);
	hull_session_free(other);
	session = attach("job", HULL_STREAM_OUT, 1);
	says(read_all(hull_session_fd(session, HULL_STREAM_OUT)), "one\ntwo and\n");
	hull_session_free(session);
	session = attach("job", HULL_STREAM_OUT, 0);
	says(read_all(hull_session_fd(session, HULL_STREAM_OUT)), "");
	hull_session_free(session);
	session = attach("job", 0, 0);
	CHECK(status_of(session) == 3);
	forget(session);
	failed(hull_vms_attach(vms, "web", "job", NULL, &session, &err), &err, HULL_E_NOT_FOUND,
	       "no-such-session");
	failed(hull_vms_attach(vms, "web", NULL, NULL, &session, &err), &err, HULL_E_INVALID, NULL);
}

/* ---- threads ---- */

static void *use(void *arg)
{
	struct hull_vms_exec_options o = {.size = sizeof(o), .streams = HULL_STREAM_OUT};
	char command[64], expected[32];
	int number = *(int *)arg;

	for (int i = 0; i < 2; i++) {
		struct hull_session *session;

		snprintf(command, sizeof(command), "echo %d; exit %d", number, number + i);
		snprintf(expected, sizeof(expected), "%d\n", number);
		session = run(&o, command);
		says(read_all(hull_session_fd(session, HULL_STREAM_OUT)), expected);
		CHECK(status_of(session) == (uint64_t)(number + i));
		forget(session);
	}
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		numbers[i] = 10 * i;
		CHECK(pthread_create(&threads[i], NULL, use, &numbers[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- the VM's end ---- */

static void *kill_later(void *name)
{
	struct hull_error *err = NULL;

	usleep(200000);
	worked(hull_vms_kill(vms, name, NULL, NULL, &err), err);
	return NULL;
}

static void test_end(void)
{
	struct hull_vms_exec_options o = {.size = sizeof(o), .streams = HULL_STREAM_OUT};
	struct hull_session *session = run(&o, "echo here; sleep 1000");
	int out = hull_session_fd(session, HULL_STREAM_OUT);
	struct hull_error *err = NULL;
	pthread_t thread;

	reads(out, "here\n");
	CHECK(pthread_create(&thread, NULL, kill_later, (void *)"web") == 0);
	failed(hull_session_wait(session, NULL, NULL, &err), &err, HULL_E_UNAVAILABLE, "stopped");
	pthread_join(thread, NULL);
	failed(hull_session_wait(session, NULL, NULL, &err), &err, HULL_E_STATE, "not-running");
	failed(hull_session_signal(session, SIGTERM, NULL, &err), &err, HULL_E_STATE,
	       "not-running");
	hull_session_free(session);
}

int main(void)
{
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	const char *const names[] = {"web", "bare", "still"};
	struct hull_error *err = NULL;

	begin();
	make("{\"version\":1,\"memory\":\"512M\"}", "web", NULL);
	make("{\"version\":1,\"backend\":\"mock\",\"agent\":\"none\",\"memory\":\"64M\"}", "bare",
	     NULL);
	make("{\"version\":1,\"memory\":\"256M\"}", "still", NULL);
	worked(hull_vms_start(vms, "bare", NULL, NULL, &err), err);
	worked(hull_vms_start(vms, "web", NULL, NULL, &err), err);
	test_streams();
	test_surroundings();
	test_terminal();
	test_large();
	test_refused();
	test_waiting();
	test_frozen();
	test_attach();
	test_threads();
	test_end();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		worked(hull_vms_remove(vms, names[i], &force, &err), err);
	end();
	return 0;
}
