/* SPDX-License-Identifier: Apache-2.0
 *
 * What disks are made of: addresses of NBD servers, headers of images, properties that contradict
 * each other, and the words by which they are given.
 */
#include "unit.h"

#include "backend/qemu/image.h"
#include "backend/qemu/vmdk.h"
#include "base/cleanup.h"
#include "config/config.h"
#include "config/nbd.h"
#include "config/vfkit.h"
#include "corpus.h"

#include "../fuzz/fuzz-disks.c"

#include <string.h>

/* ---- NBD ---- */

static void test_nbd(void **state)
{
	static const struct {
		const char *uri, *host;
		uint16_t port;
		const char *socket, *export;
	} good[] = {
		{"nbd://h", "h", 10809, NULL, ""},
		{"nbd://h/", "h", 10809, NULL, ""},
		{"nbd://10.0.0.1:1/a/b", "10.0.0.1", 1, NULL, "a/b"},
		{"nbd://[::1]", "::1", 10809, NULL, ""},
		{"nbd://[fe80::1%25eth0]:65535//x", "fe80::1%eth0", 65535, NULL, "/x"},
		{"nbd://h/%C3%a4%20", "h", 10809, NULL, "\xc3\xa4 "},
		{"nbd+unix:///?socket=/s", NULL, 0, "/s", ""},
		{"nbd+unix://?socket=/a%3fb", NULL, 0, "/a?b", ""},
		{"nbd+unix:///e%2F?socket=/run/s.sock", NULL, 0, "/run/s.sock", "e/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_nbd struct hull_nbd n = {0};

		if (hull_nbd_parse(good[i].uri, &n, &err) < 0)
			fail_msg("%s: %s", good[i].uri, hull_error_message(err));
		assert_int_equal(!n.host, !good[i].host);
		if (n.host)
			assert_string_equal(n.host, good[i].host);
		assert_int_equal(!n.socket, !good[i].socket);
		if (n.socket)
			assert_string_equal(n.socket, good[i].socket);
		assert_int_equal(n.port, good[i].port);
		assert_string_equal(n.export, good[i].export);
	}
}

static void test_nbd_refused(void **state)
{
	static const struct {
		const char *uri, *why;
	} bad[] = {
		{"", "must begin with nbd://"},
		{"nbd:h:1", "must begin with nbd://"},
		{"nbd:/h", "must begin with nbd://"},
		{"NBD://h", "must begin with nbd://"},
		{"http://h", "must begin with nbd://"},
		{"nbd+tcp://h", "must begin with nbd://"},
		{"nbds://h", "encrypted"},
		{"nbds+unix:///?socket=/s", "encrypted"},
		{"nbd://", "a host of 1"},
		{"nbd:///e", "a host of 1"},
		{"nbd://:1", "a host of 1"},
		{"nbd://[]", "a host of 1"},
		{"nbd://[::1", "'[' without ']'"},
		{"nbd://[::1]x", "after the host"},
		{"nbd://u@h", "users"},
		{"nbd://h:", "port ''"},
		{"nbd://h:0", "port '0'"},
		{"nbd://h:65536", "port '65536'"},
		{"nbd://h:1x", "port '1x'"},
		{"nbd://h/e?x=1", "nothing may come after"},
		{"nbd://h/e#", "nothing may come after"},
		{"nbd://h/%", "two hexadecimal digits"},
		{"nbd://h/%4", "two hexadecimal digits"},
		{"nbd://h/%4g", "two hexadecimal digits"},
		{"nbd://h/%00", "no plain text"},
		{"nbd://h/%0a", "no plain text"},
		{"nbd://h/%ff", "no plain text"},
		{"nbd+unix:///e", "'?socket='"},
		{"nbd+unix:///e?sock=/s", "'?socket='"},
		{"nbd+unix://h/?socket=/s", "a socket has no host"},
		{"nbd+unix:///?socket=s", "must be absolute"},
		{"nbd+unix:///?socket=", "must be absolute"},
		{"nbd+unix:///?socket=/s&x=1", "nothing may come after"},
		{"nbd+unix:///?socket=/s#f", "nothing may come after"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_error struct hull_error *err = NULL;
		struct hull_nbd n;

		if (hull_nbd_parse(bad[i].uri, &n, &err) == 0)
			fail_msg("'%s' was accepted", bad[i].uri);
		if (!strstr(hull_error_message(err), bad[i].why))
			fail_msg("'%s': no '%s' in: %s", bad[i].uri, bad[i].why,
				 hull_error_message(err));
	}
}

static void test_nbd_lengths(void **state)
{
	cleanup_error struct hull_error *socket = NULL, *uri = NULL;
	char text[HULL_NBD_URI_MAX + 2] = "nbd+unix:///?socket=/";
	size_t len = strlen(text);
	struct hull_nbd n;

	memset(text + len, 'x', 106);
	assert_int_equal(hull_nbd_parse(text, &n, NULL), 0);
	hull_nbd_fini(&n);
	text[len + 106] = 'x';
	assert_int_equal(hull_nbd_parse(text, &n, &socket), -1);
	assert_non_null(strstr(hull_error_message(socket), "107 bytes"));
	memset(text + len, 'x', sizeof(text) - 1 - len);
	assert_int_equal(hull_nbd_parse(text, &n, &uri), -1);
	assert_non_null(strstr(hull_error_message(uri), "longer than"));
}

/* ---- images ---- */

static const char *fault(const char *format, bool readonly, const void *head, size_t len)
{
	const struct hull_image_fault *f = hull_image_look(format, readonly, head, len);

	return f ? f->text : NULL;
}

static void test_qcow2(void **state)
{
	char head[512] = "QFI\xfb\0\0\0\3";

	assert_null(fault("qcow2", false, head, sizeof(head)));
	assert_null(fault("raw", false, head, sizeof(head)));
	assert_string_equal(fault("qcow2", false, head, 79), "is not a qcow2 image");
	assert_string_equal(fault("qcow2", false, "", 0), "is not a qcow2 image");
	head[15] = 1;
	assert_string_equal(fault("qcow2", false, head, sizeof(head)), "needs a backing file");
	head[15] = 0;
	head[79] = 4;
	assert_string_equal(fault("qcow2", false, head, sizeof(head)),
			    "keeps its data in another file");
	head[7] = 2; /* has no such features */
	assert_null(fault("qcow2", false, head, sizeof(head)));
}

static void test_vmdk(void **state)
{
	static const char text[] = "# Disk DescriptorFile\nversion=1\n";
	char head[4096] = "KDMV\1";

	head[12] = 1; /* capacity */
	assert_null(fault("vmdk", false, head, sizeof(head)));
	assert_string_equal(fault("vmdk", false, head, 511), "is not a VMDK image");
	assert_string_equal(fault("vmdk", false, "", 0), "is not a VMDK image");
	assert_string_equal(fault("vmdk", false, text, sizeof(text) - 1),
			    "only describes an image that is in other files");
	assert_string_equal(fault("vmdk", false, "COWD", 4),
			    "is a VMDK image of another kind than sparse ones");
	head[10] = 1; /* compressed */
	assert_string_equal(fault("vmdk", false, head, sizeof(head)),
			    "is compressed, so that it can't be written");
	assert_null(fault("vmdk", true, head, sizeof(head)));
	memcpy(head + 3000, "parentFileNameHint", 18);
	assert_string_equal(fault("vmdk", true, head, sizeof(head)), "needs a parent image");
	memset(head + 3000, 0, 18);
	head[4] = 4;
	assert_string_equal(fault("vmdk", true, head, sizeof(head)),
			    "is a VMDK image of another kind than sparse ones");
	head[4] = 1;
	head[12] = 0;
	assert_string_equal(fault("vmdk", true, head, sizeof(head)),
			    "only describes an image that is in other files");
}

/* ---- images of several files ---- */

#define HEADER "# Disk DescriptorFile\n"

static void test_parts(void **state)
{
	static const char text[] = HEADER
		"version=1\r\nCID=fffffffe\nparentCID=ffffffff\ncreateType="
		"\"twoGbMaxExtentFlat\"\n\n"
		"# Extent description\nRW 2048 FLAT \"/a b\" 0\nRW 100 ZERO\nRW 4096 FLAT \"c\"\n"
		"  RDONLY 8 FLAT \"/a b\" 4096\nRW 300 ZERO \n\nddb.adapterType = \"ide\"\n";
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_vmdk struct hull_vmdk v = {0};
	cleanup_error struct hull_error *err = NULL;

	if (hull_vmdk_parse(text, sizeof(text) - 1, &v, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(v.files.n, 2);
	assert_string_equal(v.files.v[0], "/a b");
	assert_string_equal(v.files.v[1], "c");
	assert_int_equal(v.extents.n, 5);
	assert_true(v.zeros && v.readonly);
	assert_int_equal(hull_vmdk_need(&v, 0), 4104);
	assert_int_equal(hull_vmdk_need(&v, 1), 4096);
	assert_int_equal(hull_vmdk_need(&v, 2), 300);
	hull_vmdk_write(&v, 1000, &out);
	assert_string_equal(hull_strbuf_str(&out),
			    HEADER "version=1\nCID=fffffffe\nparentCID=ffffffff\n"
				   "createType=\"twoGbMaxExtentFlat\"\n"
				   "RW 2048 FLAT \"/dev/fdset/1000\" 0\n"
				   "RW 100 FLAT \"/dev/fdset/1002\" 0\n"
				   "RW 4096 FLAT \"/dev/fdset/1001\" 0\n"
				   "RW 8 FLAT \"/dev/fdset/1000\" 4096\n"
				   "RW 300 FLAT \"/dev/fdset/1002\" 0\n"
				   "\nddb.adapterType = \"ide\"\n");
}

static void test_parts_refused(void **state)
{
	static const struct {
		const char *lines, *why;
	} bad[] = {
		{"", "it has no parts"},
		{"RW 1 FLAT\n", "line 2: FLAT without"},
		{"RW 1 FLAT \"a\n", "FLAT without"},
		{"RW 1 FLAT \"\"\n", "1 to 4095 bytes"},
		{"RW 1 FLAT \"a\tb\"\n", "no plain text"},
		{"RW 1 FLAT \"a\" x\n", "FLAT without"},
		{"RW 1 FLAT \"a\" -1\n", "FLAT without"},
		{"RW 0 FLAT \"a\"\n", "without a size"},
		{"RW\n", "without a size"},
		{"RW 1\n", "without a size"},
		{"RW x ZERO\n", "without a size"},
		{"RW 1099511627777 ZERO\n", "without a size"},
		{"RW 1099511627776 ZERO\nRW 1 ZERO\n", "too large"},
		{"RW 1 SPARSE \"a\"\n", "type 'SPARSE'"},
		{"RW 1 VMFS \"a\"\n", "type 'VMFS'"},
		{"NOACCESS 1 ZERO\n", "can't be read"},
		{"parentCID=12345678\nRW 1 ZERO\n", "parent image"},
		{"parentFileNameHint=\"/etc/passwd\"\nRW 1 ZERO\n", "parent image"},
		{"createType=\"monolithicSparse\"\nRW 1 ZERO\n", "images of type"},
		{"what is this\n", "neither a key nor a part"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
		cleanup_error struct hull_error *err = NULL;
		struct hull_vmdk v;

		hull_strbuf_addf(&text, HEADER "%s", bad[i].lines);
		if (hull_vmdk_parse(text.data, text.len, &v, &err) == 0)
			fail_msg("accepted: %s", bad[i].lines);
		if (!strstr(hull_error_message(err), bad[i].why))
			fail_msg("%s: no '%s' in: %s", bad[i].lines, bad[i].why,
				 hull_error_message(err));
	}
}

/* No more files and parts than a hypervisor gets descriptors for. */
static void test_parts_bounded(void **state)
{
	for (int files = 0; files < 2; files++) {
		for (size_t over = 0; over < 2; over++) {
			size_t n = files ? HULL_VMDK_FILES_MAX : HULL_VMDK_EXTENTS_MAX;
			cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
			cleanup_vmdk struct hull_vmdk v = {0};

			hull_strbuf_adds(&text, HEADER);
			for (size_t i = 0; i < n + over; i++)
				hull_strbuf_addf(&text, "RW 1 FLAT \"%zu\"\n", files ? i : 0);
			assert_int_equal(hull_vmdk_parse(text.data, text.len, &v, NULL),
					 over ? -1 : 0);
		}
	}
	for (size_t more = 0; more < 2; more++) {
		static const char padded[] = HEADER "RW 1 ZERO\n\0\0x";
		cleanup_vmdk struct hull_vmdk v = {0};

		assert_int_equal(hull_vmdk_parse(padded, sizeof(padded) - 2 + more, &v, NULL),
				 more ? -1 : 0);
	}
}

/* ---- descriptions ---- */

#define BOOT                                                                                       \
	"\"version\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"run_dir\":\"/r\",\"kernel\":" \
	"\"/k\",\"initrd\":\"/i\""

static void expect_config(const char *devices, const char *why)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	cleanup_config struct hull_config config;
	int r;

	hull_strbuf_addf(&text, "{" BOOT ",\"devices\":[%s]}", devices);
	r = hull_config_from_json(text.data, text.len, &config, &err);
	if (r == 0)
		r = hull_config_validate(&config, &err);
	if (!why && r < 0)
		fail_msg("%s: %s", devices, hull_error_message(err));
	if (why && (r == 0 || !strstr(hull_error_message(err), why)))
		fail_msg("%s: no '%s' in: %s", devices, why, hull_error_message(err));
}

static void test_properties(void **state)
{
#define BLK "{\"kind\":\"virtio-blk\",\"path\":\"/b\","
	static const char *const good[] = {
		BLK "\"format\":\"qcow2\",\"cache\":\"none\",\"aio\":\"native\",\"queues\":64,"
		    "\"iothread\":true,\"discard\":true,\"id\":\"x\"}",
		BLK "\"type\":\"dev\",\"aio\":\"native\"}",
		BLK "\"id\":\"a\"},{\"kind\":\"nvme\",\"path\":\"/n\",\"id\":\"b\",\"queues\":1}",
		"{\"kind\":\"usb-mass-storage\",\"path\":\"/u\",\"id\":\"c\",\"format\":\"vmdk\"}",
		"{\"kind\":\"nbd\",\"uri\":\"nbd://h\",\"id\":\"d\"}",
	};
	static const struct {
		const char *devices, *why;
	} bad[] = {
		{BLK "\"format\":\"qcow\"}", "devices[0].format: unknown value 'qcow'"},
		{BLK "\"cache\":\"writethru\"}", "devices[0].cache"},
		{BLK "\"queues\":0}", "devices[0].queues"},
		{BLK "\"queues\":65}", "devices[0].queues"},
		{BLK "\"aio\":\"native\"}", "devices[0]: aio 'native' needs cache 'none'"},
		{BLK "\"aio\":\"native\",\"type\":\"dev\",\"cache\":\"unsafe\"}",
		 "aio 'native' needs cache 'none'"},
		{BLK "\"discard\":true,\"readonly\":true}", "exclude each other"},
		{BLK "\"outside\":true}", "'outside' is of format 'vmdk'"},
		{BLK "\"format\":\"vmdk\",\"type\":\"dev\"}", "format 'vmdk' is of files"},
		{BLK "\"id\":\"a,b\"}", "devices[0].id"},
		{BLK "\"id\":\"123456789012345678901\"}", "devices[0].id"},
		{BLK "\"id\":\"a\"},{\"kind\":\"nbd\",\"uri\":\"nbd://h\",\"id\":\"a\"}",
		 "devices[1].id: same as that of another disk"},
		{"{\"kind\":\"nvme\",\"path\":\"/n\",\"iothread\":true}", "devices[0].iothread"},
		{"{\"kind\":\"usb-mass-storage\",\"path\":\"/n\",\"queues\":1}",
		 "devices[0].queues"},
		{"{\"kind\":\"nbd\"}", "devices[0].uri: missing"},
		{"{\"kind\":\"nbd\",\"uri\":\"nbds://h\"}",
		 "devices[0].uri: 'nbds://h': encrypted"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		expect_config(good[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_config(bad[i].devices, bad[i].why);
}

/* In an option list of ours, and not in vfkit's. */
static void test_words(void **state)
{
	static const struct hull_vfkit_hooks ours = {.ours = true};
	static const char text[] = "virtio-blk,path=/b,id=x,format=qcow2,cache=unsafe,aio=threads,"
				   "discard,queues=2,iothread";
	static const char *const bad[][2] = {
		{"virtio-blk,path=/b,format=qcow3", "'format': must be raw|qcow2|vmdk"},
		{"virtio-blk,path=/b,queues=0", "'queues': must be a number from 1 to 64"},
		{"virtio-blk,path=/b,discard=on", "'discard' takes no value"},
		{"virtio-blk,path=/b,formt=raw", "did you mean 'format'?"},
	};
	cleanup_error struct hull_error *err = NULL;
	struct hull_device dev;

	if (hull_vfkit_parse_device(text, &ours, &dev, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_string_equal(dev.disk.id, "x");
	assert_string_equal(dev.disk.format, "qcow2");
	assert_string_equal(dev.disk.cache, "unsafe");
	assert_string_equal(dev.disk.aio, "threads");
	assert_int_equal(dev.disk.queues, 2);
	assert_true(dev.disk.discard && dev.disk.iothread);
	hull_device_fini(&dev);
	assert_int_equal(hull_vfkit_parse_device("virtio-blk,path=/b,format=raw", NULL, &dev, NULL),
			 -1);
	assert_int_equal(hull_vfkit_parse_device("virtio-blk,path=/b,id=x", NULL, &dev, NULL), -1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_error struct hull_error *why = NULL;

		assert_int_equal(hull_vfkit_parse_device(bad[i][0], &ours, &dev, &why), -1);
		if (!strstr(hull_error_message(why), bad[i][1]))
			fail_msg("%s: %s", bad[i][0], hull_error_message(why));
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("disks") >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nbd),	      cmocka_unit_test(test_nbd_refused),
		cmocka_unit_test(test_nbd_lengths),   cmocka_unit_test(test_qcow2),
		cmocka_unit_test(test_vmdk),	      cmocka_unit_test(test_parts),
		cmocka_unit_test(test_parts_refused), cmocka_unit_test(test_parts_bounded),
		cmocka_unit_test(test_properties),    cmocka_unit_test(test_words),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
