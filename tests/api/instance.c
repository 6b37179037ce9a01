/* SPDX-License-Identifier: Apache-2.0
 *
 * A program on libhull and nothing else that runs instances: instance.c STATE DISK VMDK WORK KEPT
 * does with one all that there is; "hold" after these starts one and waits to be killed, or for a
 * line, to shut it down.
 *
 * DISK holds an ext4 with a static busybox, VMDK something to read, WORK and KEPT are directories.
 */
#define _GNU_SOURCE
#include "api.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define AGENT "hull.agent.v1.Agent"
#define MAC                            \
	{                              \
		0x02, 0, 0, 0, 0, 0x42 \
	}

static struct hull_manager *manager;
static struct hull_instance *instance;
static const char *state, *disk, *vmdk, *work, *kept;
static char socket_path[100];

/* ---- messages, by hand ---- */

struct message {
	uint8_t data[1024];
	size_t len;
};

static void add_text(struct message *m, unsigned int field, const char *text)
{
	size_t len = strlen(text);

	CHECK(m->len + len + 4 < sizeof(m->data));
	m->data[m->len++] = (uint8_t)(field << 3 | 2);
	if (len > 127)
		m->data[m->len++] = (uint8_t)(len & 127) | 128;
	m->data[m->len++] = (uint8_t)(len > 127 ? len >> 7 : len);
	memcpy(m->data + m->len, text, len);
	m->len += len;
}

static int call(const char *method, const struct message *m, uint8_t **ret, size_t *ret_len,
		struct hull_error **err)
{
	static const struct hull_call_options o = {.size = sizeof(o), .timeout_ms = 100000};

	return hull_client_call(hull_instance_client(instance), AGENT, method, m->data, m->len, &o,
				(void **)ret, ret_len, err);
}

static void ask(const char *method, const struct message *m)
{
	struct hull_error *err = NULL;

	worked(call(method, m, NULL, NULL, &err), err);
}

/* ---- commands in the guest ---- */

static void mount_in_guest(const char *type, const char *source, const char *target)
{
	struct message entry = {.len = 0}, m = {.len = 0};

	add_text(&entry, 1, type);
	add_text(&entry, 2, source);
	add_text(&entry, 3, target);
	/* MountRequest: entries = 1; a message is written as a text is. */
	m.data[0] = 1 << 3 | 2;
	m.data[1] = (uint8_t)entry.len;
	memcpy(m.data + 2, entry.data, entry.len);
	m.len = entry.len + 2;
	ask("Mount", &m);
}

/* What the shell of the disk prints for @script. */
static void run(const char *script, char *out, size_t size)
{
	static int nth;
	struct message create = {.len = 0}, session = {.len = 0};
	struct hull_error *err = NULL;
	size_t len, reply_len;
	uint8_t *reply;
	char id[32], stream[48];
	ssize_t n;
	int fd;

	snprintf(id, sizeof(id), "run-%d", nth++);
	snprintf(stream, sizeof(stream), "%s-stdout", id);
	worked(hull_instance_start_stream(instance, stream, NULL, &fd, &err), err);
	add_text(&create, 2, id);
	add_text(&create, 3, "/disk/bin/busybox");
	add_text(&create, 3, "sh");
	add_text(&create, 3, "-c");
	add_text(&create, 3, script);
	add_text(&create, 4, "PATH=/disk/bin");
	add_text(&create, 11, stream);
	add_text(&session, 2, id);
	ask("Create", &create);
	ask("Start", &session);
	for (len = 0; len + 1 < size && (n = read(fd, out + len, size - len - 1)) > 0;)
		len += (size_t)n;
	out[len] = '\0';
	close(fd);
	worked(call("Wait", &session, &reply, &reply_len, &err), err);
	/* WaitResponse: an exit status of 0 is left out. */
	if (reply_len && reply[0] == (1 << 3 | 0)) {
		fprintf(stderr, "'%s' exited with %u: %s\n", script, reply[1], out);
		exit(1);
	}
	hull_free(reply);
}

static void expect(const char *script, const char *want)
{
	char out[4096];

	run(script, out, sizeof(out));
	if (!strcmp(out, want))
		return;
	fprintf(stderr, "'%s' printed '%s' and not '%s'\n", script, out, want);
	exit(1);
}

/* ---- the console ---- */

static pthread_mutex_t console_lock = PTHREAD_MUTEX_INITIALIZER;
static char console[1 << 16];
static size_t console_len;

static void on_console(void *context, const char *data, size_t len)
{
	struct hull_error *err = NULL;

	CHECK(context == console);
	failed(hull_instance_shutdown(instance, NULL, &err), &err, HULL_E_STATE, "in-callback");
	pthread_mutex_lock(&console_lock);
	CHECK(console_len + len < sizeof(console));
	memcpy(console + console_len, data, len);
	console_len += len;
	pthread_mutex_unlock(&console_lock);
}

static bool console_has(const char *text)
{
	bool has;

	pthread_mutex_lock(&console_lock);
	has = memmem(console, console_len, text, strlen(text));
	pthread_mutex_unlock(&console_lock);
	return has;
}

/* ---- before ---- */

#define fresh() fresh_at(__LINE__)
static void fresh_at(int line)
{
	struct hull_error *err = NULL;
	int r = hull_instance_new(manager, state, &instance, &err);

	worked_at(line, r, err);
}

static void test_before(void)
{
	const struct hull_mount_options newer = {.size = sizeof(newer), .readonly = 1};
	const struct hull_nic_options odd = {.size = sizeof(odd), .features = 1 << 5};
	const struct hull_nic_options greets = {.size = sizeof(greets), .flags = 1};
	struct hull_instance *second;
	struct hull_error *err = NULL;
	char tag[64];
	int fd;

	failed(hull_instance_new(manager, "/nonesuch", &second, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
	failed(hull_instance_new(manager, disk, &second, &err), &err, HULL_E_INVALID, NULL);
	fresh();
	failed(hull_instance_new(manager, state, &second, &err), &err, HULL_E_BUSY, "in-use");
	failed(hull_instance_set_cpu_and_memory(instance, 1, 0, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_set_cpu_and_memory(instance, 0, 1, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_set_cpu_and_memory(instance, 257, 512, &err), &err, HULL_E_INVALID,
	       NULL);
	memset(tag, 't', sizeof(tag));
	tag[37] = '\0';
	failed(hull_instance_add_fs(instance, tag, work, NULL, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_add_fs(instance, "t", "/nonesuch", NULL, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
	failed(hull_instance_add_fs(instance, "t", disk, &newer, &err), &err, HULL_E_INVALID,
	       "not-a-directory");
	failed(hull_instance_add_disk(instance, "d", "/nonesuch", NULL, &err), &err,
	       HULL_E_NOT_FOUND, NULL);
	failed(hull_instance_add_disk(instance, "a,b", disk, NULL, &err), &err, HULL_E_INVALID,
	       NULL);
	failed(hull_instance_new(manager, NULL, &second, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_add_fs(instance, "t", NULL, NULL, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_add_disk(instance, "d", NULL, NULL, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_add_nic(instance, NULL, NULL, 0, NULL, &err), &err, HULL_E_INVALID,
	       NULL);
	failed(hull_instance_add_nic(instance, "/s", NULL, 2, NULL, &err), &err, HULL_E_INVALID,
	       NULL);
	CHECK(hull_instance_add_nic(instance, "/s", NULL, 2, NULL, NULL) < 0);
	failed(hull_instance_add_nic(instance, "/s", NULL, HULL_NIC_DATAGRAM, &odd, &err), &err,
	       HULL_E_INVALID, NULL);
	failed(hull_instance_add_nic(instance, "/s", NULL, HULL_NIC_STREAM, &greets, &err), &err,
	       HULL_E_INVALID, NULL);
	failed(hull_instance_start_stream(instance, "s", NULL, &fd, &err), &err, HULL_E_STATE,
	       "not-started");
	failed(hull_instance_wait(instance, NULL, NULL, &err), &err, HULL_E_STATE, "not-started");
	CHECK(!hull_instance_client(instance));
	for (uint32_t i = hull_manager_reserved_disks(manager); i < 26; i++)
		worked(hull_instance_add_disk(instance, NULL, disk, NULL, &err), err);
	failed(hull_instance_add_disk(instance, NULL, disk, NULL, &err), &err, HULL_E_UNSUPPORTED,
	       "too-many-disks");
	/* One that never was is shut down as well, once. */
	worked(hull_instance_shutdown(instance, NULL, &err), err);
	failed(hull_instance_shutdown(instance, NULL, &err), &err, HULL_E_STATE, "shut-down");
	failed(hull_instance_start(instance, NULL, &err), &err, HULL_E_STATE, "shut-down");
	hull_instance_free(instance);
}

/* ---- all of it ---- */

/* The far end of its network device. */
static int helper(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(strlen(path) < sizeof(a.sun_path));
	strcpy(a.sun_path, path);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	/* The hypervisor may be another user. */
	CHECK(chmod(path, 0666) == 0);
	return fd;
}

static void close_helper(int fd)
{
	close(fd);
	CHECK(unlink(socket_path) == 0);
}

static void set_up(const char *socket)
{
	static const uint8_t mac[6] = MAC;
	const struct hull_mount_options readonly = {.size = sizeof(readonly), .readonly = 1};
	const struct hull_mount_options described = {
		.size = sizeof(described), .readonly = 1, .vmdk = 1};
	const struct hull_nic_options nic = {.size = sizeof(nic), .flags = HULL_NIC_FLAG_VFKIT};
	struct hull_error *err = NULL;

	worked(hull_instance_set_cpu_and_memory(instance, 2, 300, &err), err);
	worked(hull_instance_add_fs(instance, "work", work, NULL, &err), err);
	worked(hull_instance_add_fs(instance, "kept", kept, &readonly, &err), err);
	worked(hull_instance_add_disk(instance, "first", disk, NULL, &err), err);
	worked(hull_instance_add_disk(instance, "second-whose-name-is-too-long", vmdk, &described,
				      &err),
	       err);
	worked(hull_instance_add_nic(instance, socket, mac, HULL_NIC_DATAGRAM, &nic, &err), err);
}

/* Frames, after the greeting. */
static void test_nic(int fd)
{
	static const uint8_t mac[6] = MAC;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t frame[2048];
	char out[256];

	CHECK(recv(fd, frame, sizeof(frame), MSG_DONTWAIT) == 4 && !memcmp(frame, "VFKT", 4));
	run("ip link set eth0 up; udhcpc -i eth0 -n -q -t 1 -T 1 || true", out, sizeof(out));
	do
		CHECK(poll(&p, 1, 10000) == 1 && recv(fd, frame, sizeof(frame), 0) > 14);
	while (memcmp(frame + 6, mac, 6) != 0);
}

static void test_guest(void)
{
	const struct hull_call_options brief = {.size = sizeof(brief), .timeout_ms = 100};
	struct message none = {.len = 0};
	struct hull_error *err = NULL;
	struct hull_client_stream *s;
	uint8_t *reply;
	size_t len;
	int fd;

	worked(call("Info", &none, &reply, &len, &err), err);
	CHECK(len > 10 && reply[0] == (1 << 3 | 2));
	hull_free(reply);
	failed(call("Nonesuch", &none, NULL, NULL, &err), &err, HULL_E_UNSUPPORTED, NULL);
	worked(hull_client_open(hull_instance_client(instance), AGENT, "Wait", HULL_CLIENT_RECEIVES,
				NULL, 0, NULL, &s, &err),
	       err);
	failed(hull_client_receive(s, 0, NULL, NULL, &err), &err, HULL_E_NOT_FOUND, NULL);
	hull_client_stream_free(s);
	/* Disks in their order, after those of hull. */
	CHECK(hull_manager_reserved_disks(manager) == 1);
	mount_in_guest("ext4", "/dev/vdb", "/disk");
	mount_in_guest("virtiofs", "work", "/work");
	mount_in_guest("virtiofs", "kept", "/kept");
	expect("head -c 18 /dev/vdc; cat /sys/block/vdc/serial; cat /sys/block/vdc/ro",
	       "what is described\nsecond-whose-name-is1\n");
	expect("echo from the guest >/work/made; cat /kept/note", "noted\n");
	expect("echo lost >/kept/note || cat /kept/note", "noted\n");
	expect("grep -c ^processor /proc/cpuinfo; cat /sys/class/net/eth0/address",
	       "2\n02:00:00:00:00:42\n");
	expect("tr '\\0' '\\n' </proc/1/cmdline | tail -n 2", "-flag=1\ntwo words\n");
	failed(hull_instance_wait(instance, &brief, NULL, &err), &err, HULL_E_TIMEOUT, NULL);
	/* An id is taken until somebody claims it. */
	worked(hull_instance_start_stream(instance, "same", NULL, &fd, &err), err);
	failed(hull_instance_start_stream(instance, "same", NULL, &fd, &err), &err, HULL_E_EXISTS,
	       NULL);
	close(fd);
}

static void test_all(void)
{
	static const char *const args[] = {"-flag=1", "two words"};
	const struct hull_start_options o = {.size = sizeof(o),
					     .timeout_ms = 200000,
					     .init_args = args,
					     .n_init_args = 2,
					     .console = on_console,
					     .context = console};
	struct message none = {.len = 0};
	struct hull_error *err = NULL;
	struct hull_client *client;
	int fd = helper(socket_path);

	fresh();
	set_up(socket_path);
	worked(hull_instance_start(instance, &o, &err), err);
	failed(hull_instance_start(instance, &o, &err), &err, HULL_E_STATE, "already-started");
	failed(hull_instance_set_cpu_and_memory(instance, 1, 1, &err), &err, HULL_E_STATE,
	       "already-started");
	failed(hull_instance_add_fs(instance, "late", work, NULL, &err), &err, HULL_E_STATE,
	       "already-started");
	test_guest();
	test_nic(fd);
	expect("echo said on the console >/dev/console", "");
	client = hull_instance_client(instance);
	worked(hull_instance_shutdown(instance, NULL, &err), err);
	CHECK(console_has("said on the console"));
	CHECK(!hull_instance_client(instance));
	failed(hull_client_call(client, AGENT, "Info", none.data, 0, NULL, NULL, NULL, &err), &err,
	       HULL_E_UNAVAILABLE, "connection-lost");
	failed(hull_instance_shutdown(instance, NULL, &err), &err, HULL_E_STATE, "shut-down");
	worked(hull_instance_wait(instance, NULL, NULL, &err), err);
	hull_instance_free(instance);
	close_helper(fd);
}

/* ---- ends ---- */

static void *shut_down_soon(void *arg)
{
	struct hull_error *err = NULL;

	(void)arg;
	usleep(300000);
	worked(hull_instance_shutdown(instance, NULL, &err), err);
	return NULL;
}

/* A shutdown ends a start; and one that fails leaves nothing, and its state directory to others. */
static void test_starts_that_fail(void)
{
	static const char *const quoted[] = {"a\"b"};
	const struct hull_start_options bad = {
		.size = sizeof(bad), .init_args = quoted, .n_init_args = 1};
	const struct hull_nic_options offloads = {.size = sizeof(offloads),
						  .features = HULL_NIC_CSUM | HULL_NIC_HOST_TSO4};
	struct hull_error *err = NULL;
	pthread_t thread;
	int fd;

	fresh();
	CHECK(pthread_create(&thread, NULL, shut_down_soon, NULL) == 0);
	failed(hull_instance_start(instance, NULL, &err), &err, HULL_E_CANCELED, NULL);
	pthread_join(thread, NULL);
	hull_instance_free(instance);
	fresh();
	failed(hull_instance_start(instance, &bad, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_instance_start(instance, NULL, &err), &err, HULL_E_STATE, "already-started");
	CHECK(!hull_instance_client(instance));
	worked(hull_instance_shutdown(instance, NULL, &err), err);
	hull_instance_free(instance);
	fresh();
	fd = helper(socket_path);
	worked(hull_instance_add_nic(instance, socket_path, NULL, HULL_NIC_DATAGRAM, &offloads,
				     &err),
	       err);
	failed(hull_instance_start(instance, NULL, &err), &err, HULL_E_UNSUPPORTED, NULL);
	close_helper(fd);
	hull_instance_free(instance);
	fresh();
	worked(hull_instance_add_fs(instance, "a", work, NULL, &err), err);
	worked(hull_instance_add_fs(instance, "a", work, NULL, &err), err);
	failed(hull_instance_start(instance, NULL, &err), &err, HULL_E_INVALID, NULL);
	hull_instance_free(instance);
}

static void *wait_end(void *arg)
{
	struct hull_error *err = NULL;
	const char *reason;

	worked(hull_instance_wait(instance, NULL, &reason, &err), err);
	CHECK(!strcmp(reason, arg));
	return NULL;
}

/* By itself, which any number wait for. */
static void test_power_off(void)
{
	const struct hull_start_options o = {.size = sizeof(o), .timeout_ms = 200000};
	/* Longer than a test may take. */
	const struct hull_call_options soon = {.size = sizeof(soon), .timeout_ms = 1000000};
	struct message none = {.len = 0};
	struct hull_error *err = NULL;
	pthread_t threads[3];
	int fd;

	fresh();
	worked(hull_instance_start(instance, &o, &err), err);
	for (size_t i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, wait_end, (char *)"shutdown") == 0);
	ask("PowerOff", &none);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	/* It is known to be gone, and nobody waits for it to come. */
	failed(hull_instance_start_stream(instance, "late", &soon, &fd, &err), &err,
	       HULL_E_UNAVAILABLE, "connection-lost");
	worked(hull_instance_shutdown(instance, NULL, &err), err);
	hull_instance_free(instance);
}

static void hold(void)
{
	const struct hull_start_options o = {.size = sizeof(o), .timeout_ms = 200000};
	struct hull_error *err = NULL;

	fresh();
	worked(hull_instance_start(instance, &o, &err), err);
	puts("held");
	fflush(stdout);
	if (getchar() != '\n')
		return;
	worked(hull_instance_shutdown(instance, NULL, &err), err);
	hull_instance_free(instance);
}

int main(int argc, char **argv)
{
	struct hull_error *err = NULL;

	CHECK(argc >= 6);
	state = argv[1];
	disk = argv[2];
	vmdk = argv[3];
	work = argv[4];
	kept = argv[5];
	snprintf(socket_path, sizeof(socket_path), "%s/helper.sock", state);
	begin();
	worked(hull_manager_new(&manager, &err), err);
	if (argc > 6) {
		hold();
	} else {
		test_before();
		test_all();
		test_starts_that_fail();
		test_power_off();
	}
	hull_manager_free(manager);
	end();
	return 0;
}
