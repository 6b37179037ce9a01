/* SPDX-License-Identifier: Apache-2.0
 *
 * The description of a virtual machine: made piece by piece, or read from JSON or from a command
 * line; looked through and changed; written as JSON or as a command line; handed to a program that
 * runs it, with the sockets that it needs.
 *
 * What holds for all functions:
 *
 *   Result     0 when it is done, -1 when it failed.  A failure sets *err, unless err is NULL; it
 *              is the caller's to free (hull/error.h).  *err must be NULL before.
 *              Outputs (ret_...) are set on success only, and a failure changes nothing.
 *              Every function can fail with NOMEM; other codes are named with each.
 *   Ownership  What goes in is copied, and is the caller's before and after.  What comes out is the
 *              caller's: hull_free() frees all but handles, each in one piece, with all that
 *              it points to.
 *   Threads    A description locks itself: several threads may use it at the same time, and
 *              each call is done as a whole.  Only hull_vm_config_free() must be the last.
 *   Blocking   No function waits for anything or touches the file system, unless it says so.
 *   Strings    End with NUL, in UTF-8 by custom; NULL and "" both mean that there is none.
 *
 * vfkit's dialect, its JSON and its command line, is that of vfkit 0.6: what vfkit accepts,
 * refuses and writes, letter by letter.  hull's own is described in hull-config(5).
 */
#ifndef HULL_CONFIG_H
#define HULL_CONFIG_H

#include <hull/error.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Frees what functions of this library returned, unless they name another function. NULL is
 * nothing. */
void hull_free(void *memory);

/* A description.  Opaque. */
struct hull_vm_config;

/* ---- options ----
 *
 * What a device or a bootloader is like.  Each struct begins with its size as the caller knows it:
 *
 *	struct hull_blk_options disk = {.size = sizeof(disk), .path = "disk.img"};
 *
 * Zero means the default in every member, so a struct is zeroed but for what is said.  Members are
 * pointers or 64 bits wide; yes is 1.  New members come at the end.  A program made for a newer
 * library is refused (UNSUPPORTED) where it sets one that this one does not know; one made for
 * an older library goes on as before.  Paths name files of the host and are kept as they are. */

/* A disk.  vfkit: virtio-blk, which also looks into the image (hull_vm_config_add_texts()). */
struct hull_blk_options {
	size_t size;
	const char *path; /* image, or block device */
	const char *type; /* "image" (default): a file; "dev": a block device itself */
	const char *id;	  /* serial number that the guest sees */
	uint64_t readonly;
	/* What follows is hull's own: vfkit has no word for it. */
	const char *format; /* "raw" (default), "qcow2" or "vmdk"; it is never guessed */
	const char *cache; /* "writeback" (default), "none" (default of type "dev"): past the host's
			    * page cache, "writethrough", "directsync": likewise, and each write is
			    * flushed, "unsafe": nothing is flushed */
	const char *aio;   /* "threads" (default); "native": by the kernel, with cache "none" or
			    * "directsync" only */
	uint64_t discard;  /* what the guest discards is given back to the host */
	uint64_t outside;  /* the parts of a vmdk may be anywhere, by absolute paths */
	uint64_t queues;   /* request queues, at most 64; default: one for each CPU */
	uint64_t iothread; /* served by a thread of its own */
};

/* A disk behind an NVMe controller.  vfkit: nvme. */
struct hull_nvme_options {
	size_t size;
	const char *path;
	const char *type;
	uint64_t readonly;
	/* hull's own; all as of hull_blk_options. */
	const char *id;
	const char *format;
	const char *cache;
	const char *aio;
	uint64_t discard;
	uint64_t outside;
	uint64_t queues;
};

/* A disk on the USB, for example an installation medium.  vfkit: usb-mass-storage. */
struct hull_usb_options {
	size_t size;
	const char *path;
	const char *type;
	uint64_t readonly;
	/* hull's own; all as of hull_blk_options. */
	const char *id;
	const char *format;
	const char *cache;
	const char *aio;
	uint64_t discard;
	uint64_t outside;
};

/* A disk that an NBD server holds.  vfkit: nbd. */
struct hull_nbd_options {
	size_t size;
	const char *uri;    /* nbd://, nbds://, nbd+unix:// or nbds+unix:// */
	const char *id;	    /* serial number that the guest sees; see hull_vm_config_find_nbd() */
	int64_t timeout_ns; /* until it connects again, in nanoseconds; default 15 s */
	const char *sync;   /* "full" (default): flushes reach the disk; "none": aren't forced */
	uint64_t readonly;
};

/* A directory of the host that the guest mounts.  vfkit: virtio-fs. */
struct hull_fs_options {
	size_t size;
	const char *dir;
	const char *tag;   /* name to mount it by; default: the last component of dir */
	uint64_t readonly; /* the guest can't write to it */
};

/* A share with Apple's translator for x86 programs; on Apple's computers only.  vfkit: rosetta. */
struct hull_rosetta_options {
	size_t size;
	const char *tag;
	uint64_t install;  /* where it is missing */
	uint64_t optional; /* go on where it is missing */
};

/* A network device.  One of nat, socket and path; nat where none of them is said, as in vfkit's
 * package.  vfkit: virtio-net. */
struct hull_net_options {
	size_t size;
	uint64_t nat;	  /* behind the host's address */
	uint64_t socket;  /* frames go through the descriptor "fd", see mode */
	int64_t fd;	  /* open in the program that runs the VM; hull_vm_config_spawn() hands over
			   * the caller's.  Never closed by this library */
	const char *path; /* socket of a helper */
	uint64_t no_magic; /* don't greet that helper with "VFKT" */
	const char *mac;   /* hardware address of 6, 8 or 20 bytes: "5a:94:ef:00:00:01", with "-" or
			    * with "."; default: a random one at each start */
	/* What follows is hull's own: vfkit has no word for it.  Not with nat. */
	const char *mode;     /* of a socket: "datagram" (default): a frame each; "stream": each
			       * after its length in four bytes, the highest first */
	uint64_t mtu;	      /* largest packet that the guest may send, in bytes; default: not
			       * told */
	const char *features; /* offloads that the guest is offered, by virtio's names joined by
			       * bars: "CSUM|HOST_TSO4" */
};

/* A vsock port that is a Unix socket on the host.  vfkit: virtio-vsock. */
struct hull_vsock_options {
	size_t size;
	uint64_t port; /* at most 4294967295 */
	const char *path;
	uint64_t connect; /* the host connects to the guest; default: the guest to the host */
};

/* A console.  Exactly one of them.  vfkit: virtio-serial. */
struct hull_serial_options {
	size_t size;
	const char *log; /* file for what the guest prints */
	uint64_t stdio;	 /* standard input and output of the program that runs the VM */
	uint64_t pty;	 /* a new terminal */
};

/* A source of random numbers.  vfkit: virtio-rng. */
struct hull_rng_options {
	size_t size;
};

/* Takes memory back from the guest.  vfkit: virtio-balloon. */
struct hull_balloon_options {
	size_t size;
};

/* A screen.  vfkit: virtio-gpu. */
struct hull_gpu_options {
	size_t size;
	int64_t width, height; /* pixels; default 800 and 600 where neither is said */
	uint64_t gui;	       /* it is to be looked at: by VNC; with vfkit in a window */
};

/* A keyboard or a pointing device with absolute positions.  vfkit: virtio-input. */
struct hull_input_options {
	size_t size;
	const char *type; /* "keyboard" or "pointing": must be said */
};

/* Boots what disks hold, by UEFI.  vfkit: --bootloader efi. */
struct hull_efi_options {
	size_t size;
	const char *variable_store; /* file of the firmware's variables */
	uint64_t create;	    /* make that file */
};

/* Boots a kernel of the host's.  vfkit: --bootloader linux, and --kernel. */
struct hull_linux_options {
	size_t size;
	const char *kernel;
	const char *initrd;
	const char *cmdline; /* as the kernel gets it */
};

/* Boots macOS; on Apple's computers only.  vfkit: --bootloader macos. */
struct hull_macos_options {
	size_t size;
	const char *machine_id;
	const char *hardware_model;
	const char *aux_image;
};

/* Exactly one of them is not NULL. */
struct hull_bootloader_options {
	size_t size;
	const struct hull_efi_options *efi;
	const struct hull_linux_options *linux_boot;
	const struct hull_macos_options *macos;
};

/* Kinds of bootloaders. */
#define HULL_BOOTLOADER_NONE 0 /* vfkit refuses it; hull boots its own kernel */
#define HULL_BOOTLOADER_EFI 1
#define HULL_BOOTLOADER_LINUX 2
#define HULL_BOOTLOADER_MACOS 3

/* Kinds of devices. */
#define HULL_KIND_BLK 1
#define HULL_KIND_NVME 2
#define HULL_KIND_USB 3
#define HULL_KIND_NBD 4
#define HULL_KIND_FS 5
#define HULL_KIND_ROSETTA 6
#define HULL_KIND_NET 7
#define HULL_KIND_VSOCK 8
#define HULL_KIND_SERIAL 9
#define HULL_KIND_RNG 10
#define HULL_KIND_BALLOON 11
#define HULL_KIND_GPU 12
#define HULL_KIND_INPUT 13

/* ---- descriptions ---- */

/* A description of @vcpus CPUs, @memory_mib times 2^20 bytes of memory and a bootloader (NULL:
 * none), without devices.  As in vfkit's package no number is too small; zero is refused by who
 * starts it.  Fails with INVALID for memory beyond 64 bits of bytes or a bootloader that is not one
 * of the three, and as for options. */
int hull_vm_config_new(uint64_t vcpus, uint64_t memory_mib,
		       const struct hull_bootloader_options *bootloader,
		       struct hull_vm_config **ret_config, struct hull_error **err);
/* NULL is nothing.  No other thread may use it any more. */
void hull_vm_config_free(struct hull_vm_config *config);

uint64_t hull_vm_config_get_vcpus(struct hull_vm_config *config);
void hull_vm_config_set_vcpus(struct hull_vm_config *config, uint64_t vcpus);
/* In bytes: JSON may say an amount that is no whole number of MiB. */
uint64_t hull_vm_config_get_memory_bytes(struct hull_vm_config *config);
/* INVALID for memory beyond 64 bits of bytes. */
int hull_vm_config_set_memory_mib(struct hull_vm_config *config, uint64_t memory_mib,
				  struct hull_error **err);
/* Whether the guest may run virtual machines itself: 0 or 1. */
int hull_vm_config_get_nested(struct hull_vm_config *config);
void hull_vm_config_set_nested(struct hull_vm_config *config, int on);

/* HULL_BOOTLOADER_... */
uint32_t hull_vm_config_bootloader_kind(struct hull_vm_config *config);
/* NULL: none.  Fails as hull_vm_config_new(). */
int hull_vm_config_set_bootloader(struct hull_vm_config *config,
				  const struct hull_bootloader_options *bootloader,
				  struct hull_error **err);
/* The value of vfkit's --bootloader: "efi,variable-store=FILE,create", or "linux,kernel=FILE,
 * initrd=FILE,cmdline=TEXT", with double quotes around commas.  INVALID with the reason. */
int hull_vm_config_set_bootloader_text(struct hull_vm_config *config, const char *text,
				       struct hull_error **err);
/* The present bootloader into *@options, of @size bytes: sizeof(*options).  Members that this
 * library does not know are zero.  The strings are in *ret_strings, which the caller frees by
 * hull_free() when it is done with them.  INVALID if the bootloader is of another kind. */
int hull_vm_config_get_efi(struct hull_vm_config *config, struct hull_efi_options *options,
			   size_t size, void **ret_strings, struct hull_error **err);
int hull_vm_config_get_linux(struct hull_vm_config *config, struct hull_linux_options *options,
			     size_t size, void **ret_strings, struct hull_error **err);
int hull_vm_config_get_macos(struct hull_vm_config *config, struct hull_macos_options *options,
			     size_t size, void **ret_strings, struct hull_error **err);

/* The guest's clock is set when the host wakes up, over vsock port @port; 0: it isn't.  INVALID
 * above 4294967295. */
int hull_vm_config_set_timesync(struct hull_vm_config *config, uint64_t port,
				struct hull_error **err);
/* The value of vfkit's --timesync, "vsockPort=N"; "": no time sync.  INVALID with the reason. */
int hull_vm_config_set_timesync_text(struct hull_vm_config *config, const char *text,
				     struct hull_error **err);
uint64_t hull_vm_config_get_timesync(struct hull_vm_config *config);

/* The Ignition file @path is served on vsock port 1024; NULL: none is. */
int hull_vm_config_set_ignition(struct hull_vm_config *config, const char *path,
				struct hull_error **err);
/* The value of vfkit's --ignition, one path without commas; "": none.  INVALID with the reason. */
int hull_vm_config_set_ignition_text(struct hull_vm_config *config, const char *text,
				     struct hull_error **err);
/* *ret_path is NULL where there is none. */
int hull_vm_config_get_ignition(struct hull_vm_config *config, char **ret_path,
				struct hull_error **err);

/* ---- devices ----
 *
 * They have an order, and are counted from 0.  To be looked through in order while other threads
 * change them, they need a lock of the caller's. */

/* Adds a device at the end.  INVALID where a value is out of bounds, or members contradict each
 * other or lack one that is needed; UNSUPPORTED for members of a newer library.  NULL instead of
 * options: all default. */
int hull_vm_config_add_blk(struct hull_vm_config *config, const struct hull_blk_options *options,
			   struct hull_error **err);
int hull_vm_config_add_nvme(struct hull_vm_config *config, const struct hull_nvme_options *options,
			    struct hull_error **err);
int hull_vm_config_add_usb(struct hull_vm_config *config, const struct hull_usb_options *options,
			   struct hull_error **err);
int hull_vm_config_add_nbd(struct hull_vm_config *config, const struct hull_nbd_options *options,
			   struct hull_error **err);
int hull_vm_config_add_fs(struct hull_vm_config *config, const struct hull_fs_options *options,
			  struct hull_error **err);
int hull_vm_config_add_rosetta(struct hull_vm_config *config,
			       const struct hull_rosetta_options *options, struct hull_error **err);
int hull_vm_config_add_net(struct hull_vm_config *config, const struct hull_net_options *options,
			   struct hull_error **err);
int hull_vm_config_add_vsock(struct hull_vm_config *config,
			     const struct hull_vsock_options *options, struct hull_error **err);
int hull_vm_config_add_serial(struct hull_vm_config *config,
			      const struct hull_serial_options *options, struct hull_error **err);
int hull_vm_config_add_rng(struct hull_vm_config *config, const struct hull_rng_options *options,
			   struct hull_error **err);
int hull_vm_config_add_balloon(struct hull_vm_config *config,
			       const struct hull_balloon_options *options, struct hull_error **err);
int hull_vm_config_add_gpu(struct hull_vm_config *config, const struct hull_gpu_options *options,
			   struct hull_error **err);
int hull_vm_config_add_input(struct hull_vm_config *config,
			     const struct hull_input_options *options, struct hull_error **err);

/* Look into disk images and other files as vfkit does while it reads its command line: an image of
 * virtio-blk must be there, must not be empty and must not be qcow2 (INVALID).  The call then opens
 * and reads files, and takes as long as their file system does. */
#define HULL_CHECK_FILES (UINT32_C(1) << 0)

/* Adds the devices that @n values of vfkit's --device stand for, such as "virtio-net,nat": all or
 * none.  @flags: 0 or HULL_CHECK_FILES.  INVALID with the reason. */
int hull_vm_config_add_texts(struct hull_vm_config *config, const char *const *texts, size_t n,
			     uint32_t flags, struct hull_error **err);

size_t hull_vm_config_device_count(struct hull_vm_config *config);
/* HULL_KIND_..., or 0 where there is no such device. */
uint32_t hull_vm_config_device_kind(struct hull_vm_config *config, size_t index);
/* The first device of @kind at @from or behind it: 1 and *ret_index, or 0.  All network devices:
 *
 *	for (size_t i = 0; hull_vm_config_find(config, HULL_KIND_NET, i, &i); i++) ... */
int hull_vm_config_find(struct hull_vm_config *config, uint32_t kind, size_t from,
			size_t *ret_index);
/* The first NBD disk whose id is @id: 1 and *ret_index, or 0. */
int hull_vm_config_find_nbd(struct hull_vm_config *config, const char *id, size_t *ret_index);
/* Those behind it move up.  NOT_FOUND. */
int hull_vm_config_remove(struct hull_vm_config *config, size_t index, struct hull_error **err);

/* A device's options into *@options, of @size bytes: sizeof(*options).  Members that this library
 * does not know are zero.  The strings are in *ret_strings, which the caller frees by hull_free()
 * when it is done with them.  NOT_FOUND if there is no such device, INVALID if it is of another
 * kind.  A network socket whose number JSON did not tell has -1. */
int hull_vm_config_get_blk(struct hull_vm_config *config, size_t index,
			   struct hull_blk_options *options, size_t size, void **ret_strings,
			   struct hull_error **err);
int hull_vm_config_get_nvme(struct hull_vm_config *config, size_t index,
			    struct hull_nvme_options *options, size_t size, void **ret_strings,
			    struct hull_error **err);
int hull_vm_config_get_usb(struct hull_vm_config *config, size_t index,
			   struct hull_usb_options *options, size_t size, void **ret_strings,
			   struct hull_error **err);
int hull_vm_config_get_nbd(struct hull_vm_config *config, size_t index,
			   struct hull_nbd_options *options, size_t size, void **ret_strings,
			   struct hull_error **err);
int hull_vm_config_get_fs(struct hull_vm_config *config, size_t index,
			  struct hull_fs_options *options, size_t size, void **ret_strings,
			  struct hull_error **err);
int hull_vm_config_get_rosetta(struct hull_vm_config *config, size_t index,
			       struct hull_rosetta_options *options, size_t size,
			       void **ret_strings, struct hull_error **err);
int hull_vm_config_get_net(struct hull_vm_config *config, size_t index,
			   struct hull_net_options *options, size_t size, void **ret_strings,
			   struct hull_error **err);
int hull_vm_config_get_vsock(struct hull_vm_config *config, size_t index,
			     struct hull_vsock_options *options, size_t size, void **ret_strings,
			     struct hull_error **err);
int hull_vm_config_get_serial(struct hull_vm_config *config, size_t index,
			      struct hull_serial_options *options, size_t size, void **ret_strings,
			      struct hull_error **err);
int hull_vm_config_get_gpu(struct hull_vm_config *config, size_t index,
			   struct hull_gpu_options *options, size_t size, void **ret_strings,
			   struct hull_error **err);
int hull_vm_config_get_input(struct hull_vm_config *config, size_t index,
			     struct hull_input_options *options, size_t size, void **ret_strings,
			     struct hull_error **err);

/* Changes of single devices.  NOT_FOUND if there is no such device, INVALID if it is of another
 * kind or the value is none.  As in vfkit's package, the first two turn off what the device was
 * connected to before, and the second turns the greeting on. */
int hull_vm_config_set_net_fd(struct hull_vm_config *config, size_t index, int fd,
			      struct hull_error **err);
int hull_vm_config_set_net_path(struct hull_vm_config *config, size_t index, const char *path,
				struct hull_error **err);
/* NULL: a random one at each start. */
int hull_vm_config_set_net_mac(struct hull_vm_config *config, size_t index, const char *mac,
			       struct hull_error **err);
int hull_vm_config_set_gpu_gui(struct hull_vm_config *config, size_t index, int on,
			       struct hull_error **err);

/* ---- dialects ---- */

/* vfkit's JSON, and arguments of vfkit and "hull vfkit". */
#define HULL_DIALECT_VFKIT 1
/* hull-config(5), and arguments of "hull run".  It is kept whole: what there are no functions for
 * here is written again as it was read.  A machine that was described otherwise has no agent and
 * nothing of hull's in it, if it has a bootloader. */
#define HULL_DIALECT_HULL 2

/* From @len bytes of JSON, at most 4 MiB.  INVALID with the place and the reason; UNSUPPORTED for a
 * version of hull's dialect that this library does not know, or a dialect that is none.  hull's
 * dialect is read strictly; of vfkit's, hull_vm_config_notes() tells what was passed over. */
int hull_vm_config_from_json(const char *text, size_t len, uint32_t dialect,
			     struct hull_vm_config **ret_config, struct hull_error **err);
/* One line.  What the dialect has no place for is left out: hull_vm_config_losses() tells.
 * UNSUPPORTED for bootloader macos in hull's dialect; INVALID for what nobody could start: hull's
 * own reader says what it has against it. */
int hull_vm_config_to_json(struct hull_vm_config *config, uint32_t dialect, char **ret_text,
			   struct hull_error **err);

/* From @n arguments, without the program's name.  @flags: 0 or HULL_CHECK_FILES, which has an
 * effect in vfkit's dialect; its --cloud-init does not make the disk.  INVALID with the reason;
 * UNSUPPORTED for options of "hull run" that say something else than what the machine is like. */
int hull_vm_config_from_args(const char *const *args, size_t n, uint32_t dialect, uint32_t flags,
			     struct hull_vm_config **ret_config, struct hull_error **err);
/* A list that ends with NULL, without the program's name; one hull_free() frees it.  INVALID where
 * something is missing that arguments must have.  What vfkit has no argument for is left out:
 * hull_vm_config_losses() tells.  UNSUPPORTED where "hull run" has no option for something. */
int hull_vm_config_to_args(struct hull_vm_config *config, uint32_t dialect, char ***ret_args,
			   struct hull_error **err);

/* What hull_vm_config_to_json() or hull_vm_config_to_args() leave out, a clause each, in a list
 * that ends with NULL.  Fails as those. */
#define HULL_FORM_JSON 1
#define HULL_FORM_ARGS 2
int hull_vm_config_losses(struct hull_vm_config *config, uint32_t dialect, uint32_t form,
			  char ***ret_lines, struct hull_error **err);
/* What the text from which it was made said without an effect, likewise. */
int hull_vm_config_notes(struct hull_vm_config *config, char ***ret_lines, struct hull_error **err);

/* ---- running it ---- */

/* The child's descriptor "to" is a copy of the caller's "from". */
struct hull_cmd_fd {
	int from, to;
};

/* How the command is started.  Zero is the default in every member. */
struct hull_cmd_options {
	size_t size;
	/* With a slash: that file; otherwise it is looked for along PATH.  Default: "hull", with
	 * the verb that understands the dialect before the arguments. */
	const char *program;
	const char *const *args;       /* more arguments behind the description's; ends with NULL */
	const char *const *env;	       /* "NAME=VALUE"; ends with NULL; default: the caller's */
	const char *cwd;	       /* default: the caller's */
	const struct hull_cmd_fd *fds; /* more descriptors: 0 to 2, or from 3 + sockets to 63 */
	uint64_t n_fds;
	/* Nobody's child: no SIGCHLD, nothing to wait for, and nothing known of it afterwards. */
	uint64_t detach;
	uint64_t die_with_parent; /* killed when the thread that started it ends */
	uint64_t new_session;	  /* setsid(2) */
};

/* A command that was started.  Its functions may be called by several threads, hull_process_free()
 * last. */
struct hull_process;

/* Starts the program that runs the description, with the arguments of hull_vm_config_to_args().
 *
 * Sockets of network devices (hull_net_options.fd) are handed over in the order of the devices, as
 * descriptors 3, 4 and so on; the arguments tell those numbers, not the caller's.  They stay open
 * in the caller, close-on-exec or not.  Descriptors 0 to 2 that are not given are /dev/null, and
 * all others are closed.  Signals are at their defaults and not blocked.
 *
 * Reads the environment, which no other thread may change meanwhile.  Blocks until the program has
 * been executed; the error tells which step failed and why (NOT_FOUND, DENIED, EXHAUSTED...).
 * Otherwise fails as hull_vm_config_to_args(), and with INVALID for descriptors that are not open.
 *
 * The child is the calling process' own, unless it is detached: SIGCHLD comes when it ends.  Only
 * hull_process_wait() is to wait for it; a caller that waits for all its children takes the
 * status away. */
int hull_vm_config_spawn(struct hull_vm_config *config, uint32_t dialect,
			 const struct hull_cmd_options *options, struct hull_process **ret_process,
			 struct hull_error **err);

/* 0 if it is detached.  The number means something until hull_process_wait() has told the end. */
int64_t hull_process_pid(struct hull_process *process);
/* A pidfd, readable when the process has ended; -1 if it is detached.  Borrowed: it is closed by
 * hull_process_free(). */
int hull_process_fd(struct hull_process *process);
/* Blocks until the process has ended, at most @timeout_ms milliseconds (UINT64_MAX: for ever), and
 * tells how: *ret_status is as that of waitpid(2).  May be called again, with the same result.
 * TIMEOUT; STATE if it is detached or somebody else has waited for it. */
int hull_process_wait(struct hull_process *process, uint64_t timeout_ms, int *ret_status,
		      struct hull_error **err);
/* Sends a signal; nothing happens to one that has ended.  STATE if it is detached. */
int hull_process_kill(struct hull_process *process, int signo, struct hull_error **err);
/* Forgets the process, which goes on.  NULL is nothing. */
void hull_process_free(struct hull_process *process);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
