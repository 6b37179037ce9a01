/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of device.h.  A row that has no name of ours is another word of vfkit's for a field,
 * or one that it only checks.
 */
#define _GNU_SOURCE
#include "config/device.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_LEN 4095
#define TEXT_MAX_LEN 4095

/* A row: struct, member, its C type, the field's type, key, help, then further initialisers. */
#define ROW(st, member, ctype, kind, key, text, ...)                                \
	{                                                                           \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_##kind,          \
		.offset = HULL_FIELD_OFFSET(struct st, member, ctype), .__VA_ARGS__ \
	}
#define TEXT(st, member, key, text, ...) \
	ROW(st, member, char *, STRING, key, text, max = TEXT_MAX_LEN, .vfkit = {__VA_ARGS__})
#define PATH(st, member, key, text, ...)                                                         \
	ROW(st, member, char *, STRING, key, text, flags = HULL_FIELD_PATH, .max = PATH_MAX_LEN, \
	    .vfkit = {__VA_ARGS__})
#define NAMED(st, member, key, text, words, ...)                                       \
	ROW(st, member, char *, STRING, key, text, max = TEXT_MAX_LEN, .names = words, \
	    .vfkit = {__VA_ARGS__})
#define FLAG(st, member, key, text, ...) \
	ROW(st, member, bool, BOOL, key, text, vfkit = {__VA_ARGS__})
/* A word that is checked, and kept nowhere of its own. */
#define WORD(st, member, ctype, kind, text, ...) \
	ROW(st, member, ctype, kind, NULL, text, vfkit = {__VA_ARGS__})

/* A row of ours alone, whose metavar is for its value in an option list. */
#define OURS(st, member, ctype, kind, key, text, ...)                              \
	{                                                                          \
		.name = key, .help = text, .type = HULL_FIELD_TYPE_##kind,         \
		.offset = HULL_FIELD_OFFSET(struct st, member, ctype), __VA_ARGS__ \
	}
#define OURS_NAMED(st, member, key, text, words, choices)                                \
	OURS(st, member, char *, STRING, key, text, .max = TEXT_MAX_LEN, .names = words, \
	     .vfkit = {.metavar = choices})

#define BIT(n) (UINT64_C(1) << (n))

#define NET_MTU_LEAST 68 /* by RFC 791 */

static const char *const disk_types[] = {"image", "dev", NULL};
static const char *const disk_formats[] = {"raw", "qcow2", "vmdk", NULL};
const char *const hull_disk_cache_names[] = {"writeback",    "none",	   "unsafe",
					     "writethrough", "directsync", NULL};
const char *const hull_disk_aio_names[] = {"threads", "native", NULL};
static const char *const sync_names[] = {"full", "none", NULL};

/* ---- disks ---- */

#define DISK_ROWS                                                                               \
	TEXT(hull_dev_disk, word, NULL, "the word it is rendered by", .json = "devName"),       \
		FLAG(hull_dev_disk, readonly, "readonly", "the guest can't write to it",        \
		     .json = "readOnly", .key = "readonly", .style = HULL_WORD_FLAG, .rank = 3, \
		     .flags = HULL_WORD_OMIT),                                                  \
		PATH(hull_dev_disk, path, "path", "image or block device", .json = "imagePath", \
		     .key = "path", .rank = 1, .flags = HULL_WORD_OMIT | HULL_WORD_NEEDED,      \
		     .metavar = "FILE"),                                                        \
		NAMED(hull_dev_disk, type, "type",                                              \
		      "image (default): a file; dev: a block device itself", disk_types,        \
		      .json = "type", .key = "type", .rank = 2,                                 \
		      .flags = HULL_WORD_OMIT | HULL_WORD_EMPTY, .metavar = "image|dev")

#define IMAGE_ROWS                                                                             \
	OURS_NAMED(hull_dev_disk, format, "format",                                            \
		   "format of the image (raw); it is never guessed", disk_formats,             \
		   "raw|qcow2|vmdk"),                                                          \
		OURS_NAMED(hull_dev_disk, cache, "cache", HULL_DISK_CACHE_HELP,                \
			   hull_disk_cache_names,                                              \
			   "writeback|none|unsafe|writethrough|directsync"),                   \
		OURS_NAMED(hull_dev_disk, aio, "aio", HULL_DISK_AIO_HELP, hull_disk_aio_names, \
			   "threads|native"),                                                  \
		OURS(hull_dev_disk, discard, bool, BOOL, "discard",                            \
		     "what the guest discards is given back to the host"),                     \
		OURS(hull_dev_disk, outside, bool, BOOL, "outside",                            \
		     "the parts of a vmdk may be anywhere, by absolute paths")

#define ID_ROW                                                                             \
	OURS(hull_dev_disk, id, char *, STRING, "id", "serial number that the guest sees", \
	     .max = TEXT_MAX_LEN)
#define QUEUES_ROW                                                                                \
	OURS(hull_dev_disk, queues, uint64_t, U64, "queues", "request queues (one for each CPU)", \
	     .min = 1, .max = HULL_DISK_QUEUES_MAX)

static const struct hull_field blk_rows[] = {
	DISK_ROWS,
	TEXT(hull_dev_disk, id, "id", "serial number that the guest sees",
	     .json = "deviceIdentifier", .key = "deviceId", .rank = 4, .flags = HULL_WORD_OMIT,
	     .metavar = "TEXT"),
	IMAGE_ROWS,
	QUEUES_ROW,
	OURS(hull_dev_disk, iothread, bool, BOOL, "iothread", "serve it by a thread of its own"),
};

static const struct hull_field nvme_rows[] = {DISK_ROWS, ID_ROW, IMAGE_ROWS, QUEUES_ROW};

static const struct hull_field usb_rows[] = {DISK_ROWS, ID_ROW, IMAGE_ROWS};

static bool is(const char *value, const char *word)
{
	return value && !strcmp(value, word);
}

bool hull_disk_is_direct(const struct hull_dev_disk *d)
{
	return d->cache ? is(d->cache, "none") || is(d->cache, "directsync") : is(d->type, "dev");
}

bool hull_disk_is_through(const struct hull_dev_disk *d)
{
	return is(d->cache, "writethrough") || is(d->cache, "directsync");
}

bool hull_disk_is_unsafe(const struct hull_dev_disk *d)
{
	return is(d->cache, "unsafe");
}

/* vfkit's dialect can say none of it. */
int hull_dev_disk_check(const struct hull_dev_disk *d, struct hull_error **err)
{
	if (is(d->aio, "native") && !hull_disk_is_direct(d))
		return hull_fail(err, HULL_E_INVALID,
				 "aio 'native' needs cache 'none' or 'directsync'");
	if (d->discard && d->readonly)
		return hull_fail(err, HULL_E_INVALID,
				 "'discard' and 'readonly' exclude each other");
	if (is(d->format, "vmdk") && is(d->type, "dev"))
		return hull_fail(err, HULL_E_INVALID,
				 "format 'vmdk' is of files, not of type 'dev'");
	if (d->outside && !is(d->format, "vmdk"))
		return hull_fail(err, HULL_E_INVALID, "'outside' is of format 'vmdk'");
	return 0;
}

static int disk_check(const void *object, struct hull_error **err)
{
	return hull_dev_disk_check(object, err);
}

static const struct hull_field nbd_rows[] = {
	TEXT(hull_dev_nbd, word, NULL, "the word it is rendered by", .json = "devName"),
	FLAG(hull_dev_nbd, readonly, "readonly", "the guest can't write to it", .json = "readOnly",
	     .key = "readonly", .style = HULL_WORD_FLAG, .rank = 2, .flags = HULL_WORD_OMIT),
	TEXT(hull_dev_nbd, uri, "uri", "nbd://, nbds://, nbd+unix:// or nbds+unix://",
	     .json = "uri", .key = "uri", .rank = 1, .flags = HULL_WORD_OMIT | HULL_WORD_NEEDED,
	     .metavar = "URI"),
	TEXT(hull_dev_nbd, id, "id", "serial number that the guest sees",
	     .json = "DeviceIdentifier", .key = "deviceId", .rank = 3, .metavar = "TEXT"),
	ROW(hull_dev_nbd, timeout_ns, int64_t, I64, "timeout_ns",
	    "milliseconds until it connects again (15000)", initial = UINT64_C(15000000000),
	    .max = INT64_MAX,
	    .vfkit = {.json = "Timeout",
		      .key = "timeout",
		      .style = HULL_WORD_MS,
		      .rank = 4,
		      .metavar = "MS"}),
	NAMED(hull_dev_nbd, sync, "sync",
	      "full (default): flushes reach the disk; none: they aren't forced", sync_names,
	      .json = "SynchronizationMode", .key = "sync", .rank = 5, .metavar = "full|none"),
};

/* ---- shares ---- */

static const struct hull_field fs_rows[] = {
	TEXT(hull_dev_fs, tag, "tag", "name to mount it by; the directory's own by default",
	     .json = "mountTag", .key = "mountTag", .rank = 2, .metavar = "TAG"),
	PATH(hull_dev_fs, dir, "dir", "directory to share", .json = "sharedDir", .key = "sharedDir",
	     .rank = 1, .flags = HULL_WORD_NEEDED, .metavar = "DIR"),
	OURS(hull_dev_fs, readonly, bool, BOOL, "readonly", "the guest can't write to it"),
};

static const struct hull_field rosetta_rows[] = {
	TEXT(hull_dev_rosetta, tag, "tag", "name to mount it by", .json = "mountTag",
	     .key = "mountTag", .rank = 1, .flags = HULL_WORD_NEEDED, .metavar = "TAG"),
	FLAG(hull_dev_rosetta, install, "install", "install the translator where it is missing",
	     .json = "installRosetta", .key = "install", .style = HULL_WORD_LOOSE, .rank = 2),
	FLAG(hull_dev_rosetta, optional, "optional", "go on without it where it is missing",
	     .json = "ignoreIfMissing", .key = "ignore-if-missing", .style = HULL_WORD_LOOSE,
	     .rank = 3),
};

/* ---- network ---- */

enum {
	NET_NAT,
	NET_SOCKET,
	NET_FD,
	NET_PATH,
	NET_MAGIC,
	NET_MAC,
	NET_TYPE,
	NET_TYPE_PATH,
	NET_OFFLOADING,
	NET_MODE,
	NET_MTU,
	NET_FEATURES,
};

/* A frame a datagram; or a stream of frames, each after its length in four bytes, the highest
 * first. */
static const char *const mode_names[] = {"datagram", "stream", NULL};

/* What virtio calls them, without VIRTIO_NET_F_. */
static const char *const feature_names[] = {"CSUM",	  "GUEST_CSUM", "GUEST_TSO4",
					    "GUEST_TSO6", "GUEST_UFO",	"HOST_TSO4",
					    "HOST_TSO6",  "HOST_UFO",	NULL};

/* Groups of one byte are joined by one of ":-", groups of two by "."; or there are none. */
int hull_mac_parse(const char *s, char **ret)
{
	size_t len = strlen(s), group = len, bytes, at = 0;
	char text[3 * 20 + 1];

	if (len > 4 && (s[2] == ':' || s[2] == '-'))
		group = 2;
	else if (len > 4 && s[4] == '.')
		group = 4;
	bytes = group == len ? len / 2 : (len + 1) / (group + 1) * group / 2;
	if (group == len ? len % 2 : (len + 1) % (group + 1))
		return -EINVAL;
	if (bytes != 6 && bytes != 8 && bytes != 20)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (i % (group + 1) == group) {
			if (s[i] != s[group])
				return -EINVAL;
			continue;
		}
		if (hull_hex_digit(s[i]) < 0)
			return -EINVAL;
		text[at++] = "0123456789abcdef"[hull_hex_digit(s[i])];
		if (at % 3 == 2)
			text[at++] = ':';
	}
	text[at - 1] = '\0';
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int set_mac(void *object, const char *value)
{
	struct hull_dev_net *net = object;
	char *mac;
	int r = hull_mac_parse(value, &mac);

	if (r < 0)
		return r;
	free(net->mac);
	net->mac = mac;
	return 0;
}

static int set_fd(void *object, const char *value)
{
	struct hull_dev_net *net = object;
	bool negative = *value == '-';
	uint64_t fd;
	int r = hull_parse_u64(value + (*value == '+' || negative), INT32_MAX, &fd);

	if (r < 0 || (negative && fd))
		return r < 0 ? r : -ERANGE;
	net->fd = (int64_t)fd;
	return 0;
}

static int set_magic(void *object, const char *value)
{
	struct hull_dev_net *net = object;

	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return -EINVAL;
	net->magic = value[1] == 'n';
	return 0;
}

static int check_type(void *object, const char *value)
{
	return strcmp(value, "unixgram") ? -EINVAL : 0;
}

static int check_offloading(void *object, const char *value)
{
	return strcmp(value, "off") ? -EINVAL : 0;
}

static const struct hull_field net_rows[] = {
	[NET_NAT] = FLAG(hull_dev_net, nat, "nat", "a network of the host's, behind its address",
			 .json = "nat", .key = "nat", .style = HULL_WORD_FLAG),
	[NET_SOCKET] = FLAG(hull_dev_net, socket, NULL, "frames go through a descriptor",
			    .json = "socket", .style = HULL_WORD_OBJECT, .flags = HULL_WORD_OMIT),
	[NET_FD] =
		ROW(hull_dev_net, fd, int64_t, I64, "fd",
		    "open datagram socket, by its number in this process", max = INT32_MAX,
		    .initial = UINT64_MAX, .vfkit = {.key = "fd", .set = set_fd, .metavar = "N"}),
	[NET_PATH] = PATH(hull_dev_net, path, "path", "datagram socket of a helper, the old way",
			  .json = "unixSocketPath", .key = "unixSocketPath",
			  .flags = HULL_WORD_OMIT, .metavar = "SOCKET"),
	[NET_MAGIC] = ROW(hull_dev_net, magic, bool, BOOL, "magic",
			  "greet the helper with VFKT; on by default with a socket",
			  flags = HULL_FIELD_ALWAYS,
			  .vfkit = {.json = "vfkitMagic",
				    .key = "vfkitMagic",
				    .flags = HULL_WORD_OMIT,
				    .set = set_magic,
				    .metavar = "on|off"}),
	[NET_MAC] = TEXT(hull_dev_net, mac, "mac", "hardware address; random by default",
			 .json = "macAddress", .key = "mac", .flags = HULL_WORD_OMIT,
			 .set = set_mac, .metavar = "MAC"),
	[NET_TYPE] = WORD(hull_dev_net, path, char *, STRING, "kind of socket, needs path",
			  .key = "type", .set = check_type, .metavar = "unixgram"),
	[NET_TYPE_PATH] =
		WORD(hull_dev_net, path, char *, STRING, "datagram socket of a helper, needs type",
		     .key = "path", .metavar = "SOCKET"),
	[NET_OFFLOADING] =
		WORD(hull_dev_net, path, char *, STRING, "accepted and without effect, needs type",
		     .key = "offloading", .set = check_offloading, .metavar = "off"),
	[NET_MODE] = NAMED(hull_dev_net, mode, "mode",
			   "datagram (default): a frame each; stream: each after its length",
			   mode_names, 0),
	[NET_MTU] = ROW(hull_dev_net, mtu, uint64_t, U64, "mtu",
			"largest packet that the guest may send; 0: it is not told", max = 65535),
	[NET_FEATURES] = TEXT(hull_dev_net, features, "features",
			      "offloads to offer to the guest: CSUM, HOST_TSO4..., joined by |", 0),
};

/* As it is kept, whatever form it came in. */
static int normalise_mac(struct hull_dev_net *net, struct hull_error **err)
{
	cleanup_free char *given = steal_ptr(&net->mac);
	int r = given ? hull_mac_parse(given, &net->mac) : 0;

	if (r == -ENOMEM)
		return hull_fail_nomem(err);
	return r < 0 ? hull_fail(err, HULL_E_INVALID, "'%s' is no hardware address", given) : 0;
}

static int net_parsed(void *object, uint64_t seen, struct hull_error **err)
{
	struct hull_dev_net *net = object;
	bool path = seen & (BIT(NET_PATH) | BIT(NET_TYPE_PATH));

	net->socket = seen & BIT(NET_FD);
	if (!(seen & BIT(NET_MAGIC)))
		net->magic = path && !hull_dev_net_is_stream(net);
	if (seen & BIT(NET_TYPE) && !net->path)
		return hull_fail(err, HULL_E_INVALID, "'type' needs 'path'");
	if (seen & (BIT(NET_TYPE_PATH) | BIT(NET_OFFLOADING)) && !(seen & BIT(NET_TYPE)))
		return hull_fail(err, HULL_E_INVALID, "'%s' needs 'type=unixgram'",
				 seen & BIT(NET_TYPE_PATH) ? "path" : "offloading");
	return normalise_mac(net, err);
}

/* The magic is of later date than the path: without a word about it, it is meant. */
static int net_read(void *object, uint64_t seen, struct hull_error **err)
{
	struct hull_dev_net *net = object;

	net->magic = net->path && (net->magic || !(seen & BIT(NET_MAGIC)));
	net->fd = -1;
	return normalise_mac(net, err);
}

bool hull_dev_net_is_stream(const struct hull_dev_net *net)
{
	return net->mode && !strcmp(net->mode, mode_names[1]);
}

static int check_features(const char *features, struct hull_error **err)
{
	cleanup_free char *copy = strdup(features);
	char *save = NULL;

	if (!copy)
		return hull_fail_nomem(err);
	for (char *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		size_t i = 0;

		while (feature_names[i] && strcmp(word, feature_names[i]) != 0)
			i++;
		if (!feature_names[i])
			return hull_fail(err, HULL_E_INVALID, "features: unknown '%.64s'", word);
	}
	return 0;
}

static int check_native(const struct hull_dev_net *net, struct hull_error **err)
{
	if (net->nat && net->mode)
		return hull_fail(err, HULL_E_INVALID, "'nat' and 'mode' exclude each other");
	if (net->nat && (net->mtu || net->features)) /* it becomes a network, which has neither */
		return hull_fail(err, HULL_E_INVALID, "'nat' and '%s' exclude each other",
				 net->mtu ? "mtu" : "features");
	if (net->magic && hull_dev_net_is_stream(net))
		return hull_fail(err, HULL_E_INVALID,
				 "'magic' is a datagram: with mode 'stream' there is none");
	if (net->mtu && net->mtu < NET_MTU_LEAST)
		return hull_fail(err, HULL_E_INVALID, "mtu: %d is the least", NET_MTU_LEAST);
	return net->features ? check_features(net->features, err) : 0;
}

static int net_check(const void *object, struct hull_error **err)
{
	const struct hull_dev_net *net = object;

	if (net->nat && net->socket)
		return hull_fail(err, HULL_E_INVALID, "'nat' and 'fd' exclude each other");
	if (net->nat && net->path)
		return hull_fail(err, HULL_E_INVALID, "'nat' and a socket exclude each other");
	if (net->socket && net->path)
		return hull_fail(err, HULL_E_INVALID, "'fd' and a socket exclude each other");
	if (!net->nat && !net->socket && !net->path)
		return hull_fail(err, HULL_E_INVALID,
				 "one of 'nat', 'fd' and 'unixSocketPath' is needed");
	return check_native(net, err);
}

/* The old form of a socket's path, which every vfkit knows, as long as it says the same. */
static int net_render(const void *object, struct hull_strbuf *out, struct hull_error **err)
{
	const struct hull_dev_net *net = object;

	if (net->socket && net->fd < 0)
		return hull_fail(err, HULL_E_INVALID,
				 "its descriptor's number is not known: JSON does not tell it");
	if (net->nat)
		hull_strbuf_adds(out, ",nat");
	else if (net->socket)
		hull_strbuf_addf(out, ",fd=%" PRId64, net->fd);
	else if (net->magic)
		hull_strbuf_addf(out, ",unixSocketPath=%s", net->path);
	else
		hull_strbuf_addf(out, ",type=unixgram,path=%s,vfkitMagic=off", net->path);
	if (net->mac)
		hull_strbuf_addf(out, ",mac=%s", net->mac);
	return 0;
}

/* ---- the others ---- */

static const struct hull_field vsock_rows[] = {
	ROW(hull_dev_vsock, port, uint64_t, U64, "port", "number of the port", max = UINT32_MAX,
	    .vfkit = {.json = "port",
		      .key = "port",
		      .rank = 1,
		      .flags = HULL_WORD_NEEDED,
		      .metavar = "N"}),
	PATH(hull_dev_vsock, path, "path", "Unix socket on the host, a plain path",
	     .json = "socketURL", .key = "socketURL", .rank = 2, .flags = HULL_WORD_NEEDED,
	     .metavar = "SOCKET"),
	ROW(hull_dev_vsock, listen, bool, BOOL, "listen",
	    "the guest connects to the host (default)", initial = true,
	    .vfkit = {.json = "listen",
		      .key = "listen",
		      .style = HULL_WORD_LOOSE,
		      .rank = 3,
		      .flags = HULL_WORD_OMIT}),
	ROW(hull_dev_vsock, listen, bool, BOOL, NULL, "the host connects to the guest",
	    initial = true,
	    .vfkit = {.key = "connect",
		      .style = HULL_WORD_LOOSE,
		      .rank = 4,
		      .flags = HULL_WORD_CLEARS}),
};

static const struct hull_field serial_rows[] = {
	PATH(hull_dev_serial, log, "log", "file for what the guest prints", .json = "logFile",
	     .key = "logFilePath", .rank = 3, .flags = HULL_WORD_OMIT, .metavar = "FILE"),
	FLAG(hull_dev_serial, stdio, "stdio", "standard input and output", .json = "usesStdio",
	     .key = "stdio", .style = HULL_WORD_FLAG, .rank = 1, .flags = HULL_WORD_OMIT),
	FLAG(hull_dev_serial, pty, "pty", "a new terminal on the host", .json = "usesPty",
	     .key = "pty", .style = HULL_WORD_LOOSE, .rank = 2, .flags = HULL_WORD_OMIT),
	TEXT(hull_dev_serial, pty_name, NULL, "that terminal, while the VM runs", .json = "ptyName",
	     .flags = HULL_WORD_OMIT),
};

static int serial_check(const void *object, struct hull_error **err)
{
	const struct hull_dev_serial *s = object;

	if (s->log && s->stdio)
		return hull_fail(err, HULL_E_INVALID,
				 "'logFilePath' and 'stdio' exclude each other");
	if (s->log && s->pty)
		return hull_fail(err, HULL_E_INVALID, "'logFilePath' and 'pty' exclude each other");
	if (s->stdio && s->pty)
		return hull_fail(err, HULL_E_INVALID, "'stdio' and 'pty' exclude each other");
	if (!s->log && !s->stdio && !s->pty)
		return hull_fail(err, HULL_E_INVALID,
				 "one of 'logFilePath', 'stdio' and 'pty' is needed");
	return 0;
}

static const struct hull_field gpu_rows[] = {
	FLAG(hull_dev_gpu, gui, "gui", "it is to be looked at, by VNC", .json = "usesGUI"),
	ROW(hull_dev_gpu, width, int64_t, I64, "width", "pixels; 800 if no height is given either",
	    max = INT64_MAX, .min = 1,
	    .vfkit = {.json = "width", .key = "width", .rank = 1, .metavar = "N"}),
	ROW(hull_dev_gpu, height, int64_t, I64, "height", "pixels; 600 if no width is given either",
	    max = INT64_MAX, .min = 1,
	    .vfkit = {.json = "height", .key = "height", .rank = 2, .metavar = "N"}),
};

static int gpu_parsed(void *object, uint64_t seen, struct hull_error **err)
{
	struct hull_dev_gpu *gpu = object;

	if (!gpu->width && !gpu->height) {
		gpu->width = 800;
		gpu->height = 600;
	}
	return 0;
}

static int gpu_check(const void *object, struct hull_error **err)
{
	const struct hull_dev_gpu *gpu = object;

	if (gpu->width < 1 || gpu->height < 1)
		return hull_fail(err, HULL_E_INVALID,
				 "width and height must be at least 1: %" PRId64 "x%" PRId64,
				 gpu->width, gpu->height);
	return 0;
}

static const char *const input_types[] = {"pointing", "keyboard", NULL};

static const struct hull_field input_rows[] = {
	NAMED(hull_dev_input, type, "type", "what kind of input device it is", input_types,
	      .json = "inputType"),
	WORD(hull_dev_input, type, char *, STRING, "a pointing device with absolute positions",
	     .key = "pointing", .style = HULL_WORD_NAME, .rank = 1),
	WORD(hull_dev_input, type, char *, STRING, "a keyboard", .key = "keyboard",
	     .style = HULL_WORD_NAME, .rank = 2),
};

static int input_check(const void *object, struct hull_error **err)
{
	const struct hull_dev_input *input = object;

	if (!input->type)
		return hull_fail(err, HULL_E_INVALID, "'pointing' or 'keyboard' is needed");
	for (size_t i = 0; input_types[i]; i++)
		if (!strcmp(input->type, input_types[i]))
			return 0;
	return hull_fail(err, HULL_E_INVALID, "unknown type '%s': must be pointing or keyboard",
			 input->type);
}

/* A class' names, and the rows that describe its struct. */
#define CLASS(word, json_kind, text) \
	.name = word, .json = json_kind, .help = text, .fields.kind = word
#define ROWS(st, rows) \
	.fields.v = rows, .fields.n = ARRAY_SIZE(rows), .fields.size = sizeof(struct st)

const struct hull_class hull_device_classes[HULL_DEVICE_COUNT] = {
	[HULL_DEVICE_BLK] = {CLASS("virtio-blk", "virtioblk", "a disk"),
			     ROWS(hull_dev_disk, blk_rows), .opens_image = true,
			     .check = disk_check},
	[HULL_DEVICE_NVME] = {CLASS("nvme", "nvme", "a disk behind an NVMe controller"),
			      ROWS(hull_dev_disk, nvme_rows), .check = disk_check},
	[HULL_DEVICE_USB] = {CLASS("usb-mass-storage", "usbmassstorage",
				   "a disk on the USB, an installation medium for example"),
			     ROWS(hull_dev_disk, usb_rows), .check = disk_check},
	[HULL_DEVICE_NBD] = {CLASS("nbd", "nbd", "a disk that is served over the network"),
			     ROWS(hull_dev_nbd, nbd_rows)},
	[HULL_DEVICE_FS] = {CLASS("virtio-fs", "virtiofs", "a directory of the host"),
			    ROWS(hull_dev_fs, fs_rows)},
	[HULL_DEVICE_ROSETTA] = {CLASS("rosetta", "rosetta",
				       "a share with Apple's translator for x86 programs"),
				 ROWS(hull_dev_rosetta, rosetta_rows)},
	[HULL_DEVICE_NET] = {CLASS("virtio-net", "virtionet",
				   "a network device: nat, fd or a socket"),
			     ROWS(hull_dev_net, net_rows), .parsed = net_parsed, .read = net_read,
			     .check = net_check, .render = net_render},
	[HULL_DEVICE_VSOCK] = {CLASS("virtio-vsock", "virtiosock",
				     "a vsock port that is a Unix socket on the host"),
			       ROWS(hull_dev_vsock, vsock_rows)},
	[HULL_DEVICE_SERIAL] = {CLASS("virtio-serial", "virtioserial", "a console: exactly one of"),
				ROWS(hull_dev_serial, serial_rows), .check = serial_check},
	[HULL_DEVICE_RNG] = {CLASS("virtio-rng", "virtiorng", "a source of random numbers")},
	[HULL_DEVICE_BALLOON] = {CLASS("virtio-balloon", "virtioballoon",
				       "takes memory back from the guest")},
	[HULL_DEVICE_GPU] = {CLASS("virtio-gpu", "virtiogpu", "a screen"),
			     ROWS(hull_dev_gpu, gpu_rows), .parsed = gpu_parsed,
			     .check = gpu_check},
	[HULL_DEVICE_INPUT] = {CLASS("virtio-input", "virtioinput", "an input device: one of"),
			       ROWS(hull_dev_input, input_rows), .check = input_check},
};

/* ---- bootloaders, and what a VM has one of ---- */

static const struct hull_field efi_rows[] = {
	PATH(hull_boot_efi, store, "variable_store", "file of the firmware's variables",
	     .json = "efiVariableStorePath", .key = "variable-store", .rank = 1,
	     .flags = HULL_WORD_NEEDED, .metavar = "FILE"),
	FLAG(hull_boot_efi, create, "create", "make that file", .json = "createVariableStore",
	     .key = "create", .style = HULL_WORD_FLAG, .rank = 2),
};

/* Of which the surrounding quotes are taken off once more. */
static int set_cmdline(void *object, const char *value)
{
	struct hull_boot_linux *boot = object;
	size_t len = strlen(value);
	char *s;

	if (len && value[0] == '"' && value[len - 1] == '"') {
		value += strspn(value, "\"");
		for (len = strlen(value); len && value[len - 1] == '"';)
			len--;
	}
	s = len ? strndup(value, len) : NULL;
	if (len && !s)
		return -ENOMEM;
	free(boot->cmdline);
	boot->cmdline = s;
	return 0;
}

static const struct hull_field linux_rows[] = {
	PATH(hull_boot_linux, kernel, "kernel", "kernel image", .json = "vmlinuzPath",
	     .key = "kernel", .rank = 1, .flags = HULL_WORD_NEEDED, .metavar = "FILE"),
	TEXT(hull_boot_linux, cmdline, "cmdline", "its command line; \"…\" around commas",
	     .json = "kernelCmdLine", .key = "cmdline", .rank = 3, .flags = HULL_WORD_NEEDED,
	     .set = set_cmdline, .metavar = "TEXT"),
	PATH(hull_boot_linux, initrd, "initrd", "initramfs", .json = "initrdPath", .key = "initrd",
	     .rank = 2, .flags = HULL_WORD_NEEDED, .metavar = "FILE"),
};

static const struct hull_field macos_rows[] = {
	TEXT(hull_boot_macos, machine_id, "machine_id", "the machine's identity",
	     .json = "machineIdentifierPath", .key = "machineIdentifierPath", .metavar = "FILE"),
	TEXT(hull_boot_macos, hardware_model, "hardware_model", "its model",
	     .json = "hardwareModelPath", .key = "hardwareModelPath", .metavar = "FILE"),
	TEXT(hull_boot_macos, aux_image, "aux_image", "its auxiliary storage",
	     .json = "auxImagePath", .key = "auxImagePath", .metavar = "FILE"),
};

const struct hull_class hull_boot_classes[HULL_BOOT_MACOS + 1] = {
	[HULL_BOOT_EFI] = {CLASS("efi", "efiBootloader", "boots what the disks hold"),
			   ROWS(hull_boot_efi, efi_rows)},
	[HULL_BOOT_LINUX] = {CLASS("linux", "linuxBootloader", "boots a kernel of the host's"),
			     ROWS(hull_boot_linux, linux_rows)},
	[HULL_BOOT_MACOS] = {CLASS("macos", NULL, "boots macOS; on Apple's computers only"),
			     ROWS(hull_boot_macos, macos_rows)},
};

static const struct hull_field timesync_rows[] = {
	ROW(hull_timesync, port, uint64_t, U64, "port", "vsock port of the guest's agent",
	    max = UINT32_MAX,
	    .vfkit = {.json = "vsockPort",
		      .key = "vsockPort",
		      .flags = HULL_WORD_NEEDED,
		      .metavar = "N"}),
};

static int timesync_check(const void *object, struct hull_error **err)
{
	const struct hull_timesync *timesync = object;

	return timesync->port ? 0 : hull_fail(err, HULL_E_INVALID, "'vsockPort' is needed");
}

const struct hull_class hull_timesync_class = {
	.name = "timesync",
	.help = "sets the guest's clock when the host wakes up",
	ROWS(hull_timesync, timesync_rows),
	.check = timesync_check,
};

static const struct hull_field ignition_rows[] = {
	PATH(hull_ignition, path, "path", "Ignition file", .json = "configPath"),
	TEXT(hull_ignition, socket_path, "socket_path", "has no effect", .json = "socketPath",
	     .flags = HULL_WORD_OMIT),
};

const struct hull_class hull_ignition_class = {
	.name = "ignition",
	.json = "ignition",
	.help = "an Ignition file, served over vsock",
	ROWS(hull_ignition, ignition_rows),
};
