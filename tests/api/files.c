/* SPDX-License-Identifier: Apache-2.0
 *
 * A program on libhull and nothing else, which copies files into and out of a VM that boots:
 * libhull-files.sh makes them, runs it, and compares.
 */
#define _GNU_SOURCE
#include "api.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void in_guest(const char *command)
{
	const char *args[] = {"sh", "-c", command, NULL};
	struct hull_session_end end = {.size = sizeof(end)};
	struct hull_session *session;
	struct hull_error *err = NULL;

	worked(hull_vms_exec(vms, "web", args, NULL, &session, &err), err);
	worked(hull_session_wait(session, NULL, &end, &err), err);
	CHECK(end.status == 0);
	worked(hull_session_delete(session, NULL, &err), err);
	hull_session_free(session);
}

struct told {
	char notes[4096];
	uint64_t files, bytes;
	uint64_t enough; /* bytes, after which it is given up; 0: never */
	struct hull_cancel *cancel;
};

static void on_note(void *ctx, const char *text)
{
	struct told *t = ctx;
	size_t len = strlen(t->notes);

	snprintf(t->notes + len, sizeof(t->notes) - len, "%s\n", text);
}

static void on_progress(void *ctx, uint64_t files, uint64_t bytes)
{
	struct told *t = ctx;

	CHECK(files >= t->files && bytes >= t->bytes);
	t->files = files;
	t->bytes = bytes;
	if (t->enough && bytes > t->enough)
		hull_cancel(t->cancel);
}

/* There and back again, by paths and as a stream. */
static void test_trees(void)
{
	struct told told = {.files = 0};
	struct hull_vms_copy_options o = {
		.size = sizeof(o), .note = on_note, .progress = on_progress, .ctx = &told};
	struct hull_error *err = NULL;
	int fd = open("stream.tar", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	worked(hull_vms_copy_in(vms, "web", "want", "/tmp", &o, &err), err);
	CHECK(told.files >= 5 && told.bytes > 3000000 && !*told.notes);
	worked(hull_vms_copy_out(vms, "web", "/tmp/want", "got", NULL, &err), err);
	in_guest("mkdir /tmp/un && python3 -c 'import socket; "
		 "socket.socket(socket.AF_UNIX).bind(\"/tmp/want/socket\")'");
	worked(hull_vms_pack(vms, "web", "/tmp/want", fd, &o, &err), err);
	CHECK(strstr(told.notes, "socket, which is left out"));
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	worked(hull_vms_unpack(vms, "web", fd, "/tmp/un", NULL, &err), err);
	close(fd);
	worked(hull_vms_copy_out(vms, "web", "/tmp/un/want/.", "again", NULL, &err), err);
	o.follow = 1;
	told = (struct told){.files = 0};
	worked(hull_vms_copy_in(vms, "web", "link", "/tmp/followed", &o, &err), err);
	in_guest("test ! -L /tmp/followed && cmp /tmp/followed /tmp/want/tool");
	CHECK(sessions() == 0);
}

static void test_refused(void)
{
	struct hull_vms_copy_options o = {.size = sizeof(o), .owners = 1};
	struct hull_error *err = NULL;
	int fds[2], fd;

	failed(hull_vms_copy_in(vms, "web", "nonesuch", "/tmp", NULL, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
	failed(hull_vms_copy_out(vms, "web", "/nonesuch", ".", NULL, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
	failed(hull_vms_copy_out(vms, "web", "/etc/passwd", "no/such", NULL, &err), &err,
	       HULL_E_NOT_FOUND, "no-such-directory");
	failed(hull_vms_copy_in(vms, "web", "want", "/no/such", NULL, &err), &err, HULL_E_NOT_FOUND,
	       "no-such-directory");
	failed(hull_vms_copy_in(vms, "web", "", "/tmp", NULL, &err), &err, HULL_E_INVALID, NULL);
	for (fd = -3; fd < 0; fd++) {
		failed(hull_vms_pack(vms, "web", "/etc", fd, NULL, &err), &err, HULL_E_INVALID,
		       NULL);
		failed(hull_vms_unpack(vms, "web", fd, "/tmp", NULL, &err), &err, HULL_E_INVALID,
		       NULL);
	}
	failed(hull_vms_copy_in(vms, "still", "want", "/tmp", NULL, &err), &err, HULL_E_STATE,
	       "not-running");
	if (geteuid() != 0)
		failed(hull_vms_copy_out(vms, "web", "/etc/passwd", "theirs", &o, &err), &err,
		       HULL_E_DENIED, NULL);
	else
		worked(hull_vms_copy_out(vms, "web", "/etc/passwd", "theirs", &o, &err), err);
	o.size = 1;
	failed(hull_vms_copy_in(vms, "web", "want", "/tmp", &o, &err), &err, HULL_E_INVALID, NULL);

	/* What is no archive, and a reader that was never there. */
	fd = open("want/tool", O_RDONLY | O_CLOEXEC);
	failed(hull_vms_unpack(vms, "web", fd, "/tmp/un", NULL, &err), &err, HULL_E_AGENT, NULL);
	close(fd);
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	close(fds[0]);
	failed(hull_vms_pack(vms, "web", "/tmp/want", fds[1], NULL, &err), &err, HULL_E_OS,
	       "reader-gone");
	close(fds[1]);
	CHECK(sessions() == 0);
}

static void *read_a_little(void *arg)
{
	int fd = *(int *)arg;
	char byte;

	CHECK(read(fd, &byte, 1) == 1);
	close(fd);
	return NULL;
}

/* A reader that goes in the middle, of which nobody dies. */
static void test_reader_gone(void)
{
	struct hull_error *err = NULL;
	pthread_t thread;
	int fds[2];

	for (int i = 0; i < 10; i++) {
		CHECK(pipe2(fds, O_CLOEXEC) == 0);
		CHECK(pthread_create(&thread, NULL, read_a_little, &fds[0]) == 0);
		failed(hull_vms_pack(vms, "web", "/tmp/want", fds[1], NULL, &err), &err, HULL_E_OS,
		       "reader-gone");
		pthread_join(thread, NULL);
		close(fds[1]);
	}
}

static void test_given_up(void)
{
	struct told told = {.enough = 1000000};
	struct hull_vms_copy_options o = {.size = sizeof(o), .progress = on_progress, .ctx = &told};
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	uint64_t began;

	in_guest("head -c 50000000 /dev/urandom >/tmp/large");
	worked(hull_cancel_new(&o.cancel, &err), err);
	told.cancel = o.cancel;
	failed(hull_vms_copy_out(vms, "web", "/tmp/large", "part", &o, &err), &err, HULL_E_CANCELED,
	       NULL);
	CHECK(told.bytes < 40000000 && access("part", F_OK) < 0);
	hull_cancel_free(o.cancel);

	worked(hull_vms_inspect(vms, "web", NULL, &info, &err), err);
	CHECK(kill((pid_t)info->monitor_pid, SIGSTOP) == 0);
	o = (struct hull_vms_copy_options){.size = sizeof(o), .timeout_ms = 400};
	began = now_ms();
	failed(hull_vms_copy_out(vms, "web", "/tmp/large", "part", &o, &err), &err, HULL_E_TIMEOUT,
	       NULL);
	CHECK(now_ms() - began >= 400);
	CHECK(kill((pid_t)info->monitor_pid, SIGCONT) == 0);
	hull_free(info);
	worked(hull_vms_copy_out(vms, "web", "/tmp/large", "large", NULL, &err), err);
	for (int i = 0; sessions() && i < 100; i++) /* of what was given up */
		usleep(100000);
	CHECK(sessions() == 0);
}

int main(void)
{
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	struct hull_error *err = NULL;

	begin();
	make("{\"version\":1,\"memory\":\"512M\"}", "web", NULL);
	make("{\"version\":1,\"memory\":\"256M\"}", "still", NULL);
	worked(hull_vms_start(vms, "web", NULL, NULL, &err), err);
	test_trees();
	test_refused();
	test_reader_gone();
	test_given_up();
	worked(hull_vms_remove(vms, "web", &force, &err), err);
	worked(hull_vms_remove(vms, "still", &force, &err), err);
	end();
	return 0;
}
