/* SPDX-License-Identifier: Apache-2.0
 *
 * What devices of the list are connected to: sockets of helpers with and without a greeting,
 * sockets that are handed down, terminals, the starter's streams, vsock ports.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "config/network.h"
#include "monitor/nic.h"
#include "monitor/serial.h"
#include "monitor/vports.h"
#include "tempdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define ID "00112233445566778899aabbccddeeff"

/* @devices: JSON; the first "@" in it is the directory. */
static void read_devices(const char *devices, struct hull_config *config)
{
	cleanup_error struct hull_error *err = NULL;
	size_t n = strcspn(devices, "@");
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"%s/run\",\"kernel\":\"/k\","
		 "\"initrd\":\"/i\",\"devices\":[%.*s%s%s]}",
		 dir, (int)n, devices, devices[n] ? dir : "", devices + n + (devices[n] == '@'));
	if (hull_config_from_json(text, strlen(text), config, &err) < 0 ||
	    hull_config_validate(config, &err) < 0)
		fail_msg("%s", hull_error_message(err));
}

static int listen_at(const char *name, int type)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	(void)unlink(addr.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_datagrams(void **state)
{
	cleanup_close int far = listen_at("gram", SOCK_DGRAM), near = -1;
	cleanup_config struct hull_config c;
	struct sockaddr_un from;
	socklen_t len = sizeof(from);
	struct stat st;
	char buf[16];

	read_devices("{\"kind\":\"virtio-net\",\"path\":\"@/gram\"}", &c);
	for (int turn = 0; turn < 2; turn++) { /* a launch can be repeated */
		hull_closep(&near);
		near = hull_nic_open(&c, 0, -1, NULL);
		assert_true(near >= 0);
		assert_int_equal(fcntl(near, F_GETFD), FD_CLOEXEC);
		len = sizeof(from);
		assert_int_equal(recvfrom(far, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len),
				 4);
		assert_memory_equal(buf, "VFKT", 4);
		/* The address is one that can be answered, and nobody else's to find. */
		assert_int_equal(sendto(far, "frame", 5, 0, (struct sockaddr *)&from, len), 5);
		assert_int_equal(recv(near, buf, sizeof(buf), 0), 5);
		assert_int_equal(stat(from.sun_path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void test_without_greeting(void **state)
{
	cleanup_close int far = listen_at("gram", SOCK_DGRAM), near = -1;
	cleanup_config struct hull_config c;
	char buf[16];

	read_devices("{\"kind\":\"virtio-net\",\"path\":\"@/gram\",\"magic\":false}", &c);
	near = hull_nic_open(&c, 0, -1, NULL);
	assert_true(near >= 0);
	assert_int_equal(recv(far, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void test_stream(void **state)
{
	cleanup_close int far = listen_at("stream", SOCK_STREAM), near = -1, peer = -1;
	cleanup_config struct hull_config c;
	char buf[16];

	read_devices("{\"kind\":\"virtio-net\",\"path\":\"@/stream\",\"mode\":\"stream\"}", &c);
	near = hull_nic_open(&c, 0, -1, NULL);
	assert_true(near >= 0);
	peer = accept(far, NULL, NULL);
	assert_true(peer >= 0);
	assert_int_equal(recv(peer, buf, sizeof(buf), MSG_DONTWAIT), -1);
}

static void refuse(const char *devices, int handed, const char *why)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_config struct hull_config c;

	read_devices(devices, &c);
	assert_int_equal(hull_nic_open(&c, 0, handed, &err), -1);
	if (!strstr(hull_error_message(err), why))
		fail_msg("no '%s' in: %s", why, hull_error_message(err));
}

static void test_refused(void **state)
{
	cleanup_close int far = listen_at("gram", SOCK_DGRAM), file = open("/dev/null", O_RDWR);
	int pair[2];

	assert_true(far >= 0 && file >= 0);
	refuse("{\"kind\":\"virtio-net\",\"path\":\"@/missing\"}", -1, "connect to the network");
	refuse("{\"kind\":\"virtio-net\",\"path\":\"@/gram\",\"mode\":\"stream\"}", -1,
	       "wrong type");
	refuse("{\"kind\":\"virtio-net\",\"fd\":9}", -1, "descriptor 9 was not handed down");
	refuse("{\"kind\":\"virtio-net\",\"fd\":9}", file, "descriptor 9 is no datagram socket");
	assert_int_equal(hull_socketpair(pair), 0);
	refuse("{\"kind\":\"virtio-net\",\"fd\":9}", pair[0], "no datagram socket");
	hull_closep(&pair[0]);
	hull_closep(&pair[1]);
}

static void test_handed(void **state)
{
	cleanup_config struct hull_config c;
	int pair[2], fd;

	read_devices("{\"kind\":\"virtio-net\",\"fd\":9}", &c);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	fd = hull_nic_open(&c, 0, pair[0], NULL);
	assert_true(fd >= 0 && fd != pair[0]); /* it is kept for another launch */
	assert_int_equal(send(fd, "x", 1, 0), 1);
	hull_closep(&fd);
	hull_closep(&pair[0]);
	hull_closep(&pair[1]);
}

/* ---- consoles ---- */

static void turn(struct hull_loop *loop)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(hull_loop_step(loop, 1), 0);
}

static void test_terminal(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_config struct hull_config c;
	cleanup_close int far = -1, user = -1;
	cleanup_free char *much = calloc(1, 1 << 20);
	struct hull_serial *s;
	struct termios t;
	char buf[4096];
	ssize_t n;

	read_devices("{\"kind\":\"virtio-serial\",\"pty\":true}", &c);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_serial_new(loop, &c, 0, &s, &far, NULL), 0);
	assert_non_null(c.devices.v[0].serial.pty_name);

	/* What is printed before anybody comes is there, as it was. */
	assert_int_equal(write(far, "a\nb\003", 4), 4);
	turn(loop);
	user = open(c.devices.v[0].serial.pty_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(user >= 0);
	assert_int_equal(tcgetattr(user, &t), 0);
	assert_false(t.c_lflag & (ICANON | ECHO | ISIG) || t.c_oflag & OPOST);
	assert_int_equal(read(user, buf, sizeof(buf)), 4);
	assert_memory_equal(buf, "a\nb\003", 4);
	assert_int_equal(write(user, "\003\r\n", 3), 3);
	turn(loop);
	assert_int_equal(read(far, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "\003\r\n", 3);

	/* Programs come and go.  Nobody reads: the hypervisor finds no room in the end. */
	hull_closep(&user);
	turn(loop);
	assert_int_equal(hull_set_nonblock(far, true), 0);
	for (int i = 0; i < 64 && (n = write(far, much, 1 << 20)) > 0; i++)
		turn(loop);
	assert_int_equal(n, -1);
	user = open(c.devices.v[0].serial.pty_name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(user >= 0);
	for (int i = 0; i < 4096; i++) {
		(void)!read(user, buf, sizeof(buf));
		assert_int_equal(hull_loop_step(loop, 0), 0);
	}
	assert_true(write(far, "more", 4) == 4); /* and goes on */

	hull_closep(&far); /* the hypervisor has gone */
	turn(loop);
	hull_serial_drain(s);
	hull_serial_free(s);
}

static void test_starter(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_config struct hull_config c;
	cleanup_close int far = -1, user = -1;
	char path[128], buf[64];
	struct hull_serial *s;

	read_devices("{\"kind\":\"virtio-rng\"},{\"kind\":\"virtio-serial\",\"stdio\":true}", &c);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_serial_new(loop, &c, 1, &s, &far, NULL), 0);
	assert_int_equal(write(far, "early", 5), 5);
	turn(loop);
	snprintf(path, sizeof(path), "%s/run/serial1.sock", dir);
	user = hull_unix_connect(path);
	assert_true(user >= 0);
	turn(loop);
	assert_int_equal(read(user, buf, sizeof(buf)), 5);
	assert_int_equal(write(user, "typed", 5), 5);
	turn(loop);
	assert_int_equal(read(far, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "typed", 5);
	hull_serial_free(s);
}

#define VPORT "{\"kind\":\"virtio-vsock\",\"port\":7,\"path\":\"@/down\",\"listen\":false}"

static void refuse_vports(const char *devices, int code, const char *why)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_config struct hull_config c;
	struct hull_vports *v = NULL;

	read_devices(devices, &c);
	assert_int_equal(hull_vports_new(&c, &v, &err), -1);
	assert_null(v);
	assert_int_equal(hull_error_code(err), code);
	if (!strstr(hull_error_message(err), why))
		fail_msg("no '%s' in: %s", why, hull_error_message(err));
}

static void test_vports(void **state)
{
	cleanup_config struct hull_config c, none;
	struct hull_vports *v = NULL;
	char path[64];
	struct stat st;

	read_devices("{\"kind\":\"virtio-rng\"}", &none);
	assert_int_equal(hull_vports_new(&none, &v, NULL), 0);
	assert_null(v);

	snprintf(path, sizeof(path), "%s/down", dir);
	read_devices(VPORT ",{\"kind\":\"virtio-vsock\",\"port\":7,\"path\":\"/up\"}", &c);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(hull_vports_new(&c, &v, NULL), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFSOCK | 0600);
		refuse_vports(VPORT, HULL_E_EXISTS, "/down' exists already");
		assert_int_equal(stat(path, &st), 0); /* it is not the refused one's to remove */
		hull_vports_free(v);
		assert_int_equal(stat(path, &st), -1);
		/* What one that was killed left behind. */
		close(listen_at("down", SOCK_STREAM));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refuse_vports(VPORT, HULL_E_EXISTS, "/down' exists already");
	refuse_vports("{\"kind\":\"virtio-vsock\",\"port\":7,\"path\":\"@/none/s\",\"listen\":"
		      "false}",
		      HULL_E_NOT_FOUND, "none/s'");
}

static int set_up(void **state)
{
	char path[64];

	assert_int_equal(make_dir(state), 0);
	path_of("run", path);
	return mkdir(path, 0700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams), cmocka_unit_test(test_without_greeting),
		cmocka_unit_test(test_stream),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_handed),	  cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_starter),	  cmocka_unit_test(test_vports),
	};

	return cmocka_run_group_tests(tests, set_up, remove_dir);
}
