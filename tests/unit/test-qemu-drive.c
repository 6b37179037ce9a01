/* SPDX-License-Identifier: Apache-2.0
 *
 * The QEMU backend: against a QEMU that misbehaves in every way, and where there is one against a
 * real QEMU with a kernel of some hundred bytes.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "backend/backend.h"
#include "backend/qemu/probe.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "fakeqemu.h"
#include "qemuvm.h"
#include "tinykernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* @members: further ones of the description, or "".  Takes @display_fd. */
static void fake_init_with(struct vm *v, const char *scenario, const char *members, int display_fd)
{
	char exe[500], more[900];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	assert_true(n > 0);
	exe[n] = '\0';
	snprintf(more, sizeof(more), "\"cpu_model\":\"%s\",\"programs\":{\"qemu\":\"%s\"}%s%s",
		 scenario, exe, *members ? "," : "", members);
	vm_init(v, more, false);
	vm_start_displayed(v, display_fd);
}

static void fake_init(struct vm *v, const char *scenario)
{
	fake_init_with(v, scenario, "", -1);
}

static void test_fake_ends(void **state)
{
	static const struct {
		const char *scenario, *log, *message;
	} cases[] = {
		{"die", "exited hypervisor-died;",
		 "QEMU exited with status 1: fake: no such device"},
		{"garbage", "exited hypervisor-died;",
		 "QMP: JSON line 1, column 1: unexpected character"},
		{"babble", "exited hypervisor-died;",
		 "QMP: JSON line 1, column 1: unexpected character"},
		{"chatty", "exited hypervisor-died;", "QEMU exited with status 3: the end [1m"},
		{"crash", "exited hypervisor-died;", "QEMU was killed by signal 9 (KILL)"},
		{"silent", "exited hypervisor-died;", "QEMU exited with status 0"},
		{"signal", "exited hypervisor-died;",
		 "QEMU was told to end by a signal from outside"},
		{"panic", "ending panic;exited panic;", ""},
		{"reboot", "ending reboot;exited reboot;", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *log;
		struct vm v;

		fake_init(&v, cases[i].scenario);
		vm_until(&v, "exited");
		log = hull_strbuf_str(&v.log);
		/* Whether it could be greeted before it died is a matter of time. */
		if (!strncmp(log, "ready;", 6))
			log += 6;
		if (strcmp(log, cases[i].log) != 0 || strcmp(v.message, cases[i].message) != 0)
			fail_msg("%s: '%s', '%s'", cases[i].scenario, log, v.message);
		vm_fini(&v);
	}
}

static void test_fake_too_old(void **state)
{
	struct vm v;

	fake_init(&v, "old");
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "exited hypervisor-died;");
	assert_non_null(strstr(v.message, "has version 6.2.0, and 7.2 is needed"));
	vm_fini(&v);
}

static void test_fake_tail_is_bounded(void **state)
{
	struct vm v;

	fake_init(&v, "chatty");
	vm_until(&v, "exited");
	assert_true(strlen(v.tail) > 4000 && strlen(v.tail) <= 8192);
	vm_fini(&v);
}

static void test_fake_verbs(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	struct vm v;

	fake_init(&v, "fine");
	assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_STATE);
	vm_until(&v, "ready;");
	assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), 0);
	vm_until(&v, "done");
	assert_int_equal(v.inst->ops->resume(v.inst, vm_done, &v, NULL), 0);
	vm_until(&v, "resumed;done");
	assert_int_equal(v.inst->ops->powerdown(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "ready;paused;done ;resumed;done ;"
						     "ending shutdown;exited shutdown;");
	assert_int_equal(v.wstatus, 0);
	vm_fini(&v);
}

static void test_fake_refusal(void **state)
{
	struct vm v;

	fake_init(&v, "refuse");
	vm_until(&v, "ready;");
	assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), 0);
	vm_until(&v, "done");
	assert_string_equal(hull_strbuf_str(&v.log), "ready;done QMP 'stop': no;");
	vm_fini(&v);
}

static int listen_somewhere(char path[100])
{
	int fd;

	snprintf(path, 100, "%s/vnc", dir);
	(void)unlink(path);
	fd = hull_unix_listen(path, 4, 0600);
	assert_true(fd >= 0);
	return fd;
}

/* A screen that can't be shown is nothing to do without. */
static void test_fake_display(void **state)
{
	char path[100];
	struct vm v;

	fake_init_with(&v, "blind", "", listen_somewhere(path));
	vm_until(&v, "exited");
	assert_non_null(strstr(hull_strbuf_str(&v.log), "exited hypervisor-died;"));
	assert_string_equal(v.message, "show the guest's screen: QMP 'display-update': no");
	vm_fini(&v);
	fake_init_with(&v, "fine", "", listen_somewhere(path));
	vm_until(&v, "ready;");
	vm_fini(&v);
}

/* How much of the guest's memory is there, in a file of ours. */
static uint64_t memory_there(void)
{
	char path[64], to[64];
	struct stat st;

	for (int fd = 3; fd < 256; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		if (n <= 0)
			continue;
		to[n] = '\0';
		if (strstr(to, "guest-memory") && fstat(fd, &st) == 0)
			return (uint64_t)st.st_blocks * 512;
	}
	return 0;
}

/* However quick the hypervisor is, the guest starts when its memory is there. */
static void test_fake_memory_first(void **state)
{
	struct vm v;

	fake_init_with(&v, "fine", "\"memory\":\"512M\",\"memory_backing\":{\"prealloc\":true}",
		       -1);
	vm_until(&v, "ready;");
	assert_true(memory_there() >= 512 << 20);
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	vm_fini(&v);
}

static void test_fake_quit(void **state)
{
	struct vm v;

	fake_init(&v, "fine");
	v.free_on_exit = true;
	vm_until(&v, "ready;");
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "ready;ending quit;exited quit;");
	assert_null(v.inst);
	vm_fini(&v);
}

/* It says that it ends, and then does not. */
static void test_fake_lingers(void **state)
{
	struct vm v;

	fake_init(&v, "linger");
	vm_until(&v, "ready;");
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "ready;ending quit;exited quit;");
	assert_true(WIFSIGNALED(v.wstatus));
	vm_fini(&v);
}

static void test_fake_kill_before_greeting(void **state)
{
	struct vm v;

	fake_init(&v, "mute");
	v.inst->ops->kill(v.inst);
	v.inst->ops->kill(v.inst);
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "exited killed;");
	assert_string_equal(v.message, "");
	assert_true(WIFSIGNALED(v.wstatus));
	vm_fini(&v);
}

/* The process is gone and reaped, and what was asked for is answered. */
static void test_fake_free_while_running(void **state)
{
	struct vm v;
	pid_t pid;

	fake_init(&v, "fine");
	vm_until(&v, "ready;");
	pid = v.inst->ops->pid(v.inst);
	assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), 0);
	hull_inst_freep(&v.inst);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_string_equal(hull_strbuf_str(&v.log), "ready;done QMP 'stop': connection closed;");
	vm_fini(&v);
}

#define REBOOT "\"on_reboot\":\"reboot\""

/* One that wants to reboot is held until it is told to; one that powers off can't be reset. */
static void test_fake_held(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	struct vm v;

	fake_init_with(&v, "held", REBOOT, -1);
	assert_int_equal(v.inst->ops->reset(v.inst, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_STATE);
	vm_until(&v, "ending reboot;");
	assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), -1);
	assert_int_equal(v.inst->ops->reset(v.inst, NULL), 0);
	assert_int_equal(v.inst->ops->reset(v.inst, NULL), -1);
	vm_until(&v, "reset;ready;");
	assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), 0);
	vm_until(&v, "done");
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "ready;ending reboot;reset;ready;paused;done ;"
						     "ending quit;exited quit;");
	vm_fini(&v);

	fake_init_with(&v, "held-off", REBOOT, -1);
	vm_until(&v, "ending shutdown;");
	assert_int_equal(v.inst->ops->reset(v.inst, NULL), -1);
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(hull_strbuf_str(&v.log), "ready;ending shutdown;exited shutdown;");
	vm_fini(&v);
}

static void test_fake_no_reset(void **state)
{
	struct vm v;

	fake_init_with(&v, "held-refuse", REBOOT, -1);
	vm_until(&v, "ending reboot;");
	assert_int_equal(v.inst->ops->reset(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(v.message, "reset the machine: QMP 'set-action': no");
	vm_fini(&v);
}

static void assert_start_fails(const char *more, int code, const char *message)
{
	cleanup_sockets struct hull_backend_sockets sockets;
	cleanup_error struct hull_error *err = NULL;
	struct vm v;

	vm_init(&v, more, false);
	hull_backend_sockets_init(&sockets);
	assert_int_equal(v.inst->ops->start(v.inst, &sockets, &err), -1);
	assert_int_equal(hull_error_code(err), code);
	if (!strstr(hull_error_message(err), message))
		fail_msg("'%s', not '%s'", hull_error_message(err), message);
	vm_fini(&v);
}

static void test_files_refused(void **state)
{
	char text[400], path[100];

	snprintf(path, sizeof(path), "%s/empty", dir);
	assert_int_equal(hull_file_write(path, "", 0, 0600, false), 0);
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/backed", dir);
	assert_int_equal(hull_file_write(path, "QFI\xfb\0\0\0\3\0\0\0\0\0\0\1\0", 16, 0600, false),
			 0);
	assert_int_equal(truncate(path, 200), 0);

	assert_start_fails("\"kernel\":\"/nonexistent\"", HULL_E_NOT_FOUND,
			   "start QEMU: open kernel '/nonexistent': No such file or directory");
	snprintf(text, sizeof(text), "\"initrd\":\"%s/empty\"", dir);
	assert_start_fails(text, HULL_E_INVALID, "/empty' is empty");
	snprintf(text, sizeof(text), "\"initrd\":\"%s/fifo\"", dir);
	assert_start_fails(text, HULL_E_INVALID, "/fifo' is not a regular file");
	snprintf(text, sizeof(text), "\"disks\":[{\"path\":\"%s/fifo\"}]", dir);
	assert_start_fails(text, HULL_E_INVALID, "neither a regular file nor a block device");
	snprintf(text, sizeof(text), "\"disks\":[{\"path\":\"%s\",\"readonly\":true}]", dir);
	assert_start_fails(text, HULL_E_INVALID, "Is a directory");
	snprintf(text, sizeof(text), "\"disks\":[{\"path\":\"%s/empty\",\"format\":\"qcow2\"}]",
		 dir);
	assert_start_fails(text, HULL_E_INVALID, "disks[0]: '/tmp");
	snprintf(text, sizeof(text), "\"disks\":[{\"path\":\"%s/backed\",\"format\":\"qcow2\"}]",
		 dir);
	assert_start_fails(text, HULL_E_UNSUPPORTED, "needs a backing file");
	assert_start_fails("\"disks\":[{\"scratch\":\"1M\"}],\"scratch_dir\":\"/nonexistent\"",
			   HULL_E_NOT_FOUND, "make a scratch file in '/nonexistent'");
}

static bool have_qemu(void)
{
	char *path = NULL;
	bool have = hull_qemu_find(NULL, HULL_ARCH_X86_64, &path, NULL) == 0;

	free(path);
	return have;
}

/* As root, QEMU is somebody who may not read the kernel's file. */
static void real_init(struct vm *v, const char *more)
{
	vm_init(v, more, geteuid() == 0);
	vm_start(v);
}

static const char *const machines[] = {"\"machine\":\"microvm\"", "\"machine\":\"q35\""};

static void test_real_console_and_pause(void **state)
{
	if (!have_qemu())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct vm v;

		real_init(&v, machines[i]);
		vm_until(&v, "ready;");
		assert_console(&v, "up\n");
		assert_int_equal(write(v.console, "a", 1), 1);
		assert_console(&v, "a");
		assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), 0);
		vm_until(&v, "paused;done ;");
		assert_int_equal(write(v.console, "b", 1), 1);
		for (int k = 0; k < 20; k++)
			assert_int_equal(hull_loop_step(v.loop, 5), 0);
		assert_int_equal(recv(v.console, &v.wstatus, 1, MSG_DONTWAIT), -1);
		assert_int_equal(v.inst->ops->resume(v.inst, vm_done, &v, NULL), 0);
		vm_until(&v, "resumed;done ;");
		assert_console(&v, "b");
		assert_int_equal(write(v.console, "r", 1), 1);
		vm_until(&v, "exited");
		assert_non_null(strstr(v.log.data, "ending reboot;exited reboot;"));
		assert_int_equal(v.wstatus, 0);
		vm_fini(&v);
	}
}

static void test_real_display(void **state)
{
	if (!have_qemu())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		uint64_t deadline = hull_deadline_ms(20000);
		cleanup_close int viewer = -1;
		char path[100], more[200], said[12];
		ssize_t n = -1;
		struct vm v;

		snprintf(more, sizeof(more),
			 "%s,\"devices\":[{\"kind\":\"virtio-gpu\",\"gui\":true}]", machines[i]);
		vm_init(&v, more, geteuid() == 0);
		vm_start_displayed(&v, listen_somewhere(path));
		viewer = hull_unix_connect(path); /* waits until somebody looks after it */
		assert_true(viewer >= 0);
		vm_until(&v, "ready;");
		while (n < 0 && hull_ms_left(deadline)) {
			n = recv(viewer, said, sizeof(said), MSG_DONTWAIT);
			if (n < 0)
				assert_int_equal(hull_loop_step(v.loop, 5), 0);
		}
		assert_int_equal(n, sizeof(said));
		assert_memory_equal(said, "RFB 003.008\n", sizeof(said));
		vm_fini(&v);
	}
}

/* Held, reset, and up again.  A PC's firmware, which finds itself run before, asks for one more. */
static void reset_real(struct vm *v)
{
	uint64_t deadline = hull_deadline_ms(20000);
	char first = 0;

	hull_strbuf_clear(&v->log);
	assert_int_equal(write(v->console, "r", 1), 1);
	vm_until(v, "ending reboot;");
	while (recv(v->console, &first, 1, MSG_DONTWAIT) < 0 && hull_ms_left(deadline)) {
		if (strstr(v->log.data, "ending reboot;")) {
			assert_int_equal(v->inst->ops->reset(v->inst, NULL), 0);
			hull_strbuf_clear(&v->log);
			vm_until(v, "reset;ready;");
		}
		assert_int_equal(hull_loop_step(v->loop, 5), 0);
	}
	assert_int_equal(first, 'u');
	assert_console(v, "p\n");
	assert_string_equal(v->log.data, "reset;ready;");
}

/* In the same process, with the console as it was. */
static void test_real_reset(void **state)
{
	char more[100];

	if (!have_qemu())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct vm v;
		pid_t pid;

		snprintf(more, sizeof(more), "%s," REBOOT, machines[i]);
		real_init(&v, more);
		vm_until(&v, "ready;");
		assert_console(&v, "up\n");
		pid = v.inst->ops->pid(v.inst);
		for (int k = 0; k < 3; k++)
			reset_real(&v);
		assert_int_equal(v.inst->ops->pid(v.inst), pid);
		assert_int_equal(v.inst->ops->pause(v.inst, vm_done, &v, NULL), 0);
		vm_until(&v, "paused;done ;");
		assert_int_equal(v.inst->ops->resume(v.inst, vm_done, &v, NULL), 0);
		vm_until(&v, "resumed;done ;");
		assert_int_equal(write(v.console, "r", 1), 1);
		vm_until(&v, "resumed;done ;ending reboot;");
		assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
		vm_until(&v, "exited");
		assert_int_equal(v.end, HULL_END_REBOOT);
		vm_fini(&v);
	}
}

static void test_real_held_panic(void **state)
{
	struct vm v;

	if (!have_qemu())
		skip();
	real_init(&v, "\"machine\":\"microvm\"," REBOOT);
	vm_until(&v, "ready;");
	assert_console(&v, "up\n");
	assert_int_equal(write(v.console, "p", 1), 1);
	vm_until(&v, "ending panic;");
	assert_int_equal(v.inst->ops->reset(v.inst, NULL), -1);
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(v.log.data, "ready;ending panic;exited panic;");
	vm_fini(&v);
}

static void test_real_panic(void **state)
{
	struct vm v;

	if (!have_qemu())
		skip();
	real_init(&v, machines[0]);
	vm_until(&v, "ready;");
	assert_console(&v, "up\n");
	assert_int_equal(write(v.console, "p", 1), 1);
	vm_until(&v, "exited");
	assert_string_equal(v.log.data, "ready;ending panic;exited panic;");
	vm_fini(&v);
}

static void test_real_quit_and_kill(void **state)
{
	struct vm v;

	if (!have_qemu())
		skip();
	real_init(&v, machines[1]);
	vm_until(&v, "ready;");
	assert_int_equal(v.inst->ops->quit(v.inst, NULL), 0);
	vm_until(&v, "exited");
	assert_string_equal(v.log.data, "ready;ending quit;exited quit;");
	vm_fini(&v);

	real_init(&v, machines[0]);
	vm_until(&v, "ready;");
	assert_console(&v, "up\n");
	v.inst->ops->kill(v.inst);
	vm_until(&v, "exited");
	assert_string_equal(v.log.data, "ready;exited killed;");
	vm_fini(&v);
}

static void test_real_refusals(void **state)
{
	struct vm v;
	char text[200];

	if (!have_qemu())
		skip();
	real_init(&v, "\"cpu_model\":\"nonesuch\"");
	vm_until(&v, "exited");
	assert_string_equal(v.message, "QEMU exited with status 1: qemu-system-x86_64: "
				       "unable to find CPU model 'nonesuch'");
	vm_fini(&v);

	real_init(&v, "\"cpu_features\":[\"+ssse3\",\"-nonesuch\"]");
	vm_until(&v, "exited");
	assert_string_equal(v.log.data, "exited hypervisor-died;");
	assert_string_equal(v.message,
			    "cpu_features: this CPU has no feature 'nonesuch' to switch off");
	vm_fini(&v);

	real_init(&v, "\"accel\":\"tcg\",\"cpu_features\":[\"+svm\",\"+avx512f\",\"+x\"]");
	vm_until(&v, "exited");
	assert_string_equal(v.message, "cpu_features: this CPU has no feature 'x' to switch on");
	vm_fini(&v);

	real_init(&v, "\"accel\":\"tcg\",\"cpu_features\":[\"+svm\",\"+avx512f\"]");
	vm_until(&v, "exited");
	assert_string_equal(v.log.data, "exited hypervisor-died;");
	assert_string_equal(v.message, "cpu_features: 'avx512f' can't be had: this host's "
				       "processor, or its emulation, has no such thing");
	vm_fini(&v);

	snprintf(text, sizeof(text), "\"kernel\":\"%s/nokernel\"", dir);
	assert_start_fails(text, HULL_E_INVALID, "/nokernel' is neither a bzImage");
}

/* Files that only their owner may touch, on both machines, as many as there may be. */
static void test_real_disks(void **state)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	char path[100];

	if (!have_qemu())
		skip();
	snprintf(path, sizeof(path), "%s/initrd", dir);
	assert_int_equal(hull_file_write(path, "070701", 6, 0600, false), 0);
	snprintf(path, sizeof(path), "%s/raw", dir);
	assert_int_equal(hull_file_write(path, "", 0, 0600, false), 0);
	assert_int_equal(truncate(path, 1 << 20), 0);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct vm v;

		hull_strbuf_clear(&text);
		hull_strbuf_addf(&text,
				 "%s,\"agent\":\"hull\",\"initrd\":\"%s/initrd\",\"disks\":["
				 "{\"path\":\"%s\",\"serial\":\"a\"}",
				 machines[i], dir, path);
		for (int k = 1; k < HULL_CONFIG_MAX_DISKS; k++)
			hull_strbuf_adds(&text, ",{\"scratch\":\"1M\"}");
		hull_strbuf_adds(&text, "]");
		real_init(&v, text.data);
		vm_until(&v, "ready;");
		assert_console(&v, "up\n");
		v.inst->ops->kill(v.inst);
		vm_until(&v, "exited");
		assert_string_equal(v.log.data, "ready;exited killed;");
		vm_fini(&v);
	}
}

static void test_registration(void **state)
{
	struct hull_backend_ops wrong;
	cleanup_error struct hull_error *err = NULL;

	for (const char *const *n = hull_backend_names(); *n; n++) {
		assert_non_null(hull_backend_find(*n));
		assert_string_equal(hull_backend_find(*n)->name, *n);
		assert_int_equal(hull_backend_check(hull_backend_find(*n), NULL), 0);
	}
	assert_null(hull_backend_find("bochs"));
	wrong = *hull_backend_find("qemu");
	wrong.caps &= ~HULL_CAP_PAUSE;
	assert_int_equal(hull_backend_check(&wrong, &err), -1);
	assert_string_equal(hull_error_message(err),
			    "backend 'qemu': capability and operation 'pause' disagree");
}

static int set_up(void **state)
{
	char path[100];

	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/kernel", dir);
	if (tiny_kernel_write(path, 0600, 0) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/nokernel", dir);
	return hull_file_write(path, "x", 1, 0644, false);
}

static int tear_down(void **state)
{
	return hull_path_remove_tree(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registration),
		cmocka_unit_test(test_fake_ends),
		cmocka_unit_test(test_fake_too_old),
		cmocka_unit_test(test_fake_tail_is_bounded),
		cmocka_unit_test(test_fake_verbs),
		cmocka_unit_test(test_fake_refusal),
		cmocka_unit_test(test_fake_display),
		cmocka_unit_test(test_fake_held),
		cmocka_unit_test(test_fake_no_reset),
		cmocka_unit_test(test_fake_quit),
		cmocka_unit_test(test_fake_memory_first),
		cmocka_unit_test(test_fake_lingers),
		cmocka_unit_test(test_fake_kill_before_greeting),
		cmocka_unit_test(test_fake_free_while_running),
		cmocka_unit_test(test_files_refused),
		cmocka_unit_test(test_real_console_and_pause),
		cmocka_unit_test(test_real_display),
		cmocka_unit_test(test_real_reset),
		cmocka_unit_test(test_real_held_panic),
		cmocka_unit_test(test_real_panic),
		cmocka_unit_test(test_real_quit_and_kill),
		cmocka_unit_test(test_real_refusals),
		cmocka_unit_test(test_real_disks),
	};

	if (fake_scenario(argc, argv))
		return fake_qemu(fake_scenario(argc, argv));
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
