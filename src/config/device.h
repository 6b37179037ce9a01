/* SPDX-License-Identifier: Apache-2.0
 *
 * What a VM is made of besides CPUs and memory: the kinds of devices and of bootloaders, each a
 * struct with one table of rows (device.c) that drives hull's JSON, vfkit's JSON and command line,
 * checks, help and completion.  A new kind is a struct here and a table there.
 *
 * Strings are NULL when empty (field.h).  What a reader of a dialect lets through can still
 * contradict itself: the check of its class tells.
 */
#ifndef HULL_CONFIG_DEVICE_H
#define HULL_CONFIG_DEVICE_H

#include "base/error.h"
#include "config/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_strbuf;

enum hull_device_kind {
	HULL_DEVICE_BLK,
	HULL_DEVICE_NVME,
	HULL_DEVICE_USB,
	HULL_DEVICE_NBD,
	HULL_DEVICE_FS,
	HULL_DEVICE_ROSETTA,
	HULL_DEVICE_NET,
	HULL_DEVICE_VSOCK,
	HULL_DEVICE_SERIAL,
	HULL_DEVICE_RNG,
	HULL_DEVICE_BALLOON,
	HULL_DEVICE_GPU,
	HULL_DEVICE_INPUT,
	HULL_DEVICE_COUNT,
};

enum hull_boot_kind { HULL_BOOT_NONE, HULL_BOOT_EFI, HULL_BOOT_LINUX, HULL_BOOT_MACOS };

/* virtio-blk, nvme and usb-mass-storage.  vfkit's JSON names the word by which the device is
 * rendered: a description that lacks it has none.  What follows "id" is ours alone. */
struct hull_dev_disk {
	char *word;
	bool readonly;
	char *path;
	char *type;	 /* NULL or "image": a file; "dev": a block device */
	char *id;	 /* its serial number */
	char *format;	 /* NULL or "raw", "qcow2", "vmdk": never guessed */
	char *cache;	 /* one of hull_disk_cache_names; NULL: as its type has it */
	char *aio;	 /* NULL or "threads", "native" */
	uint64_t queues; /* 0: the hypervisor's choice; virtio-blk and nvme */
	bool iothread;	 /* served by a thread of its own; virtio-blk */
	bool discard;	 /* what the guest discards is given back */
	bool outside;	 /* vmdk: its parts may be anywhere, by absolute paths */
};

#define HULL_DISK_QUEUES_MAX 64

/*                its writes go...                     and are flushed
 *   writeback    by the host's page cache             when the guest says so
 *   writethrough by the host's page cache             each
 *   none         past it, by direct I/O               when the guest says so
 *   directsync   past it                              each
 *   unsafe       by the host's page cache             never
 *
 * Without a word: "none" for a block device itself, which vfkit opens so, else "writeback". */
extern const char *const hull_disk_cache_names[], *const hull_disk_aio_names[];
#define HULL_DISK_CACHE_HELP                                                            \
	"writeback (default): by the host's page cache; none: past it, by direct I/O; " \
	"writethrough, directsync: likewise, and each write is flushed; unsafe: nothing is"
#define HULL_DISK_AIO_HELP \
	"threads (default); native: by the kernel, with cache none or directsync only"
bool hull_disk_is_direct(const struct hull_dev_disk *disk);
bool hull_disk_is_through(const struct hull_dev_disk *disk);
bool hull_disk_is_unsafe(const struct hull_dev_disk *disk);
/* What contradicts itself in it. */
int hull_dev_disk_check(const struct hull_dev_disk *disk, struct hull_error **err);

struct hull_dev_nbd {
	char *word;
	bool readonly;
	char *uri;
	char *id;
	int64_t timeout_ns; /* before a reconnect */
	char *sync;	    /* "full": flushes reach stable storage; "none": they aren't forced */
};

struct hull_dev_fs {
	char *tag; /* NULL: the last component of dir */
	char *dir;
	bool readonly; /* beyond vfkit's words */
};

struct hull_dev_rosetta {
	char *tag;
	bool install;
	bool optional; /* where it is missing, go on without */
};

/* Exactly one of nat, socket and path. */
struct hull_dev_net {
	bool nat;
	bool socket; /* a datagram socket that the starter has opened */
	int64_t fd;  /* which; -1: not told */
	char *path;  /* of the socket of a helper */
	bool magic;  /* greet that helper with "VFKT" */
	char *mac;   /* lower case, with colons: 6, 8 or 20 bytes; NULL: a random one */
	/* Beyond vfkit's words: */
	char *mode;   /* of a socket: NULL or "datagram": a frame each; "stream": see mode_names */
	uint64_t mtu; /* that the guest is told; 0: none */
	char *features; /* offloads the guest is to be offered, by names joined by bars */
};

/* Of a device that goes through a socket: after their length, rather than in datagrams. */
bool hull_dev_net_is_stream(const struct hull_dev_net *net);

/* A port of the guest's, or of the host's as the guest sees it, is a Unix socket on the host. */
struct hull_dev_vsock {
	uint64_t port;
	char *path;
	bool listen; /* for the guest's connections; otherwise for the host's */
};

/* Exactly one of the first three. */
struct hull_dev_serial {
	char *log;
	bool stdio;
	bool pty;
	char *pty_name; /* set at the start of the VM */
};

struct hull_dev_gpu {
	bool gui; /* has a window */
	int64_t width, height;
};

struct hull_dev_input {
	char *type; /* "pointing" or "keyboard" */
};

struct hull_device {
	enum hull_device_kind kind;
	union {
		struct hull_dev_disk disk; /* BLK, NVME, USB */
		struct hull_dev_nbd nbd;
		struct hull_dev_fs fs;
		struct hull_dev_rosetta rosetta;
		struct hull_dev_net net;
		struct hull_dev_vsock vsock;
		struct hull_dev_serial serial;
		struct hull_dev_gpu gpu;
		struct hull_dev_input input;
	};
};

/* Whether it is described as disk above. */
static inline bool hull_device_is_disk(const struct hull_device *dev)
{
	return dev->kind == HULL_DEVICE_BLK || dev->kind == HULL_DEVICE_NVME ||
	       dev->kind == HULL_DEVICE_USB;
}

struct hull_boot_efi {
	char *store; /* file of the firmware's variables */
	bool create; /* make it at the start */
};

struct hull_boot_linux {
	char *kernel;
	char *cmdline;
	char *initrd;
};

struct hull_boot_macos {
	char *machine_id;
	char *hardware_model;
	char *aux_image;
};

struct hull_bootloader {
	enum hull_boot_kind kind;
	union {
		struct hull_boot_efi efi;
		struct hull_boot_linux linux_boot; /* "linux" is a macro in gnu11 */
		struct hull_boot_macos macos;
	};
};

/* The guest's clock is set over vsock when the host wakes up. */
struct hull_timesync {
	uint64_t port;
};

#define HULL_IGNITION_PORT 1024

struct hull_ignition {
	char *path;
	char *socket_path;
	uint64_t port; /* 0 when read from vfkit's JSON, which does not tell it */
};

/* One kind of device or bootloader.  Rows stand in the order of vfkit's JSON members. */
struct hull_class {
	const char *name; /* the word on vfkit's command line, and hull's "kind" */
	const char *json; /* vfkit's "kind"; NULL: has none, and can't be read */
	const char *help;
	struct hull_fields fields;
	bool opens_image; /* vfkit looks into the image while it parses */
	/* What a line of options leaves open; bit n of @seen: row n was among them.  NULL: nothing.
	 */
	int (*parsed)(void *object, uint64_t seen, struct hull_error **err);
	/* What a description read from vfkit's JSON leaves open; @seen as above. */
	int (*read)(void *object, uint64_t seen, struct hull_error **err);
	/* What must not be together, and what must be there: where read and rendered alike. */
	int (*check)(const void *object, struct hull_error **err);
	/* Adds ",key=value…" instead of the rows by rank. */
	int (*render)(const void *object, struct hull_strbuf *out, struct hull_error **err);
};

/* All of them; indexed by kind.  The first bootloader is no class. */
extern const struct hull_class hull_device_classes[HULL_DEVICE_COUNT];
extern const struct hull_class hull_boot_classes[HULL_BOOT_MACOS + 1];
extern const struct hull_class hull_timesync_class;
extern const struct hull_class hull_ignition_class;

/* With the kind's defaults: those of an empty list of options. 0 or -ENOMEM. */
int hull_device_init(struct hull_device *dev, enum hull_device_kind kind);
void hull_device_fini(struct hull_device *dev);
void hull_bootloader_fini(struct hull_bootloader *boot);

/* Once a line of options or our JSON has been read: what it leaves open, and the check.  @seen as
 * above. */
int hull_class_finish(const struct hull_class *class, void *object, uint64_t seen,
		      struct hull_error **err);

/* The object that the class' rows describe. */
static inline void *hull_device_object(const struct hull_device *dev)
{
	return (void *)(uintptr_t)&dev->disk;
}

static inline void *hull_bootloader_object(const struct hull_bootloader *boot)
{
	return (void *)(uintptr_t)&boot->efi;
}

/* A hardware address as vfkit takes it ("0A-00-…", "0a00.2700.000b", "0a002700000b"), as it is
 * kept. 0, -EINVAL or -ENOMEM. */
int hull_mac_parse(const char *s, char **ret);

/* hull's own JSON, for lists of devices: strict, an object whose "kind" is the class' name. */
extern const struct hull_fields hull_device_fields;

#endif
