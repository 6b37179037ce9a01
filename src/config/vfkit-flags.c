/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's command line: its flags, as the library for flags that it uses reads them, and the
 * description they make.
 */
#define _GNU_SOURCE
#include "config/vfkit.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

enum {
	FLAG_CPUS,
	FLAG_MEMORY,
	FLAG_BOOTLOADER,
	FLAG_KERNEL,
	FLAG_INITRD,
	FLAG_KERNEL_CMDLINE,
	FLAG_DEVICE,
	FLAG_TIMESYNC,
	FLAG_IGNITION,
	FLAG_CLOUD_INIT,
	FLAG_NESTED,
	FLAG_GUI,
	FLAG_RESTFUL_URI,
	FLAG_LOG_LEVEL,
	FLAG_PIDFILE,
	FLAG_HELP,
	FLAG_VERSION,
};

#define FLAG(member, ctype, kind, flag, text, ...)                                              \
	{                                                                                       \
		.help = text, .type = HULL_FIELD_TYPE_##kind,                                   \
		.offset = HULL_FIELD_OFFSET(struct hull_vfkit_flags, member, ctype), .vfkit = { \
			.key = flag,                                                            \
			__VA_ARGS__                                                             \
		}                                                                               \
	}

static const struct hull_field rows[] = {
	[FLAG_CPUS] = FLAG(cpus, uint64_t, U64, "cpus", "number of CPUs (1)", .letter = 'c',
			   .metavar = "N"),
	[FLAG_MEMORY] = FLAG(memory_mib, uint64_t, U64, "memory", "memory in MiB (512)",
			     .letter = 'm', .metavar = "N"),
	[FLAG_BOOTLOADER] = FLAG(bootloader, struct hull_strv, STRINGS, "bootloader",
				 "what boots, see below; repeated ones are joined", .letter = 'b',
				 .style = HULL_WORD_QUOTED, .metavar = "KIND[,OPTION...]"),
	[FLAG_KERNEL] = FLAG(kernel, char *, STRING, "kernel",
			     "kernel image, together with initrd and kernel-cmdline", .letter = 'k',
			     .metavar = "FILE"),
	[FLAG_INITRD] = FLAG(initrd, char *, STRING, "initrd", "initramfs", .letter = 'i',
			     .metavar = "FILE"),
	[FLAG_KERNEL_CMDLINE] = FLAG(kernel_cmdline, char *, STRING, "kernel-cmdline",
				     "the kernel's command line", .letter = 'C', .metavar = "TEXT"),
	[FLAG_DEVICE] = FLAG(devices, struct hull_strv, STRINGS, "device",
			     "a device, see below; may be repeated", .letter = 'd',
			     .metavar = "KIND[,OPTION...]"),
	[FLAG_TIMESYNC] = FLAG(timesync, char *, STRING, "timesync",
			       "set the guest's clock when the host wakes up", .letter = 't',
			       .metavar = "vsockPort=N"),
	[FLAG_IGNITION] = FLAG(ignition, char *, STRING, "ignition",
			       "Ignition file, served over vsock", .metavar = "FILE"),
	[FLAG_CLOUD_INIT] = FLAG(cloud_init, struct hull_strv, STRINGS, "cloud-init",
				 "user-data, meta-data and network-config for a disk",
				 .style = HULL_WORD_QUOTED, .metavar = "FILE[,FILE...]"),
	[FLAG_NESTED] = FLAG(nested, bool, BOOL, "nested", "virtual machines within the guest",
			     .letter = 'n'),
	[FLAG_GUI] = FLAG(gui, bool, BOOL, "gui",
			  "a window; adds a screen and a keyboard where there are none"),
	[FLAG_RESTFUL_URI] = FLAG(restful_uri, char *, STRING, "restful-uri",
				  "address of the REST service (none://)", .metavar = "URI"),
	[FLAG_LOG_LEVEL] = FLAG(log_level, char *, STRING, "log-level", "how much is told",
				.metavar = "error|info|debug"),
	[FLAG_PIDFILE] = FLAG(pidfile, char *, STRING, "pidfile", "where to write the process id",
			      .metavar = "FILE"),
	[FLAG_HELP] = FLAG(help, bool, BOOL, "help", "explain vfkit's flags", .letter = 'h'),
	[FLAG_VERSION] =
		FLAG(version, bool, BOOL, "version", "print vfkit's version", .letter = 'v'),
};

const struct hull_fields hull_vfkit_flag_fields = HULL_FIELDS(struct hull_vfkit_flags, rows);

void hull_vfkit_flags_fini(struct hull_vfkit_flags *flags)
{
	hull_fields_fini(&hull_vfkit_flag_fields, flags);
}

bool hull_vfkit_given(const struct hull_vfkit_flags *flags, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].vfkit.key, name))
			return flags->given >> i & 1;
	return false;
}

static bool given(const struct hull_vfkit_flags *flags, int row)
{
	return flags->given >> row & 1;
}

/* ---- values ---- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 36;
}

/* As in Go's source: 0x, 0b, 0o and a plain 0 tell the base, and single underscores may stand
 * between digits and after the prefix. */
static int parse_number(const char *s, uint64_t *ret)
{
	unsigned int base = 10;
	bool after_digit = false, any = false;
	uint64_t v = 0;
	int r = 0;

	if (s[0] == '0' && s[1]) {
		char c = (char)(s[1] | 0x20);

		base = 8;
		if (s[2] && (c == 'x' || c == 'b' || c == 'o')) {
			base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
			s += 2;
			after_digit = any = true; /* an underscore may follow */
		}
	}
	for (; *s; s++) {
		unsigned int d = (unsigned int)digit(*s);

		if (*s == '_' && after_digit) {
			after_digit = false;
			continue;
		}
		if (d >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, d, &v))
			r = -ERANGE;
		after_digit = any = true;
	}
	if (!any || !after_digit)
		return -EINVAL;
	if (r == 0)
		*ret = v;
	return r;
}

static int parse_bool(const char *s, bool *ret)
{
	static const char *const words[] = {"1", "t", "T", "TRUE",  "true",  "True",
					    "0", "f", "F", "FALSE", "false", "False"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(s, words[i])) {
			*ret = i < ARRAY_SIZE(words) / 2;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_flag(struct hull_vfkit_flags *flags, size_t row, const char *value,
		    struct hull_error **err)
{
	const struct hull_field *f = &rows[row];
	void *p = hull_field_at(f, flags);
	int r = 0;

	flags->given |= UINT64_C(1) << row;
	if (f->vfkit.style == HULL_WORD_QUOTED) {
		if (hull_vfkit_split_quoted(value, p, err) < 0)
			return hull_prefix(err, "--%s '%s'", f->vfkit.key, value);
		return 0;
	}
	switch (f->type) {
	case HULL_FIELD_TYPE_U64:
		r = parse_number(value, p);
		break;
	case HULL_FIELD_TYPE_BOOL:
		r = parse_bool(value, p);
		break;
	case HULL_FIELD_TYPE_STRINGS:
		r = hull_strv_add(p, value);
		break;
	default:
		r = hull_field_set_text(p, value);
		break;
	}
	if (r == -ENOMEM)
		return hull_fail_nomem(err);
	if (r < 0)
		return hull_fail(err, HULL_E_INVALID, "--%s: must be %s, not '%s'", f->vfkit.key,
				 f->type == HULL_FIELD_TYPE_BOOL ? "true or false"
				 : r == -ERANGE			 ? "a number below 2^64"
								 : "a whole number without unit",
				 value);
	return 0;
}

/* ---- words ---- */

struct words {
	char *const *v;
	size_t n, at; /* at: the one after that being looked at */
};

static int fail_unknown(const char *name, size_t len, struct hull_error **err)
{
	cleanup_free char *copy = strndup(name, len);
	const char *names[ARRAY_SIZE(rows) + 1] = {NULL};
	char near[HULL_NEAR_LEN];

	if (!copy)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		names[i] = rows[i].vfkit.key;
	return hull_fail(err, HULL_E_INVALID, "vfkit has no flag '--%s'%s", copy,
			 hull_did_you_mean(copy, names, "--", near));
}

/* The value of a flag that stands alone: the next word, whatever it looks like.  NULL: none. */
static const char *take_value(struct words *w, size_t row, struct hull_error **err)
{
	if (rows[row].type == HULL_FIELD_TYPE_BOOL)
		return "true";
	if (w->at < w->n)
		return w->v[w->at++];
	hull_fail(err, HULL_E_INVALID, "--%s needs a value: %s", rows[row].vfkit.key,
		  rows[row].vfkit.metavar);
	return NULL;
}

static int long_flag(struct hull_vfkit_flags *flags, struct words *w, const char *word,
		     struct hull_error **err)
{
	const char *name = word + 2, *value;
	size_t len = strcspn(name, "=");

	if (*name == '-' || *name == '=')
		return hull_fail(err, HULL_E_INVALID, "'%s' is no flag", word);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strncmp(rows[i].vfkit.key, name, len) != 0 || rows[i].vfkit.key[len])
			continue;
		value = name[len] == '=' ? name + len + 1 : take_value(w, i, err);
		return value ? set_flag(flags, i, value, err) : -1;
	}
	return fail_unknown(name, len, err);
}

/* Switches may stand together; the first flag with a value takes the rest of the word. */
static int short_flags(struct hull_vfkit_flags *flags, struct words *w, const char *word,
		       struct hull_error **err)
{
	for (const char *p = word + 1; *p;) {
		const char *value, *next = p + 1;
		size_t row = 0;

		if (!strncmp(p, "test.", 5))
			return 0; /* a flag of Go's test runner, which the library passes over */
		while (row < ARRAY_SIZE(rows) && rows[row].vfkit.letter != *p)
			row++;
		if (row == ARRAY_SIZE(rows)) {
			hull_fail(err, HULL_E_INVALID, "vfkit has no flag '-%c'", *p);
			return p == word + 1 ? -1 : hull_prefix(err, "'%s'", word);
		}
		if (p[1] == '=' && p[2]) {
			value = p + 2;
			next = "";
		} else if (rows[row].type != HULL_FIELD_TYPE_BOOL && p[1]) {
			value = p + 1;
			next = "";
		} else {
			value = take_value(w, row, err);
		}
		if (!value || set_flag(flags, row, value, err) < 0)
			return -1;
		p = next;
	}
	return 0;
}

/* ---- relations ---- */

static int check_flags(const struct hull_vfkit_flags *flags, struct hull_error **err)
{
	static const int legacy[] = {FLAG_KERNEL, FLAG_INITRD, FLAG_KERNEL_CMDLINE};
	int n = 0, missing = -1, present = -1;

	for (size_t i = 0; i < ARRAY_SIZE(legacy); i++) {
		if (given(flags, legacy[i])) {
			present = present < 0 ? legacy[i] : present;
			n++;
		} else if (missing < 0) {
			missing = legacy[i];
		}
	}
	if (n && missing >= 0)
		return hull_fail(err, HULL_E_INVALID, "--%s needs --%s", rows[present].vfkit.key,
				 rows[missing].vfkit.key);
	if (n && given(flags, FLAG_BOOTLOADER))
		return hull_fail(err, HULL_E_INVALID, "--%s and --bootloader exclude each other",
				 rows[present].vfkit.key);
	if (flags->log_level && strcmp(flags->log_level, "error") != 0 &&
	    strcmp(flags->log_level, "info") != 0 && strcmp(flags->log_level, "debug") != 0)
		return hull_fail(err, HULL_E_INVALID,
				 "--log-level: must be error, info or debug, not '%s'",
				 flags->log_level);
	return 0;
}

int hull_vfkit_parse_flags(char *const *argv, size_t n, struct hull_vfkit_flags *ret_flags,
			   struct hull_error **err)
{
	struct words w = {argv, n, 0};

	memset(ret_flags, 0, sizeof(*ret_flags));
	ret_flags->cpus = 1;
	ret_flags->memory_mib = 512;
	while (w.at < w.n) {
		const char *word = w.v[w.at++];

		if (word[0] != '-' || !word[1])
			continue; /* vfkit has no use for other words, and says nothing */
		if (!strcmp(word, "--"))
			break;
		if ((word[1] == '-' ? long_flag : short_flags)(ret_flags, &w, word, err) < 0)
			return -1;
	}
	if (ret_flags->help || ret_flags->version)
		return 0;
	return check_flags(ret_flags, err);
}

/* ---- the description ---- */

void hull_vfkit_fini(struct hull_vfkit *vm)
{
	hull_bootloader_fini(&vm->bootloader);
	for (size_t i = 0; i < vm->devices.n; i++)
		hull_device_fini(&vm->devices.v[i]);
	free(vm->devices.v);
	hull_fields_fini(&hull_ignition_class.fields, &vm->ignition);
	memset(vm, 0, sizeof(*vm));
}

static int add_bootloader(const struct hull_vfkit_flags *flags, struct hull_vfkit *vm,
			  struct hull_error **err)
{
	struct hull_boot_linux *b = &vm->bootloader.linux_boot;

	if (!flags->kernel && !flags->initrd && !flags->kernel_cmdline)
		return hull_vfkit_parse_bootloader(&flags->bootloader, &vm->bootloader, err);
	vm->bootloader.kind = HULL_BOOT_LINUX;
	if (hull_field_set_text(&b->kernel, flags->kernel ? flags->kernel : "") < 0 ||
	    hull_field_set_text(&b->initrd, flags->initrd ? flags->initrd : "") < 0 ||
	    hull_field_set_text(&b->cmdline, flags->kernel_cmdline ? flags->kernel_cmdline : "") <
		    0)
		return hull_fail_nomem(err);
	return 0;
}

static int add_device(const char *text, const struct hull_vfkit_hooks *hooks, struct hull_vfkit *vm,
		      struct hull_error **err)
{
	struct hull_device *dev = hull_vec_push(&vm->devices);

	if (!dev)
		return hull_fail_nomem(err);
	if (hull_vfkit_parse_device(text, hooks, dev, err) == 0)
		return 0;
	vm->devices.n--;
	return hull_prefix(err, "--device '%s'", text);
}

/* Not by way of an option list, whose commas the path may have. */
static int add_disk(const char *path, struct hull_vfkit *vm, struct hull_error **err)
{
	struct hull_device *dev = hull_vec_push(&vm->devices);

	if (!dev)
		return hull_fail_nomem(err);
	if (hull_device_init(dev, HULL_DEVICE_BLK) < 0) {
		vm->devices.n--;
		return hull_fail_nomem(err);
	}
	return hull_field_set_text(&dev->disk.path, path) < 0 ? hull_fail_nomem(err) : 0;
}

static bool has_device(const struct hull_vfkit *vm, enum hull_device_kind kind)
{
	for (size_t i = 0; i < vm->devices.n; i++)
		if (vm->devices.v[i].kind == kind)
			return true;
	return false;
}

/* A window needs a screen and something to type on. */
static int add_gui(struct hull_vfkit *vm, struct hull_error **err)
{
	static const struct {
		enum hull_device_kind kind;
		const char *text;
	} wanted[] = {{HULL_DEVICE_GPU, "virtio-gpu"},
		      {HULL_DEVICE_INPUT, "virtio-input,keyboard"}};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (has_device(vm, wanted[i].kind))
			continue;
		if (add_device(wanted[i].text, NULL, vm, err) < 0)
			return -1;
		if (wanted[i].kind == HULL_DEVICE_GPU)
			vm->devices.v[vm->devices.n - 1].gpu.gui = true;
	}
	return 0;
}

static int add_devices(const struct hull_vfkit_flags *flags, const char *iso,
		       const struct hull_vfkit_hooks *hooks, struct hull_vfkit *vm,
		       struct hull_error **err)
{
	for (size_t i = 0; i < flags->devices.n; i++)
		if (add_device(flags->devices.v[i], hooks, vm, err) < 0)
			return -1;
	if (iso && add_disk(iso, vm, err) < 0)
		return -1;
	return flags->gui ? add_gui(vm, err) : 0;
}

int hull_vfkit_from_flags(const struct hull_vfkit_flags *flags,
			  const struct hull_vfkit_hooks *hooks, struct hull_vfkit *ret_vm,
			  struct hull_error **err)
{
	static const struct hull_vfkit_hooks none;
	cleanup_free char *iso = NULL;

	hooks = hooks ? hooks : &none;
	*ret_vm = (struct hull_vfkit){
		.cpus = flags->cpus,
		.memory_bytes = flags->memory_mib << 20,
		.nested = flags->nested,
	};
	if (add_bootloader(flags, ret_vm, err) < 0)
		return -1;
	if (flags->nested && hooks->nested && hooks->nested(hooks->ctx, err) < 0)
		return -1;
	if (flags->timesync) {
		if (hull_vfkit_parse_timesync(flags->timesync, &ret_vm->timesync, err) < 0)
			return hull_prefix(err, "--timesync '%s'", flags->timesync);
		ret_vm->has_timesync = true;
	}
	if (hooks->prepare && hooks->prepare(hooks->ctx, flags, &iso, err) < 0)
		return -1;
	if (add_devices(flags, iso, hooks, ret_vm, err) < 0)
		return -1;
	if (flags->ignition) {
		if (hull_vfkit_parse_ignition(flags->ignition, &ret_vm->ignition, err) < 0)
			return hull_prefix(err, "--ignition");
		ret_vm->has_ignition = true;
	}
	return 0;
}
