/* SPDX-License-Identifier: Apache-2.0
 *
 * The VM description: defaults, round trips, every kind of refusal with its path, and the rules
 * between fields.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "config/config.h"
#include "config/virtiofs.h"
#include "corpus.h"

#include "../fuzz/fuzz-config.c"

#define ID "00112233445566778899aabbccddeeff"
#define GOOD                                                                   \
	"\"version\":1,\"id\":\"" ID "\",\"kernel\":\"/k\",\"initrd\":\"/i\"," \
	"\"run_dir\":\"/run/hull/vm/x\""

#define EFI                                                    \
	"{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\"," \
	"\"firmware\":{\"kind\":\"efi\",\"create\":true"
#define GPU(more) "{\"kind\":\"virtio-gpu\"" more "}"
#define FS(more) "{\"kind\":\"virtio-fs\"" more "}"
#define TAG36 "012345678901234567890123456789abcdef"
#define VPORT(more) "{\"kind\":\"virtio-vsock\"" more "}"
#define VPORTS(list) "{" GOOD ",\"devices\":[" list "]}"
#define VPORT1 VPORT(",\"port\":1,\"path\":\"/s\"")
#define PORTS(list) "{" GOOD ",\"networks\":[{\"ports\":[" list "]}]}"

static void test_defaults(void **state)
{
	cleanup_config struct hull_config c;
	cleanup_free char *text = NULL;

	hull_config_init(&c);
	assert_int_equal(c.cpus, 1);
	assert_int_equal(c.memory_bytes, 512 << 20);
	assert_int_equal(c.machine, HULL_MACHINE_AUTO);
	assert_int_equal(c.agent, HULL_AGENT_HULL);
	assert_int_equal(c.boot_timeout_ms, 60000);
	assert_true(c.seccomp && c.rng && !c.tied && !c.console);
	assert_null(c.cpu_model);
	assert_int_equal(hull_config_to_json(&c, &text, NULL), 0);
	assert_string_equal(text, "{\"version\":1}");
}

static void test_everything_round_trips(void **state)
{
	static const char text[] =
		"{\"version\":1,\"id\":\"" ID "\",\"name\":\"web\",\"cpus\":256,"
		"\"memory\":1073741824,\"machine\":\"microvm\",\"accel\":\"kvm\","
		"\"cpu_model\":\"max,+svm\",\"firmware\":{\"kind\":\"efi\",\"store\":\"/v\","
		"\"create\":true,\"code\":\"/c\",\"template\":\"/t\"},"
		"\"kernel\":\"/k\",\"initrd\":\"/i\","
		"\"append\":[\"a=\\\"b c\\\"\",\"\"],\"gdb\":{\"kind\":\"tcp\",\"port\":1234},"
		"\"panic_dump\":\"/d\",\"progress\":true,"
		"\"agent\":\"none\",\"console\":true,"
		"\"root\":{\"kind\":\"host\",\"cache\":\"none\"},"
		"\"disks\":[{\"path\":\"/d\",\"format\":\"qcow2\",\"readonly\":true,"
		"\"serial\":\"s\"},{\"scratch\":1048576}],\"networks\":[{\"kind\":\"user\","
		"\"provider\":\"builtin\",\"mac\":\"52:00:00:00:00:01\",\"ports\":["
		"{\"address\":\"::1\",\"host\":80,\"guest\":8080,\"count\":3,"
		"\"protocol\":\"udp\"}]}],"
		"\"display\":{\"kind\":\"vnc\",\"path\":\"/s\",\"port\":5900},"
		"\"cloud_init\":{\"user_data\":\"/ud\",\"meta_data\":\"/md\","
		"\"network_config\":\"/nc\"},\"ignition\":\"/g\",\"timesync\":{\"port\":9},"
		"\"rng\":false,\"seccomp\":false,"
		"\"tied\":true,\"boot_timeout_ms\":1,\"on_reboot\":\"end\","
		"\"isolation\":\"strict\","
		"\"restart\":{\"policy\":\"on-failure\",\"max\":3},\"run_dir\":\"/r\","
		"\"rest\":{\"kind\":\"tcp\",\"address\":\"::1\",\"port\":80},"
		"\"programs\":{\"qemu\":\"/q\",\"virtiofsd\":\"/v\",\"passt\":\"/p\"}}";
	cleanup_config struct hull_config c;
	cleanup_free char *again = NULL;
	cleanup_error struct hull_error *err = NULL;

	if (hull_config_from_json(text, strlen(text), &c, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(c.disks.n, 2);
	assert_string_equal(c.append.v[0], "a=\"b c\"");
	assert_int_equal(c.root.cache, HULL_SHARE_CACHE_NONE);
	assert_int_equal(c.disks.v[1].scratch_bytes, 1 << 20);
	assert_int_equal(hull_config_to_json(&c, &again, NULL), 0);
	assert_string_equal(again, text);
}

static void test_sizes_may_be_text(void **state)
{
	static const char text[] = "{\"version\":1,\"memory\":\"2GiB\"}";
	cleanup_config struct hull_config c;

	assert_int_equal(hull_config_from_json(text, strlen(text), &c, NULL), 0);
	assert_int_equal(c.memory_bytes, UINT64_C(2) << 30);
}

/* Reads @text and, if that succeeds, validates: the message of whichever refuses. */
static void assert_refused(const char *text, int code, const char *message)
{
	cleanup_config struct hull_config c;
	cleanup_error struct hull_error *err = NULL;
	const char *got;

	if (hull_config_from_json(text, strlen(text), &c, &err) == 0 &&
	    hull_config_validate(&c, &err) == 0)
		fail_msg("%s: accepted", text);
	got = hull_error_message(err);
	if (strncmp(got, "VM description: ", 16) != 0 || strcmp(got + 16, message) != 0)
		fail_msg("%s: '%s', not '%s'", text, got, message);
	assert_int_equal(hull_error_code(err), code);
}

static void test_reading_refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "JSON line 1, column 1: unexpected end"},
		{"[]", "must be an object"},
		{"{}", "version: missing"},
		{"{\"version\":\"1\"}", "version: must be a whole number"},
		{"{\"version\":1,\"disks\":[{\"path\":\"/a\"},{\"redonly\":true}]}",
		 "disks[1].redonly: unknown key; did you mean 'readonly'?"},
		{"{\"version\":1,\"xyzzy\":1}", "xyzzy: unknown key"},
		{"{\"version\":1,\"root\":{\"knd\":1}}",
		 "root.knd: unknown key; did you mean 'kind'?"},
		{"{\"version\":1,\"root\":null}", "root: must be an object"},
		{"{\"version\":1,\"disks\":{}}", "disks: must be an array"},
		{"{\"version\":1,\"disks\":[1]}", "disks[0]: must be an object"},
		{"{\"version\":1,\"append\":[\"a\",1]}", "append[1]: must be a string"},
		{"{\"version\":1,\"append\":\"a\"}", "append: must be an array"},
		{"{\"version\":1,\"name\":7}", "name: must be a string"},
		{"{\"version\":1,\"id\":\"" ID "0\"}", "id: must be at most 32 bytes long"},
		{"{\"version\":1,\"tied\":1}", "tied: must be true or false"},
		{"{\"version\":1,\"cpus\":0}", "cpus: must be between 1 and 256"},
		{"{\"version\":1,\"cpus\":257}", "cpus: must be between 1 and 256"},
		{"{\"version\":1,\"cpus\":-1}", "cpus: must be between 1 and 256"},
		{"{\"version\":1,\"cpus\":1.0}", "cpus: must be a whole number"},
		{"{\"version\":1,\"cpus\":\"2\"}", "cpus: must be a whole number"},
		{"{\"version\":1,\"memory\":\"1.5G\"}",
		 "memory: must be a number of bytes, or a size such as \"512M\""},
		{"{\"version\":1,\"memory\":\"63M\"}",
		 "memory: must be between 67108864 and 4398046511104"},
		{"{\"version\":1,\"on_reboot\":\"stop\"}",
		 "on_reboot: unknown value 'stop': must be one of auto, end, reboot"},
		{"{\"version\":1,\"machine\":\"q53\"}",
		 "machine: unknown value 'q53'; did you mean 'q35'?"},
		{"{\"version\":1,\"machine\":\"pc\"}",
		 "machine: unknown value 'pc': must be one of auto, q35, microvm, virt"},
		{"{\"version\":1,\"arch\":\"arm64\"}",
		 "arch: unknown value 'arm64': must be one of x86_64, aarch64"},
		{"{\"version\":1,\"accel\":true}", "accel: must be one of auto, kvm, tcg"},
		{"{\"version\":1,\"disks\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
		 "disks: must have at most 16 items"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, HULL_E_INVALID, cases[i].message);
	assert_refused("{\"version\":2,\"novel\":1}", HULL_E_UNSUPPORTED,
		       "version: 2 is not known, only 1 is");
}

static void test_validation_refuses(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"{\"version\":1}", "id: must be 32 lower-case hexadecimal digits"},
		{"{\"version\":1,\"id\":\"00112233445566778899AABBCCDDEEFF\"}",
		 "id: must be 32 lower-case hexadecimal digits"},
		{"{\"version\":1,\"id\":\"" ID "\"}", "run_dir: missing"},
		{"{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"r\"}",
		 "run_dir: 'r' is not an absolute path"},
		{"{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\"}", "kernel: missing"},
		{"{\"version\":1,\"id\":\"" ID "\",\"run_dir\":\"/r\",\"kernel\":\"/k\"}",
		 "initrd: missing, and agent 'hull' lives in it"},
		{"{" GOOD ",\"kernel\":\"k\"}", "kernel: 'k' is not an absolute path"},
		{"{" GOOD ",\"name\":\"-x\"}",
		 "name: '-x' must be letters, digits, '_', '.' and '-' only, beginning with a "
		 "letter or digit"},
		{"{" GOOD ",\"agent\":\"none\",\"root\":{\"kind\":\"host\"}}",
		 "root.kind: 'host' needs an agent in the guest to mount it"},
		{"{" GOOD ",\"append\":[\"a\",\"b\\nc\"]}",
		 "append[1]: control characters are not allowed"},
		{"{" GOOD ",\"arch\":\"aarch64\",\"root\":{\"kind\":\"host\"}}",
		 "root.kind: the host's programs are for x86_64, and this guest is aarch64"},
		{"{" GOOD ",\"arch\":\"aarch64\",\"machine\":\"microvm\"}",
		 "machine: there is no 'microvm' of aarch64"},
		{"{" GOOD ",\"arch\":\"x86_64\",\"machine\":\"virt\"}",
		 "machine: there is no 'virt' of x86_64"},
		{EFI "}}", "firmware.create: needs firmware.store"},
		{EFI ",\"store\":\"nv\"}}", "firmware.store: 'nv' is not an absolute path"},
		{EFI ",\"store\":\"/nv\",\"code\":\"/c\"}}",
		 "firmware.template: missing, code and template belong together"},
		{EFI ",\"store\":\"/nv\"},\"machine\":\"microvm\"}",
		 "machine: 'microvm' has no place for firmware; 'q35' has"},
		{EFI ",\"store\":\"/nv\"},\"append\":[\"quiet\"]}",
		 "append: firmware 'efi' boots what the disks hold, not this"},
		{EFI ",\"store\":\"/nv\"},\"link\":\"vsock\"}",
		 "link: 'vsock' needs an initrd, which firmware 'efi' is not given"},
		{"{" GOOD ",\"firmware\":{\"kind\":\"efi\"}}",
		 "kernel: firmware 'efi' boots what the disks hold, not this"},
		{"{" GOOD ",\"firmware\":{\"store\":\"/nv\"}}",
		 "firmware.kind: to be 'efi' for the firmware's other fields"},
		{"{" GOOD ",\"memory\":67108865}", "memory: must be a multiple of 1 MiB"},
		{"{" GOOD ",\"cpu_model\":\"help\"}", "cpu_model: 'help' is not a CPU model"},
		{"{" GOOD ",\"cpu_model\":\"max;x\"}", "cpu_model: 'max;x' is not a CPU model"},
		{VPORTS(VPORT(",\"path\":\"/s\"")), "devices[0].port: must be 1 to 4294967294"},
		{VPORTS(VPORT(",\"port\":4294967295,\"path\":\"/s\"")),
		 "devices[0].port: must be 1 to 4294967294"},
		{VPORTS(VPORT(",\"port\":1")), "devices[0].path: missing"},
		{VPORTS(VPORT(",\"port\":1,\"path\":\"s\"")),
		 "devices[0].path: not an absolute path"},
		{VPORTS(VPORT1 "," VPORT(",\"port\":1,\"path\":\"/t\"")),
		 "devices[1].port: devices[0] leads it elsewhere already"},
		{VPORTS(VPORT1 "," VPORT(",\"port\":2,\"path\":\"/s\",\"listen\":false")),
		 "devices[1].path: same as that of devices[0]"},
		{"{" GOOD ",\"link\":\"vsock\",\"devices\":[" VPORT1 "]}",
		 "link: 'vsock' is a vsock device too, and a guest can have only one: not "
		 "together with a device 'virtio-vsock', ignition or timesync"},
		{"{" GOOD ",\"devices\":[" FS("") "]}", "devices[0].dir: missing"},
		{"{" GOOD ",\"devices\":[" FS(",\"dir\":\"s\"") "]}",
		 "devices[0].dir: not an absolute path"},
		{"{" GOOD
		 ",\"devices\":[" FS(",\"dir\":\"/a/b\"") "," FS(",\"dir\":\"/c/b/\"") "]}",
		 "devices[1].tag: 'b' is that of devices[0] already"},
		{"{" GOOD ",\"devices\":[" FS(",\"dir\":\"/a/b\"") "," FS(
			 ",\"dir\":\"/c\",\"tag\":\"b\"") "]}",
		 "devices[1].tag: 'b' is that of devices[0] already"},
		{"{" GOOD ",\"devices\":[" FS(",\"dir\":\"/" TAG36 "x/\"") "]}",
		 "devices[0].tag: '" TAG36 "x' has 37 bytes, and 36 is the most"},
		{"{" GOOD ",\"devices\":[" FS(",\"dir\":\"/a\\tb\"") "]}",
		 "devices[0].tag: control characters are not allowed"},
		{"{" GOOD ",\"devices\":[" FS(",\"dir\":\"/a\",\"tag\":\"hull.root\"") "]}",
		 "devices[0].tag: 'hull.root': what begins with 'hull.' is for hull's own shares"},
		{"{" GOOD ",\"share_driver\":\"9p\",\"devices\":[" FS(",\"dir\":\"/a\"") "]}",
		 "devices[0]: the guest mounts it as virtiofs, which share driver '9p' does not "
		 "serve"},
		{"{" GOOD ",\"display\":{\"path\":\"/s\"}}",
		 "display.path: only with display.kind 'vnc'"},
		{"{" GOOD ",\"display\":{\"kind\":\"none\",\"port\":1}}",
		 "display.port: only with display.kind 'vnc'"},
		{"{" GOOD ",\"display\":{\"kind\":\"vnc\",\"path\":\"/s\",\"port\":1}}",
		 "display.port: not together with a path"},
		{"{" GOOD ",\"display\":{\"kind\":\"vnc\",\"path\":\"s\"}}",
		 "display.path: 's' is not an absolute path"},
		{"{" GOOD ",\"display\":{\"kind\":\"vnc\"}}",
		 "display: there is no screen to show"},
		{"{" GOOD ",\"devices\":[" GPU("") "," GPU(",\"gui\":true") "]}",
		 "devices[1].gui: it is the first screen that can be looked at, devices[0]"},
		{"{" GOOD ",\"cloud_init\":{\"network_config\":\"/n\"}}",
		 "cloud_init.network_config: needs user_data or meta_data"},
		{"{" GOOD ",\"cloud_init\":{\"user_data\":\"u\"}}",
		 "cloud_init.user_data: 'u' is not an absolute path"},
		{"{" GOOD ",\"ignition\":\"i\"}", "ignition: 'i' is not an absolute path"},
		{"{" GOOD
		 ",\"ignition\":\"/i\",\"devices\":[" VPORT(",\"port\":1024,\"path\":\"/s\"") "]}",
		 "ignition: devices[0] leads port 1024 elsewhere"},
		{"{" GOOD ",\"timesync\":{\"port\":4294967295}}",
		 "timesync.port: must be 1 to 4294967294"},
		{"{" GOOD ",\"disks\":[{}]}", "disks[0].path: missing"},
		{"{" GOOD ",\"disks\":[{\"path\":\"d\"}]}", "disks[0].path: not an absolute path"},
		{"{" GOOD ",\"disks\":[{\"path\":\"/d\",\"scratch\":\"1G\"}]}",
		 "disks[0].scratch: not together with a path"},
		{"{" GOOD ",\"disks\":[{\"scratch\":1048577}]}",
		 "disks[0].scratch: must be a multiple of 512"},
		{"{" GOOD ",\"disks\":[{\"scratch\":\"1G\",\"format\":\"qcow2\"}]}",
		 "disks[0].format: a scratch disk is raw"},
		{"{" GOOD ",\"disks\":[{\"scratch\":\"1G\",\"readonly\":true}]}",
		 "disks[0].readonly: of no use for a scratch disk"},
		{"{" GOOD ",\"disks\":[{\"path\":\"/d\",\"serial\":\"a,b\"}]}",
		 "disks[0].serial: must be letters, digits, '_', '.' and '-' only"},
		{"{" GOOD ",\"disks\":[{\"path\":\"/d\",\"serial\":\"a\"},"
		 "{\"path\":\"/e\",\"serial\":\"a\"}]}",
		 "disks[1].serial: same as that of another disk"},
		{"{" GOOD ",\"programs\":{\"qemu\":\"qemu\"}}",
		 "programs.qemu: 'qemu' is not an absolute path"},
		{"{" GOOD ",\"programs\":{\"passt\":\"none\"}}",
		 "programs.passt: 'none' is not an absolute path"},
		{"{" GOOD ",\"networks\":[{\"mac\":\"52:54:00:12:34\"}]}",
		 "networks[0].mac: '52:54:00:12:34' is not the hardware address of one device, "
		 "such "
		 "as 52:54:00:12:34:56"},
		{"{" GOOD ",\"networks\":[{},{\"mac\":\"01:00:5e:00:00:01\"}]}",
		 "networks[1].mac: '01:00:5e:00:00:01' is not the hardware address of one device, "
		 "such as 52:54:00:12:34:56"},
		{"{" GOOD ",\"networks\":[{\"mac\":\"52:00:00:00:00:0a\"},"
		 "{\"mac\":\"52:00:00:00:00:0A\"}]}",
		 "networks[1].mac: same as that of another network"},
		{PORTS("{\"host\":80,\"guest\":80,\"address\":\"localhost\"}"),
		 "networks[0].ports[0].address: 'localhost' is no IPv4 or IPv6 address"},
		{PORTS("{\"host\":80,\"guest\":80},{\"host\":65535,\"guest\":1,\"count\":2}"),
		 "networks[0].ports[1].host: 2 ports from 65535 are more than there are"},
		{PORTS("{\"host\":1,\"guest\":65000,\"count\":537}"),
		 "networks[0].ports[0].guest: 537 ports from 65000 are more than there are"},
		{PORTS("{\"host\":80,\"guest\":80},{\"host\":79,\"guest\":1,\"count\":2}"),
		 "networks[0].ports[1].host: port 80/tcp is forwarded twice, by "
		 "networks[0].ports[0] too"},
		{PORTS("{\"host\":80,\"guest\":80},{\"host\":80,\"guest\":80,"
		       "\"address\":\"::1\"}"),
		 "networks[0].ports[1].host: port 80/tcp is forwarded twice, by "
		 "networks[0].ports[0] too"},
		{PORTS("{\"host\":80,\"guest\":80,\"address\":\"0.0.0.0\"},{\"host\":80,"
		       "\"guest\":80,\"address\":\"192.0.2.1\"}"),
		 "networks[0].ports[1].host: port 80/tcp is forwarded twice, by "
		 "networks[0].ports[0] too"},
		{"{" GOOD ",\"networks\":[{\"ports\":[{\"host\":53,\"guest\":53,"
		 "\"protocol\":\"udp\"}]},{\"ports\":[{\"host\":53,\"guest\":54,"
		 "\"protocol\":\"udp\"}]}]}",
		 "networks[1].ports[0].host: port 53/udp is forwarded twice, by "
		 "networks[0].ports[0] too"},
		{"{" GOOD ",\"rest\":{\"kind\":\"unix\"}}",
		 "rest.path: to be given with rest.kind 'unix', and only then"},
		{"{" GOOD ",\"rest\":{\"kind\":\"tcp\",\"path\":\"/s\"}}",
		 "rest.path: to be given with rest.kind 'unix', and only then"},
		{"{" GOOD ",\"rest\":{\"kind\":\"unix\",\"path\":\"s\"}}",
		 "rest.path: 's' is not an absolute path"},
		{"{" GOOD ",\"rest\":{\"port\":80}}",
		 "rest.address, rest.port: only with rest.kind 'tcp'"},
		{"{" GOOD ",\"rest\":{\"kind\":\"tcp\",\"address\":\"example.org\"}}",
		 "rest.address: 'example.org' is not an address"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_refused(cases[i].text, HULL_E_INVALID, cases[i].message);
}

static void test_good_is_good(void **state)
{
	static const char *const cases[] = {
		"{" GOOD "}",
		"{" GOOD
		",\"root\":{\"kind\":\"host\"},\"name\":\"a.b-c_d\",\"cpu_model\":\"max,+svm\"}",
		"{\"version\":1,\"id\":\"" ID "\",\"kernel\":\"/k\",\"run_dir\":\"/r\","
		"\"agent\":\"none\",\"disks\":[{\"scratch\":\"1M\"},{\"path\":\"/x\"}],"
		"\"networks\":[{}]}",
		PORTS("{\"host\":1,\"guest\":1,\"count\":65535},"
		      "{\"host\":1,\"guest\":1,\"count\":65535,\"protocol\":\"udp\"},"
		      "{\"host\":80,\"guest\":1,\"address\":\"192.0.2.1\"},"
		      "{\"host\":80,\"guest\":1,\"address\":\"192.0.2.2\"},"
		      "{\"host\":80,\"guest\":1,\"address\":\"2001:db8::1\"}"),
		"{" GOOD ",\"networks\":[{},{},{},{\"mac\":\"02:00:00:00:00:0A\"}]}",
		EFI ",\"store\":\"/nv\",\"code\":\"/c\",\"template\":\"/t\"}}",
		"{" GOOD ",\"devices\":[" FS(",\"dir\":\"/a/" TAG36 "\"") "," FS(
			",\"dir\":\"/a/" TAG36 "\",\"tag\":\"hull\"") "]}",
		"{" GOOD ",\"display\":{\"kind\":\"vnc\",\"port\":5900},\"devices\":[" GPU(
			"") "," GPU("") "]}",
		"{" GOOD ",\"display\":{\"kind\":\"none\"},\"devices\":[" GPU("") "," GPU(
			",\"gui\":true") "]}",
		"{" GOOD ",\"devices\":[" GPU(",\"gui\":true") "," GPU(",\"gui\":true") "]}",
		"{" GOOD ",\"rest\":{\"kind\":\"unix\",\"path\":\"/s\"}}",
		"{" GOOD ",\"rest\":{\"kind\":\"tcp\",\"address\":\"localhost\"}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_config struct hull_config c;
		cleanup_error struct hull_error *err = NULL;

		if (hull_config_from_json(cases[i], strlen(cases[i]), &c, &err) < 0 ||
		    hull_config_validate(&c, &err) < 0)
			fail_msg("%s", hull_error_message(err));
	}
}

/* The last component as it is written, as Go's path.Base has it. */
static void test_directory_tags(void **state)
{
	static const struct {
		char *tag, *dir;
		const char *want;
	} cases[] = {
		{NULL, (char *)"/a/b", "b"},	    {NULL, (char *)"/a/b//", "b"},
		{NULL, (char *)"a", "a"},	    {NULL, (char *)"/", "/"},
		{NULL, (char *)"///", "/"},	    {NULL, (char *)"./", "."},
		{NULL, (char *)"/cwd/./", "."},	    {NULL, (char *)"/a/..", ".."},
		{NULL, (char *)"/a", "a"},	    {NULL, (char *)"/a//b", "b"},
		{(char *)"t/", (char *)"/a", "t/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_dev_fs fs = {.tag = cases[i].tag, .dir = cases[i].dir};
		cleanup_free char *text = NULL;
		size_t len;
		const char *tag = hull_fs_tag(&fs, &len);

		text = strndup(tag, len);
		assert_string_equal(text, cases[i].want);
		if (fs.tag)
			continue;
		assert_int_equal(hull_fs_keep_tag(&fs), 0);
		assert_string_equal(fs.tag, cases[i].want);
		free(fs.tag);
	}
}

/* A second reading into the same object replaces, and an empty string takes a value away. */
static void test_layers(void **state)
{
	static const char first[] = "{\"version\":1,\"name\":\"a\",\"append\":[\"x\"],\"cpus\":2,"
				    "\"disks\":[{\"path\":\"/a\"}]}";
	static const char second[] = "{\"version\":1,\"name\":\"\",\"append\":[\"y\",\"z\"],"
				     "\"disks\":[]}";
	cleanup_json struct hull_json *json = NULL;
	cleanup_config struct hull_config c;

	assert_int_equal(hull_config_from_json(first, strlen(first), &c, NULL), 0);
	assert_int_equal(hull_json_parse(second, strlen(second), &json, NULL), 0);
	assert_int_equal(hull_fields_from_json(&hull_config_fields, &c, json, NULL, NULL), 0);
	assert_null(c.name);
	assert_int_equal(c.append.n, 2);
	assert_int_equal(c.disks.n, 0);
	assert_int_equal(c.cpus, 2);
}

/* What an object says of itself keeps its cause and hint when it is told where that is. */
static void test_wrapped_errors_keep_hints(void **state)
{
	cleanup_strv struct hull_strv problems = {0};
	struct hull_field_where whole = {0};
	const struct hull_field_where list = {.parent = &whole, .name = "devices"};
	const struct hull_field_where item = {.parent = &list, .index = 3};
	cleanup_error struct hull_error *err = NULL;

	(void)hull_fail_cause(&err, HULL_E_INVALID, "a-cause", "is wrong");
	hull_hint(&err, "do it well");
	assert_int_equal(hull_field_fail(&item, &err), -1);
	assert_string_equal(hull_error_message(err), "devices[3]: is wrong");
	assert_string_equal(hull_error_cause(err), "a-cause");
	assert_string_equal(hull_error_hint(err), "do it well");

	whole.problems = &problems;
	hull_error_freep(&err);
	(void)hull_fail(&err, HULL_E_INVALID, "is wrong");
	hull_hint(&err, "do it well");
	assert_int_equal(hull_field_fail(&item, &err), 1);
	assert_null(err);
	(void)hull_fail(&err, HULL_E_INVALID, "is wrong, too");
	assert_int_equal(hull_field_fail(&whole, &err), 1);
	assert_null(err);
	assert_int_equal(problems.n, 2);
	assert_string_equal(problems.v[0], "devices[3]: is wrong (do it well)");
	assert_string_equal(problems.v[1], "is wrong, too");
	/* What is no fault of the object's is no problem of the list's. */
	(void)hull_fail(&err, HULL_E_OS, "is broken");
	assert_int_equal(hull_field_fail(&item, &err), -1);
	assert_string_equal(hull_error_message(err), "is broken");
}

static void test_problems_have_hints(void **state)
{
	static const char text[] =
		"{" GOOD ",\"devices\":[{\"kind\":\"nbd\",\"uri\":\"nbds://h/x\"}]}";
	cleanup_strv struct hull_strv problems = {0};
	cleanup_config struct hull_config c;

	assert_int_equal(hull_config_from_json(text, strlen(text), &c, NULL), 0);
	assert_int_equal(hull_config_problems(&c, &problems, NULL), 0);
	assert_int_equal(problems.n, 1);
	assert_non_null(strstr(problems.v[0], "devices[0].uri: 'nbds://h/x': "));
	assert_non_null(strstr(problems.v[0], " (have a tunnel end on this host"));
}

static void check_table(const struct hull_fields *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct hull_field *f = &t->v[i];

		assert_true(f->name && *f->name && f->help && *f->help);
		assert_true(f->offset < t->size);
		assert_true(f->help[strlen(f->help) - 1] != '.');
		if (f->type == HULL_FIELD_TYPE_U64)
			assert_true(f->min <= f->initial && f->initial <= f->max);
		if (f->type == HULL_FIELD_TYPE_ENUM)
			assert_non_null(f->names);
		if (f->type == HULL_FIELD_TYPE_STRING || f->type == HULL_FIELD_TYPE_LIST)
			assert_true(f->max > 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->name, t->v[k].name);
		if (f->fields)
			check_table(f->fields);
	}
}

static void test_tables(void **state)
{
	check_table(&hull_config_fields);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("config") >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything_round_trips),
		cmocka_unit_test(test_sizes_may_be_text),
		cmocka_unit_test(test_reading_refuses),
		cmocka_unit_test(test_validation_refuses),
		cmocka_unit_test(test_good_is_good),
		cmocka_unit_test(test_directory_tags),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_wrapped_errors_keep_hints),
		cmocka_unit_test(test_problems_have_hints),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
