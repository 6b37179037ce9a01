/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts of vfkit's REST service, see restapi.h.  They are to the letter what Go's JSON encoder
 * writes: members in this order, and '<', '>' and '&' escaped.
 */
#define _GNU_SOURCE
#include "config/restapi.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "config/vfkit.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	unsigned int possible;
} states[] = {
	[HULL_REST_STOPPED] = {"VirtualMachineStateStopped", HULL_REST_CAN_START},
	[HULL_REST_RUNNING] = {"VirtualMachineStateRunning",
			       HULL_REST_CAN_PAUSE | HULL_REST_CAN_STOP | HULL_REST_CAN_HARD_STOP},
	[HULL_REST_PAUSED] = {"VirtualMachineStatePaused",
			      HULL_REST_CAN_RESUME | HULL_REST_CAN_HARD_STOP},
	[HULL_REST_ERROR] = {"VirtualMachineStateError", HULL_REST_CAN_START},
	[HULL_REST_STARTING] = {"VirtualMachineStateStarting", 0},
	[HULL_REST_PAUSING] = {"VirtualMachineStatePausing", 0},
	[HULL_REST_RESUMING] = {"VirtualMachineStateResuming", 0},
	[HULL_REST_STOPPING] = {"VirtualMachineStateStopping", 0},
};

unsigned int hull_rest_possible(enum hull_rest_state state)
{
	return states[state].possible;
}

const char *hull_rest_state_name(enum hull_rest_state state)
{
	return states[state].name;
}

unsigned int hull_rest_action(const char *word)
{
	static const struct {
		const char *word;
		unsigned int bit;
	} actions[] = {
		{"Pause", HULL_REST_CAN_PAUSE},
		{"Resume", HULL_REST_CAN_RESUME},
		{"Stop", HULL_REST_CAN_STOP},
		{"HardStop", HULL_REST_CAN_HARD_STOP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(word, actions[i].word))
			return actions[i].bit;
	return 0;
}

/* ---- answers ---- */

/* Only strings have those characters, so all of them can be written as escapes. */
static char *text_of(const struct hull_json *j)
{
	struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_free char *text = hull_json_text(j);

	if (!text)
		return NULL;
	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "<>&");

		hull_strbuf_add(&out, s, n);
		s += n;
		if (*s)
			hull_strbuf_addf(&out, "\\u%04x", (unsigned char)*s++);
	}
	return hull_strbuf_steal(&out);
}

char *hull_rest_state_body(enum hull_rest_state state, unsigned int possible)
{
	cleanup_json struct hull_json *j = hull_json_object();
	int r = 0;

	if (!j)
		return NULL;
	r |= hull_json_set(j, "canHardStop", hull_json_bool(possible & HULL_REST_CAN_HARD_STOP));
	r |= hull_json_set(j, "canPause", hull_json_bool(possible & HULL_REST_CAN_PAUSE));
	r |= hull_json_set(j, "canResume", hull_json_bool(possible & HULL_REST_CAN_RESUME));
	r |= hull_json_set(j, "canStart", hull_json_bool(possible & HULL_REST_CAN_START));
	r |= hull_json_set(j, "canStop", hull_json_bool(possible & HULL_REST_CAN_STOP));
	r |= hull_json_set(j, "state", hull_json_string(states[state].name));
	return r ? NULL : text_of(j);
}

char *hull_rest_error_body(const char *message)
{
	cleanup_json struct hull_json *j = hull_json_object();

	if (!j || hull_json_set(j, "error", hull_json_string(message)) < 0)
		return NULL;
	return text_of(j);
}

/* ---- the description ---- */

static int copy(char **slot, const char *text)
{
	if (!text)
		return 0;
	free(*slot);
	*slot = strdup(text);
	return *slot ? 0 : -ENOMEM;
}

/* With its kind's defaults; NULL without memory. */
static struct hull_device *add_device(struct hull_vfkit *vm, enum hull_device_kind kind)
{
	struct hull_device *d = hull_vec_push(&vm->devices);

	if (!d || hull_device_init(d, kind) < 0)
		return NULL;
	return d;
}

static int add_disk(struct hull_vfkit *vm, const struct hull_disk *disk)
{
	struct hull_device *d = add_device(vm, HULL_DEVICE_BLK);

	if (!d || copy(&d->disk.path, disk->path) < 0)
		return -ENOMEM;
	d->disk.readonly = disk->readonly;
	return copy(&d->disk.id, disk->serial);
}

static int add_network(struct hull_vfkit *vm, const struct hull_network *network)
{
	struct hull_device *d = add_device(vm, HULL_DEVICE_NET);

	if (!d)
		return -ENOMEM;
	d->net.nat = true;
	return copy(&d->net.mac, network->mac);
}

/* Shares have no tags of their own: the guest's agent mounts them, and where is what names them. */
static int add_share(struct hull_vfkit *vm, const struct hull_share *share)
{
	struct hull_device *d = add_device(vm, HULL_DEVICE_FS);

	return d && copy(&d->fs.tag, share->target) == 0 ? copy(&d->fs.dir, share->source)
							 : -ENOMEM;
}

static int add_devices(struct hull_vfkit *vm, const struct hull_config *c)
{
	int r = 0;

	for (size_t i = 0; i < c->disks.n && r == 0; i++)
		if (!c->disks.v[i].scratch_bytes)
			r = add_disk(vm, &c->disks.v[i]);
	for (size_t i = 0; i < c->networks.n && r == 0; i++)
		r = add_network(vm, &c->networks.v[i]);
	for (size_t i = 0; i < c->shares.n && r == 0; i++)
		r = add_share(vm, &c->shares.v[i]);
	if (r == 0 && c->rng && !add_device(vm, HULL_DEVICE_RNG))
		r = -ENOMEM;
	return r;
}

static int add_bootloader(struct hull_vfkit *vm, const struct hull_config *c)
{
	struct hull_boot_linux *b = &vm->bootloader.linux_boot;
	cleanup_strbuf struct hull_strbuf words = HULL_STRBUF_INIT;

	if (c->firmware.kind == HULL_FIRMWARE_EFI) {
		vm->bootloader.kind = HULL_BOOT_EFI;
		vm->bootloader.efi.create = c->firmware.create;
		return copy(&vm->bootloader.efi.store, c->firmware.store);
	}
	vm->bootloader.kind = HULL_BOOT_LINUX;
	for (size_t i = 0; i < c->append.n; i++)
		hull_strbuf_addf(&words, "%s%s", i ? " " : "", c->append.v[i]);
	if (words.failed)
		return -ENOMEM;
	b->cmdline = words.len ? hull_strbuf_steal(&words) : NULL;
	return copy(&b->kernel, c->kernel) < 0 ? -ENOMEM : copy(&b->initrd, c->initrd);
}

/* Those that are described as vfkit does already: lent, so to be taken out again. */
static int lend_devices(struct hull_vfkit *vm, const struct hull_config *c)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		struct hull_device *d = hull_vec_push(&vm->devices);

		if (!d)
			return -ENOMEM;
		*d = c->devices.v[i];
		if (d->kind == HULL_DEVICE_NET && d->net.path) { /* it is connected by now */
			d->net.path = NULL;
			d->net.socket = true;
		}
	}
	return 0;
}

char *hull_rest_inspect_body(const struct hull_config *c)
{
	cleanup_vfkit struct hull_vfkit vm = {.cpus = c->cpus, .memory_bytes = c->memory_bytes};
	char *text = NULL;
	size_t own;

	if (add_bootloader(&vm, c) < 0 || add_devices(&vm, c) < 0)
		return NULL;
	own = vm.devices.n;
	if (lend_devices(&vm, c) < 0 || hull_vfkit_to_json(&vm, &text, NULL) < 0)
		text = NULL;
	vm.devices.n = own;
	return text;
}

/* ---- requests ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The length of the object that @s begins with; 0 if it does not end. */
static size_t object_len(const char *s, size_t len)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (in_string && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if (s[i] == '{' || s[i] == '[')
			depth++;
		else if ((s[i] == '}' || s[i] == ']') && !--depth)
			return i + 1;
	}
	return 0;
}

struct wanted {
	const char *word;
	bool wrong;
};

static int on_member(void *ctx, const char *key, struct hull_json *value)
{
	struct wanted *w = ctx;

	if (strcasecmp(key, "state") != 0 || hull_json_type(value) == HULL_JSON_NULL)
		return 0;
	w->word = hull_json_str(value);
	w->wrong |= !w->word;
	return 0;
}

int hull_rest_read_state(const char *body, size_t len, char **ret_word, struct hull_error **err)
{
	cleanup_json struct hull_json *j = NULL;
	struct wanted wanted = {0};
	char *word = NULL;
	size_t n;

	while (len && is_space(*body)) {
		body++;
		len--;
	}
	if (!len)
		return hull_fail(err, HULL_E_INVALID, "EOF");
	if (*body == '{') {
		n = object_len(body, len);
		if (!n)
			return hull_fail(err, HULL_E_INVALID, "unexpected EOF");
		if (hull_json_parse(body, n, &j, err) < 0)
			return -1;
		(void)hull_json_each(j, on_member, &wanted);
	} else if (hull_json_parse(body, len, &j, err) < 0) {
		return -1;
	} else if (hull_json_type(j) != HULL_JSON_NULL) {
		return hull_fail(err, HULL_E_INVALID, "the body is not a JSON object");
	}
	if (wanted.wrong)
		return hull_fail(err, HULL_E_INVALID, "state: not a string");
	if (wanted.word && !(word = strdup(wanted.word)))
		return hull_fail_nomem(err);
	*ret_word = word;
	return 0;
}
