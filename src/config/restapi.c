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
#include "config/dialect.h"

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

/* Before devices[@at]; NULL without memory. */
static struct hull_device *insert(struct hull_config *c, size_t at, enum hull_device_kind kind)
{
	struct hull_device dev, *last = hull_vec_push(&c->devices);

	if (!last || hull_device_init(last, kind) < 0)
		return NULL;
	dev = *last;
	memmove(&c->devices.v[at + 1], &c->devices.v[at], (c->devices.n - 1 - at) * sizeof(dev));
	c->devices.v[at] = dev;
	return &c->devices.v[at];
}

/* What we know by other words, as devices.  Shares have no tags of their own: the guest's agent
 * mounts them, and where is what names them. */
static int add_devices(struct hull_config *c)
{
	size_t at = 0;

	for (size_t i = 0; i < c->shares.n; i++) {
		struct hull_device *dev = insert(c, at++, HULL_DEVICE_FS);

		if (!dev)
			return -ENOMEM;
		dev->fs.tag = steal_ptr(&c->shares.v[i].target);
		dev->fs.dir = steal_ptr(&c->shares.v[i].source);
	}
	if (c->rng && !insert(c, at, HULL_DEVICE_RNG))
		return -ENOMEM;
	c->rng = false;
	return 0;
}

static void free_string(char **slot)
{
	free(*slot);
	*slot = NULL;
}

/* A copy of @c, in which that is said in vfkit's words which the guest has, if not what is behind
 * it.  To be finished on failure too. */
static int copy_for_guest(const struct hull_config *c, struct hull_config *copy)
{
	cleanup_free char *text = NULL;

	hull_config_init(copy);
	if (hull_config_to_json(c, &text, NULL) < 0 ||
	    hull_config_from_json(text, strlen(text), copy, NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < copy->disks.n; i++) {
		copy->disks.v[i].format = HULL_DISK_RAW;
		if (copy->disks.v[i].scratch_bytes)
			free_string(&copy->disks.v[i].path);
	}
	for (size_t i = 0; i < copy->devices.n; i++) {
		struct hull_device *dev = &copy->devices.v[i];
		const char *pty =
			dev->kind == HULL_DEVICE_SERIAL ? c->devices.v[i].serial.pty_name : NULL;

		if (pty && !(dev->serial.pty_name = strdup(pty)))
			return -ENOMEM;
		if (dev->kind == HULL_DEVICE_NET && dev->net.path) { /* it is connected by now */
			free_string(&dev->net.path);
			dev->net.socket = true;
		}
	}
	return add_devices(copy);
}

char *hull_rest_inspect_body(const struct hull_config *c)
{
	cleanup_vfkit struct hull_vfkit vm = {0};
	cleanup_strv struct hull_strv notes = {0}; /* nobody asks what is left out */
	cleanup_config struct hull_config copy;
	char *text = NULL;

	if (copy_for_guest(c, &copy) < 0 || hull_config_to_vfkit(&copy, &vm, &notes, NULL) < 0 ||
	    hull_vfkit_to_json(&vm, &text, NULL) < 0)
		return NULL;
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
