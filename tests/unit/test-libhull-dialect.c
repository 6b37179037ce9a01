/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of the library's descriptions: arguments and JSON of either dialect, what is lost on
 * the way, and the command that is started with them.
 */
#define _GNU_SOURCE
#include "libhull.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct hull_vm_config *from_json(const char *text, uint32_t dialect)
{
	struct hull_vm_config *c = NULL;
	struct hull_error *err = NULL;

	if (hull_vm_config_from_json(text, strlen(text), dialect, &c, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	return c;
}

/* ---- dialects ---- */

static void test_from_args(void **state)
{
	static const char *const args[] = {
		"-c3",	      "-b", "efi,variable-store=nv", "--log-level",
		"info",	      "-d", "virtio-net,fd=4",	     "--timesync",
		"vsockPort=5"};
	struct hull_vm_config *c;
	struct hull_error *err = NULL;
	char **lines;

	assert_int_equal(hull_vm_config_from_args(args, 9, HULL_DIALECT_VFKIT, 0, &c, NULL), 0);
	assert_int_equal(hull_vm_config_get_vcpus(c), 3);
	assert_int_equal(hull_vm_config_notes(c, &lines, NULL), 0);
	assert_string_equal(lines[0], "--log-level is not part of the description");
	assert_null(lines[1]);
	hull_free(lines);
	assert_int_equal(hull_vm_config_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_ARGS, &lines, NULL),
			 0);
	assert_non_null(strstr(lines[0], "timesync"));
	hull_free(lines);
	assert_int_equal(hull_vm_config_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_JSON, &lines, NULL),
			 0);
	assert_non_null(strstr(lines[0], "descriptor"));
	hull_free(lines);
	assert_int_equal(hull_vm_config_losses(c, HULL_DIALECT_VFKIT, 9, &lines, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "form");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(args, 2, HULL_DIALECT_VFKIT, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "-b");
	assert_int_equal(hull_vm_config_from_args(args, 9, 7, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "dialect");
}

static void test_json(void **state)
{
	static const char text[] =
		"{\"vcpus\":1,\"memoryBytes\":1048577,\"bootloader\":null,\"devices\":[{\"kind\":"
		"\"virtionet\",\"nat\":false,\"socket\":{}}]}";
	struct hull_vm_config *c = from_json(text, HULL_DIALECT_VFKIT);
	struct hull_error *err = NULL;
	struct hull_net_options net;
	void *strings;
	char **args;

	expect_json(c, HULL_DIALECT_VFKIT, text);
	assert_int_equal(hull_vm_config_get_net(c, 0, &net, sizeof(net), &strings, NULL), 0);
	assert_int_equal(net.socket, 1);
	assert_int_equal(net.fd, -1);
	hull_free(strings);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_VFKIT, &args, &err), -1);
	expect_error(&err, HULL_E_INVALID, "bootloader");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_json("[]", 2, HULL_DIALECT_VFKIT, &c, &err), -1);
	hull_error_free(err);
	err = NULL;
	assert_int_equal(hull_vm_config_from_json("[]", 2, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "dialect: 0");
}

/* hull's own dialect goes through whole. */
static void test_own_json(void **state)
{
	static const char text[] =
		"{\"version\":1,\"root\":{\"kind\":\"host\",\"readonly\":true},\"shares\":[{"
		"\"source\":\"a\",\"target\":\"/b\"}],\"cpus\":4,\"memory\":\"1G\",\"kernel\":"
		"\"k\",\"append\":[\"x\",\"y\"],\"devices\":[{\"kind\":\"virtio-blk\",\"path\":"
		"\"d\"}]}";
	struct hull_vm_config *c = from_json(text, HULL_DIALECT_HULL);
	struct hull_error *err = NULL;
	char *out;

	assert_int_equal(hull_vm_config_get_vcpus(c), 4);
	assert_int_equal(hull_vm_config_get_memory_bytes(c), 1 << 30);
	assert_int_equal(hull_vm_config_bootloader_kind(c), HULL_BOOTLOADER_LINUX);
	expect_json(c, HULL_DIALECT_HULL,
		    "{\"version\":1,\"root\":{\"kind\":\"host\",\"readonly\":true},\"shares\":[{"
		    "\"source\":\"a\",\"target\":\"/b\"}],\"cpus\":4,\"memory\":1073741824,"
		    "\"kernel\":\"k\",\"append\":[\"x y\"],\"devices\":[{\"kind\":\"virtio-blk\","
		    "\"path\":\"d\"}]}");
	hull_vm_config_set_vcpus(c, 0);
	assert_int_equal(hull_vm_config_to_json(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_INVALID, "cpus");
	hull_vm_config_set_vcpus(c, 1);
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_json("{\"version\":1,\"id\":\"x\"}", 22,
						  HULL_DIALECT_HULL, &c, &err),
			 -1);
	expect_error(&err, HULL_E_INVALID, "id: unknown key");
}

static void test_own_args(void **state)
{
	static const char *const args[] = {"--cpus=2",	  "-m",
					   "1G",	  "--kernel",
					   "k",		  "--append",
					   "quiet",	  "--agent",
					   "none",	  "--console",
					   "--root",	  "none",
					   "--device",	  "virtio-gpu,width=1,height=2",
					   "--net",	  "user",
					   "--restart",	  "on-failure:3",
					   "--on-reboot", "end"};
	static const char *const command[] = {"-c2", "uname"}, *const volume[] = {"-v", "/a:/b"};
	struct hull_vm_config *c;
	struct hull_error *err = NULL;
	char **out;

	assert_int_equal(
		hull_vm_config_from_args(args, ARRAY_SIZE(args), HULL_DIALECT_HULL, 0, &c, &err),
		0);
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 2 --memory 1024M --kernel k --append quiet --agent none --console "
		    "--root none --net user --device virtio-gpu,width=1,height=2 --on-reboot end "
		    "--restart on-failure:3");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(command, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "'uname': a command");
	assert_int_equal(hull_vm_config_from_args(volume, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "'-v'");
	assert_int_equal(hull_vm_config_from_args(args, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "--memory needs a value");
	c = from_json("{\"version\":1,\"restart\":{\"policy\":\"always\"}}", HULL_DIALECT_HULL);
	expect_args(c, HULL_DIALECT_HULL, "--cpus 1 --memory 512M --restart always");
	hull_vm_config_free(c);
	c = from_json("{\"version\":1,\"restart\":{\"policy\":\"always\",\"max\":2}}",
		      HULL_DIALECT_HULL);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "restart: there is no option for all of it");
	hull_vm_config_free(c);
	c = from_json("{\"version\":1,\"gdb\":{\"kind\":\"socket\"}}", HULL_DIALECT_HULL);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "gdb");
	hull_vm_config_free(c);
}

/* The lines of one string each, joined. */
static void expect_losses(struct hull_vm_config *c, uint32_t dialect, uint32_t form,
			  const char *want)
{
	struct hull_error *err = NULL;
	char line[1024] = "", **lines;

	if (hull_vm_config_losses(c, dialect, form, &lines, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	for (size_t i = 0; lines[i]; i++) {
		strcat(line, i ? "; " : "");
		strcat(line, lines[i]);
	}
	assert_string_equal(line, want);
	hull_free(lines);
}

#ifdef __aarch64__
#define MACHINE_JSON
#define MACHINE_ARGS
#else
#define MACHINE_JSON "\"machine\":\"q35\","
#define MACHINE_ARGS "--machine q35 "
#endif
#define FOREIGN "{\"version\":1," MACHINE_JSON "\"agent\":\"none\",\"rng\":false,"
#define FOREIGN_LINUX FOREIGN "\"on_reboot\":\"reboot\","

/* A machine of vfkit's, in hull's dialect, has none of hull's parts. */
static void test_to_own(void **state)
{
	struct hull_vm_config *c = make();

	expect_json(c, HULL_DIALECT_HULL,
		    FOREIGN "\"cpus\":2,\"memory\":1073741824,\"firmware\":{\"kind\":\"efi\","
			    "\"store\":\"nv\"}}");
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 2 --memory 1024M " MACHINE_ARGS "--firmware efi,store=nv --agent none");
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "linux,kernel=/k,initrd=/i", NULL),
			 0);
	assert_int_equal(hull_vm_config_add_rng(c, NULL, NULL), 0);
	expect_json(c, HULL_DIALECT_HULL,
		    FOREIGN_LINUX
		    "\"cpus\":2,\"memory\":1073741824,\"kernel\":\"/k\",\"initrd\":\"/i\","
		    "\"devices\":[{\"kind\":\"virtio-rng\"}]}");
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 2 --memory 1024M " MACHINE_ARGS
		    "--kernel /k --initrd /i --agent none --device virtio-rng --on-reboot reboot");
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_JSON, "");
	hull_vm_config_set_nested(c, 1);
	assert_int_equal(hull_vm_config_set_timesync(c, 5, NULL), 0);
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_ARGS,
		      "rng: no option of 'hull run' says that there is none; nested: hull has "
		      "no place for it");
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_JSON, "nested: hull has no place for it");
	expect_json(c, HULL_DIALECT_HULL,
		    FOREIGN_LINUX
		    "\"cpus\":2,\"memory\":1073741824,\"kernel\":\"/k\",\"initrd\":\"/i\","
		    "\"devices\":[{\"kind\":\"virtio-rng\"}],\"timesync\":{\"port\":5}}");
	assert_int_equal(hull_vm_config_set_timesync(c, 0, NULL), 0);
	/* Without a bootloader it boots what hull has. */
	assert_int_equal(hull_vm_config_set_bootloader(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_remove(c, 0, NULL), 0);
	expect_json(c, HULL_DIALECT_HULL, "{\"version\":1,\"cpus\":2,\"memory\":1073741824}");
	hull_vm_config_free(c);
}

static void test_from_own(void **state)
{
	struct hull_vm_config *c = from_json(
		"{\"version\":1,\"firmware\":{\"kind\":\"efi\",\"store\":\"nv\",\"code\":"
		"\"c\",\"template\":\"t\"},\"disks\":[{\"path\":\"/d\"}],\"rng\":false,"
		"\"networks\":[{\"kind\":\"user\"}],\"devices\":[{\"kind\":\"virtio-net\","
		"\"path\":\"/n\",\"mode\":\"stream\",\"magic\":false}]}",
		HULL_DIALECT_HULL);

	assert_int_equal(hull_vm_config_set_ignition(c, "/i", NULL), 0);
	expect_args(c, HULL_DIALECT_VFKIT,
		    "--cpus 1 --memory 512 --bootloader efi,variable-store=nv --device "
		    "virtio-blk,path=/d --device virtio-net,nat --device "
		    "virtio-net,type=unixgram,path=/n,vfkitMagic=off --ignition /i");
	expect_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_ARGS,
		      "agent: vfkit has no 'hull'; firmware.code: vfkit has no place for it; "
		      "devices[2].mode: vfkit has no place for it");
	/* What the firmware is made of stays with the firmware. */
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "efi,variable-store=x,create", NULL),
			 0);
	expect_json(
		c, HULL_DIALECT_HULL,
		"{\"version\":1,\"firmware\":{\"kind\":\"efi\",\"store\":\"x\",\"create\":true,"
		"\"code\":\"c\",\"template\":\"t\"},\"disks\":[{\"path\":\"/d\"}],\"rng\":false,"
		"\"networks\":[{\"kind\":\"user\"}],\"cpus\":1,\"memory\":536870912,\"devices\":["
		"{\"kind\":\"virtio-net\",\"path\":\"/n\",\"magic\":false,\"mode\":\"stream\"}"
		"],\"ignition\":\"/i\"}");
	assert_int_equal(hull_vm_config_set_bootloader_text(c, "linux,kernel=/k", NULL), 0);
	expect_json(
		c, HULL_DIALECT_HULL,
		"{\"version\":1,\"disks\":[{\"path\":\"/d\"}],\"rng\":false,\"networks\":[{"
		"\"kind\":\"user\"}],\"cpus\":1,\"memory\":536870912,\"kernel\":\"/k\","
		"\"devices\":[{\"kind\":\"virtio-net\",\"path\":\"/n\",\"magic\":false,\"mode\":"
		"\"stream\"}],\"ignition\":\"/i\"}");
	hull_vm_config_free(c);
}

/* What both dialects have goes there and back, and can be asked for. */
static void test_services(void **state)
{
	struct hull_vm_config *c = from_json(
		"{\"version\":1,\"kernel\":\"/k\",\"ignition\":\"/i\",\"timesync\":{\"port\":7}}",
		HULL_DIALECT_HULL);
	static const char *const args[] = {"--timesync=vsockPort=5"};
	static const char *const bad[] = {"--timesync=vsockPort=0"};
	struct hull_error *err = NULL;
	char *path;

	assert_int_equal(hull_vm_config_get_timesync(c), 7);
	assert_int_equal(hull_vm_config_get_ignition(c, &path, NULL), 0);
	assert_string_equal(path, "/i");
	hull_free(path);
	expect_json(c, HULL_DIALECT_HULL,
		    "{\"version\":1,\"cpus\":1,\"memory\":536870912,\"kernel\":\"/k\","
		    "\"ignition\":\"/i\",\"timesync\":{\"port\":7}}");
	expect_json(c, HULL_DIALECT_VFKIT,
		    "{\"vcpus\":1,\"memoryBytes\":536870912,\"bootloader\":{\"kind\":"
		    "\"linuxBootloader\",\"vmlinuzPath\":\"/k\",\"kernelCmdLine\":\"\","
		    "\"initrdPath\":\"\"},\"devices\":[{\"kind\":\"virtiorng\"}],\"timesync\":{"
		    "\"vsockPort\":7},\"ignition\":{\"kind\":\"ignition\",\"configPath\":\"/i\"}}");
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 1 --memory 512M --kernel /k --ignition /i --timesync vsockPort=7");
	expect_losses(c, HULL_DIALECT_HULL, HULL_FORM_ARGS, "");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(args, 1, HULL_DIALECT_HULL, 0, &c, NULL), 0);
	assert_int_equal(hull_vm_config_get_timesync(c), 5);
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(bad, 1, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "--timesync: 'vsockPort' is needed");
}

/* What a machine has of the host. */
static void test_resource_options(void **state)
{
	static const char *const resources[] = {"--memory-backing=prealloc,hugepages=2M,dir=/d",
						"--cpus-max=4",
						"--memory-slots",
						"2",
						"--memory-max=2G",
						"--cpu-feature",
						"-avx",
						"--cpu-feature=+svm",
						"--iommu",
						"intel"};
	struct hull_vm_config *c;

	assert_int_equal(hull_vm_config_from_args(resources, ARRAY_SIZE(resources),
						  HULL_DIALECT_HULL, 0, &c, NULL),
			 0);
	expect_args(
		c, HULL_DIALECT_HULL,
		"--cpus 1 --memory 512M --cpus-max 4 --memory-max 2G --memory-slots 2 "
		"--memory-backing prealloc,hugepages=2M,dir=/d --iommu intel --cpu-feature -avx "
		"--cpu-feature +svm");
	hull_vm_config_free(c);
}

/* Options of hull's alone, and what no option says. */
static void test_own_options(void **state)
{
	static const char *const args[] = {"--firmware", "efi,store=s,create,code=c,template=t"};
	static const char *const bad[] = {"--firmware", "efi,stone=s"};
	struct hull_error *err = NULL;
	struct hull_vm_config *c;
	struct hull_net_options net;
	void *strings;
	char **out;

	assert_int_equal(hull_vm_config_from_args(args, 2, HULL_DIALECT_HULL, 0, &c, NULL), 0);
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 1 --memory 512M --firmware efi,store=s,create,code=c,template=t");
	assert_int_equal(hull_vm_config_add_net(c,
						OPTIONS(net, .path = "/n", .mode = "stream",
							.mtu = 1500, .features = "CSUM"),
						NULL),
			 0);
	assert_int_equal(hull_vm_config_get_net(c, 0, &net, sizeof(net), &strings, NULL), 0);
	assert_string_equal(net.mode, "stream");
	assert_string_equal(net.features, "CSUM");
	assert_int_equal(net.mtu, 1500);
	assert_int_equal(net.no_magic, 0);
	hull_free(strings);
	assert_int_equal(hull_vm_config_set_net_path(c, 0, "/m", NULL), 0);
	assert_int_equal(hull_vm_config_add_blk(c,
						OPTIONS(blk, .path = "/q", .format = "qcow2",
							.cache = "none", .aio = "native",
							.discard = 1, .queues = 2, .iothread = 1),
						NULL),
			 0);
	assert_int_equal(hull_vm_config_add_gpu(c, OPTIONS(gpu, .gui = 1), NULL), 0);
	expect_args(c, HULL_DIALECT_HULL,
		    "--cpus 1 --memory 512M --firmware efi,store=s,create,code=c,template=t "
		    "--device virtio-net,type=unixgram,path=/m,vfkitMagic=off,mode=stream,mtu=1500,"
		    "features=CSUM --device virtio-blk,path=/q,format=qcow2,cache=none,aio=native,"
		    "discard,queues=2,iothread --device virtio-gpu,width=800,height=600,gui");
	expect_losses(c, HULL_DIALECT_VFKIT, HULL_FORM_JSON,
		      "agent: vfkit has no 'hull'; firmware.code: vfkit has no place for it; "
		      "devices[0]: vfkitMagic=off is not in JSON and reads as on; "
		      "devices[0].mode: vfkit has no place for it; "
		      "devices[0].mtu: vfkit has no place for it; "
		      "devices[0].features: vfkit has no place for it; "
		      "devices[1].format: vfkit has no place for it; "
		      "devices[1].cache: vfkit has no place for it; "
		      "devices[1].aio: vfkit has no place for it; "
		      "devices[1].discard: vfkit has no place for it; "
		      "devices[1].queues: vfkit has no place for it; "
		      "devices[1].iothread: vfkit has no place for it");
	assert_int_equal(hull_vm_config_add_fs(c, OPTIONS(fs, .dir = "/a,b"), NULL), 0);
	assert_int_equal(hull_vm_config_to_args(c, HULL_DIALECT_HULL, &out, &err), -1);
	expect_error(&err, HULL_E_UNSUPPORTED, "devices[3]: there are no options for all of it");
	hull_vm_config_free(c);
	assert_int_equal(hull_vm_config_from_args(bad, 2, HULL_DIALECT_HULL, 0, &c, &err), -1);
	expect_error(&err, HULL_E_INVALID, "--firmware: unknown option 'stone'");
}

/* ---- running ---- */

/* A program that tells its arguments and what its descriptors 3, 4 and 5 are. */
#define SHELL "/bin/sh"
static const char script[] = "printf '%s\\n' \"$@\"; for f in 3 4 5; do "
			     "readlink /proc/self/fd/$f || echo none; done | sed 's/:.*//'";

static size_t read_all(int fd, char *buffer, size_t size)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, buffer + n, size - 1 - n)) > 0)
		n += (size_t)r;
	buffer[n] = '\0';
	return n;
}

static void test_spawn(void **state)
{
	struct hull_vm_config *c = make();
	struct hull_error *err = NULL;
	struct hull_process *p;
	struct hull_net_options net;
	int a[2], b[2], out[2], status;
	char program[] = "/tmp/test-libhull-XXXXXX", got[4096];
	const char *const more[] = {"more", NULL};
	struct hull_cmd_fd fds[] = {{.to = 1}};
	const struct hull_cmd_options o = {
		.size = sizeof(o), .program = program, .args = more, .fds = fds, .n_fds = 1};
	int file = mkstemp(program);
	void *strings;

	assert_int_equal(dprintf(file, "#!" SHELL "\n%s\n", script) > 0, 1);
	assert_int_equal(fchmod(file, 0700), 0);
	close(file);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, b), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .socket = 1, .fd = b[0]), NULL), 0);
	assert_int_equal(hull_vm_config_add_net(c, NULL, NULL), 0);
	assert_int_equal(hull_vm_config_add_net(c, OPTIONS(net, .socket = 1, .fd = a[0]), NULL), 0);
	fds[0].from = out[1];
	if (hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	close(out[1]);
	read_all(out[0], got, sizeof(got));
	assert_string_equal(
		got, "--cpus\n2\n--memory\n1024\n--bootloader\n"
		     "efi,variable-store=nv\n--device\nvirtio-net,fd=3\n--device\n"
		     "virtio-net,nat\n--device\nvirtio-net,fd=4\nmore\nsocket\nsocket\nnone\n");
	assert_int_equal(hull_process_wait(p, 60000, &status, NULL), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(hull_process_wait(p, 0, &status, NULL), 0);
	assert_int_equal(hull_process_kill(p, SIGTERM, NULL), 0);
	hull_process_free(p);
	/* Here they have their own numbers still. */
	assert_int_equal(hull_vm_config_get_net(c, 2, &net, sizeof(net), &strings, NULL), 0);
	assert_int_equal(net.fd, a[0]);
	hull_free(strings);
	assert_int_equal(hull_vm_config_get_net(c, 0, &net, sizeof(net), &strings, NULL), 0);
	assert_int_equal(net.fd, b[0]);
	hull_free(strings);
	/* One that is not open any more. */
	snprintf(got, sizeof(got), "devices[2]: descriptor %d is not open", a[0]);
	close(a[0]);
	fds[0].from = b[1];
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_INVALID, got);
	unlink(program);
	close(a[1]);
	close(b[0]);
	close(b[1]);
	close(out[0]);
	hull_vm_config_free(c);
}

static void test_process(void **state)
{
	const char *const args[] = {"-c", "sleep 60", NULL};
	struct hull_cmd_options o = {.size = sizeof(o), .program = "env", .args = args};
	struct hull_vm_config *c = NULL;
	struct hull_error *err = NULL;
	struct hull_process *p;
	int status;

	/* env: "--cpus" is no option of its, so that it ends with 125. */
	c = make();
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, NULL), 0);
	assert_int_equal(hull_process_wait(p, UINT64_MAX, &status, NULL), 0);
	assert_int_equal(WEXITSTATUS(status), 125);
	hull_process_free(p);
	o.program = "/nowhere/at-all";
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "/nowhere/at-all");
	o.program = "no-such-program-anywhere";
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "along PATH");
	o = (struct hull_cmd_options){.size = sizeof(o), .program = "env", .detach = 1};
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, NULL), 0);
	assert_int_equal(hull_process_pid(p), 0);
	assert_int_equal(hull_process_fd(p), -1);
	assert_int_equal(hull_process_wait(p, 0, &status, &err), -1);
	expect_error(&err, HULL_E_STATE, "detached");
	hull_process_free(p);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	hull_vm_config_free(c);
}

/* "cat" with nothing but its file's name waits for its standard input to end. */
static void test_wait(void **state)
{
	const struct hull_bootloader_options none = {.size = sizeof(none),
						     .macos = OPTIONS(macos, .machine_id = "m")};
	struct hull_cmd_fd fd = {.to = 0};
	struct hull_cmd_options o = {
		.size = sizeof(o), .program = "cat", .fds = &fd, .n_fds = 1, .new_session = 1};
	struct hull_vm_config *c = NULL;
	struct hull_error *err = NULL;
	struct hull_process *p;
	int in[2], status;

	assert_int_equal(hull_vm_config_new(0, 0, &none, &c, NULL), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	fd.from = in[0];
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, NULL), 0);
	assert_true(hull_process_pid(p) > 0);
	assert_true(hull_process_fd(p) > 2);
	assert_int_equal(hull_process_wait(p, 20, &status, &err), -1);
	expect_error(&err, HULL_E_TIMEOUT, "runs still");
	assert_int_equal(hull_process_kill(p, SIGKILL, NULL), 0);
	assert_int_equal(hull_process_wait(p, 60000, &status, NULL), 0);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	hull_process_free(p);
	fd.to = 64;
	assert_int_equal(hull_vm_config_spawn(c, HULL_DIALECT_VFKIT, &o, &p, &err), -1);
	expect_error(&err, HULL_E_INVALID, "descriptor 64");
	close(in[0]);
	close(in[1]);
	hull_vm_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_args),   cmocka_unit_test(test_json),
		cmocka_unit_test(test_own_json),    cmocka_unit_test(test_own_args),
		cmocka_unit_test(test_to_own),	    cmocka_unit_test(test_from_own),
		cmocka_unit_test(test_services),    cmocka_unit_test(test_resource_options),
		cmocka_unit_test(test_own_options), cmocka_unit_test(test_spawn),
		cmocka_unit_test(test_process),	    cmocka_unit_test(test_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
