/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host and its users choose for all machines: the settings, from the text of hull.conf files
 * and from HULL_* variables.  One table has them all.
 *
 * A row that names a key of the VM's description is the default of that key, and takes kind,
 * bounds, choices and what is built in from the description's own row.  So a setting is what a
 * description and the options of a command leave out; it never overrides either.  What would make
 * machines contradict themselves (architecture, machine, firmware, agent, link) is no setting.
 *
 * The text is lines of "key = value".  A '#' at the beginning of a line or after a blank begins a
 * comment.  There are no sections and no quotes; a path or word that is empty is left to hull
 * again.
 */
#ifndef HULL_CONFIG_SETTINGS_H
#define HULL_CONFIG_SETTINGS_H

#include "base/log.h"
#include "config/config.h"

#define HULL_SETTINGS_TEXT_MAX ((size_t)64 << 10) /* bytes of a file */
#define HULL_SETTINGS_COUNT 21
#define HULL_PIDS_MAX UINT64_C(4194303) /* what the agent takes */

struct hull_strbuf;

enum hull_color { HULL_COLOR_AUTO, HULL_COLOR_ALWAYS, HULL_COLOR_NEVER };

/* The network of "hull run", unless its description has one.  The last two are user's, by a certain
 * provider. */
enum hull_net { HULL_NET_USER, HULL_NET_NONE, HULL_NET_PASST, HULL_NET_BUILTIN };
extern const char *const hull_net_names[]; /* ended by NULL */

/* How a number is written. */
enum hull_setting_style {
	HULL_SETTING_PLAIN, /* as its type says */
	HULL_SETTING_TIME,  /* milliseconds, as "30s" or "5m" */
	HULL_SETTING_MILLI, /* thousandths, as "0.5" */
};

/* Which machines a text is for. */
enum hull_setting_scope {
	HULL_SETTING_ANY,
	HULL_SETTING_NATIVE, /* of this host's architecture */
	HULL_SETTING_BOOT,   /* those that boot a kernel, and have not been given one */
};

struct hull_setting {
	const char *name;     /* in files */
	const char *variable; /* of the environment; empty is as good as unset */
	const char *key;      /* of the description: "programs.qemu"; NULL: of none */
	const char *help;     /* NULL: the description's */
	enum hull_setting_style style;
	enum hull_setting_scope scope;
	const char *also, *also_means; /* a variable by whose presence it has that value */
	bool variable_only;
};

extern const struct hull_setting hull_settings_table[HULL_SETTINGS_COUNT]; /* sorted */

/* Neither file nor variable: built in. */
struct hull_setting_origin {
	const char *file; /* of the list below */
	size_t line;
	const char *variable;
};

struct hull_settings {
	struct hull_config vm; /* of it, what rows name */
	char *guest_dir, *home;
	enum hull_net net;
	uint64_t pids_limit; /* 0: none */
	enum hull_log_level log_level;
	enum hull_color color;
	struct hull_strv files; /* that have been read */
	struct hull_setting_origin origins[HULL_SETTINGS_COUNT];
};

void hull_settings_init(struct hull_settings *s);
void hull_settings_fini(struct hull_settings *s);
#define cleanup_settings __attribute__((cleanup(hull_settings_fini)))

/* What a file says, over what was said before.  Errors begin with "<file>:<line>: ".  @problems,
 * unless NULL, gets all of them, and the error only a lack of memory. */
int hull_settings_read(struct hull_settings *s, const char *file, const char *text, size_t len,
		       struct hull_strv *problems, struct hull_error **err);
/* Likewise what variables say; @get is getenv() or stands for it. */
typedef char *(*hull_getenv_fn)(const char *name);
int hull_settings_read_environ(struct hull_settings *s, hull_getenv_fn get,
			       struct hull_strv *problems, struct hull_error **err);
/* Ends reading where something is wrong: the problem, or the error, is @own's.  0 or -1. */
int hull_settings_fail(struct hull_strv *problems, struct hull_error *own, struct hull_error **err);

/* Numbers and choices, before a description and options are read into @config, which is
 * initialised. */
void hull_settings_begin(const struct hull_settings *s, struct hull_config *config);
/* Paths and words that those have left out. 0 or -ENOMEM. */
int hull_settings_complete(const struct hull_settings *s, struct hull_config *config);

/* Index in the table; -1 with an error that names the nearest. */
int hull_setting_find(const char *name, struct hull_error **err);
/* Its value as a file would say it, and where it comes from. 0 or -ENOMEM. */
int hull_setting_value(const struct hull_settings *s, size_t index, struct hull_strbuf *out);
int hull_setting_origin(const struct hull_settings *s, size_t index, struct hull_strbuf *out);
/* A paragraph for each setting: plain, or for scdoc's manual pages. 0 or -ENOMEM. */
int hull_settings_explain(bool page, struct hull_strbuf *out);

/* ---- between settings.c and settings-text.c ---- */

/* The row of a setting that tells its kind, and its place in @s. */
const struct hull_field *hull_setting_row(const struct hull_setting *set,
					  const struct hull_settings *s, void **ret_place);
/* Sets it to what @text says; the error is about the value alone. */
int hull_setting_parse(const struct hull_setting *set, struct hull_settings *s, const char *text,
		       struct hull_error **err);

#endif
