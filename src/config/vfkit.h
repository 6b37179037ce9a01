/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's dialect: its command line and its JSON, from and to one description.  Both are kept as
 * they are, letter by letter, since programs depend on them: what is accepted, what is refused, the
 * order of members and of arguments.  Pure but for the hooks that the caller gives.
 *
 * The tables of device.h say nearly all of it; vfkit-flags.c has the flags of the command line.
 */
#ifndef HULL_CONFIG_VFKIT_H
#define HULL_CONFIG_VFKIT_H

#include "base/error.h"
#include "base/vec.h"
#include "config/device.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_strbuf;

/* A VM as vfkit describes it. */
struct hull_vfkit {
	uint64_t cpus;
	uint64_t memory_bytes;
	struct hull_bootloader bootloader;
	HULL_VEC(struct hull_device) devices;
	bool has_timesync;
	struct hull_timesync timesync;
	bool has_ignition;
	struct hull_ignition ignition;
	bool nested;
};

void hull_vfkit_fini(struct hull_vfkit *vm);
#define cleanup_vfkit __attribute__((cleanup(hull_vfkit_fini)))

/* ---- command line ---- */

/* Its flags, as given.  Strings are NULL when empty; hull_vfkit_given() tells an empty one from
 * none. */
struct hull_vfkit_flags {
	uint64_t cpus;
	uint64_t memory_mib;
	struct hull_strv bootloader; /* pieces of the list */
	char *kernel, *initrd, *kernel_cmdline;
	struct hull_strv devices;
	char *timesync;
	char *ignition;
	struct hull_strv cloud_init; /* pieces of the list */
	bool nested, gui;
	char *restful_uri; /* not given: "none://", no service */
	char *log_level;   /* NULL, or one of error, info and debug */
	char *pidfile;
	bool help, version;
	uint64_t given; /* bit n: row n of the table */
};

/* The table: each row's vfkit member has letter and metavar. */
extern const struct hull_fields hull_vfkit_flag_fields;

void hull_vfkit_flags_fini(struct hull_vfkit_flags *flags);
#define cleanup_vfkit_flags __attribute__((cleanup(hull_vfkit_flags_fini)))
bool hull_vfkit_given(const struct hull_vfkit_flags *flags, const char *name);

/* The words after the program's name.  When help or version is set, nothing else has been checked.
 * *ret_flags is to be finished on failure too. */
int hull_vfkit_parse_flags(char *const *argv, size_t n, struct hull_vfkit_flags *ret_flags,
			   struct hull_error **err);

/* What happens outside while a description is made of flags, in the order of the members; each may
 * be NULL and then does nothing.  0 or -1 with *err. */
struct hull_vfkit_hooks {
	void *ctx;
	/* Options of devices that are hull's alone are taken, too: by their names in our JSON. */
	bool ours;
	/* Nested virtualisation is asked for: can the host do it? */
	int (*nested)(void *ctx, struct hull_error **err);
	/* The pid file; the disk made of flags->cloud_init, whose path goes to *ret_iso. */
	int (*prepare)(void *ctx, const struct hull_vfkit_flags *flags, char **ret_iso,
		       struct hull_error **err);
	/* Up to four bytes from the start of a disk image, "" where no path was given. */
	int (*read_image)(void *ctx, const char *path, unsigned char *head, size_t *ret_len,
			  struct hull_error **err);
};

/* *ret_vm is to be finished on failure too. */
int hull_vfkit_from_flags(const struct hull_vfkit_flags *flags,
			  const struct hull_vfkit_hooks *hooks, struct hull_vfkit *ret_vm,
			  struct hull_error **err);

/* Parts of a command line, for programs that have only those.  Outputs on success only. */
int hull_vfkit_parse_device(const char *text, const struct hull_vfkit_hooks *hooks,
			    struct hull_device *ret_dev, struct hull_error **err);
int hull_vfkit_parse_bootloader(const struct hull_strv *pieces, struct hull_bootloader *ret_boot,
				struct hull_error **err);
int hull_vfkit_parse_timesync(const char *text, struct hull_timesync *ret, struct hull_error **err);
int hull_vfkit_parse_ignition(const char *text, struct hull_ignition *ret, struct hull_error **err);
/* Appends the pieces of a list in which double quotes protect commas. */
int hull_vfkit_split_quoted(const char *text, struct hull_strv *pieces, struct hull_error **err);

/* Appends the arguments without the program's name; on failure those before the faulty one. */
int hull_vfkit_render(const struct hull_vfkit *vm, struct hull_strv *args, struct hull_error **err);
/* The value of one --device. */
int hull_vfkit_render_device(const struct hull_device *dev, struct hull_strbuf *out,
			     struct hull_error **err);
/* Appends a clause for each thing that the arguments of @vm don't say. 0 or -ENOMEM. */
int hull_vfkit_unrendered(const struct hull_vfkit *vm, struct hull_strv *notes);

/* Appends a clause for each thing of a device that vfkit has no word for at all: part of both lists
 * of what gets lost. 0 or -ENOMEM. */
int hull_vfkit_unknown(const struct hull_device *dev, size_t index, struct hull_strv *notes);

/* ---- JSON ---- */

/* *ret_vm is to be finished on failure too.  @notes, unless NULL, gets a clause for each thing that
 * is ignored though it means something. */
int hull_vfkit_from_json(const char *text, size_t len, struct hull_vfkit *ret_vm,
			 struct hull_strv *notes, struct hull_error **err);
/* Compact, as Go's encoder writes it; the caller frees. */
int hull_vfkit_to_json(const struct hull_vfkit *vm, char **ret_text, struct hull_error **err);
/* Appends a clause for each thing that the JSON of @vm does not say. 0 or -ENOMEM. */
int hull_vfkit_unwritten(const struct hull_vfkit *vm, struct hull_strv *notes);
/* A list of strings in the same way. */
int hull_vfkit_strings_json(const struct hull_strv *list, char **ret_text, struct hull_error **err);

/* ---- explanations ---- */

/* All flags, bootloaders, devices and their keys, from the tables. */
int hull_vfkit_help(struct hull_strbuf *out);
/* What can stand where @word begins, after the flag @flag ("" for none). 0 or -ENOMEM. */
int hull_vfkit_complete(const char *flag, const char *word, struct hull_strv *out);

#endif
