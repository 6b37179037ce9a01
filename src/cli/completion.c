/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts for three shells; the words come from "hull --list-verbs",
 * "hull --list-options VERB", "hull --list-values VERB OPTION", "hull --list-vms VERB" and
 * "hull --list-settings", so that they can't fall behind the tables.
 */
#define _GNU_SOURCE
#include "cli/completion.h"

#include "config/config.h"
#include "config/settings.h"

#include <string.h>

static const char bash_script[] =
	"_hull_vfkit() {\n"
	"    local line=${COMP_LINE:0:COMP_POINT} word head\n"
	"    word=${line##* } line=${line% *}\n"
	"    head=${word%\"${word##*[=:]}\"}\n"
	"    COMPREPLY=($(compgen -W \"$(hull --list-vfkit \"${line##* }\" \"$word\")\" "
	"-- \"$word\"))\n"
	"    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"${word##*[=:,]}\"))\n"
	"    COMPREPLY=(\"${COMPREPLY[@]#\"$head\"}\")\n"
	"    compopt -o nospace\n"
	"}\n"
	"_hull_operands() {\n"
	"    COMPREPLY=($(compgen -W \"$(hull --list-vms \"$1\" 2>/dev/null)\" -- \"$2\"))\n"
	"    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$2\"))\n"
	"}\n"
	"_hull() {\n"
	"    local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} sub values\n"
	"    if [[ $COMP_CWORD -gt 2 && ${COMP_WORDS[COMP_CWORD-1]} == -* ]]; then\n"
	"        values=$(hull --list-values \"$verb\" \"${COMP_WORDS[COMP_CWORD-1]}\" "
	"2>/dev/null)\n"
	"        COMPREPLY=($(compgen -W \"$values\" -- \"$cur\"))\n"
	"        [[ $values != *= ]] || compopt -o nospace\n"
	"        [ -z \"$values\" ] || return\n"
	"    fi\n"
	"    sub=$(hull --list-verbs \"$verb\" 2>/dev/null)\n"
	"    [ -z \"$sub\" ] || sub=${COMP_WORDS[2]}\n"
	"    if [ \"$COMP_CWORD\" -eq 1 ] || [[ $verb == help && $COMP_CWORD -eq 2 ]]; then\n"
	"        COMPREPLY=($(compgen -W \"$(hull --list-verbs)\" -- \"$cur\"))\n"
	"    elif [ \"$verb\" = vfkit ]; then\n"
	"        _hull_vfkit\n"
	"    elif [ \"$COMP_CWORD\" -eq 2 ] && [ \"$sub\" = \"$cur\" ] && [[ $cur != -* ]]; then\n"
	"        COMPREPLY=($(compgen -W \"$(hull --list-verbs \"$verb\" 2>/dev/null)\" "
	"-- \"$cur\"))\n"
	"        [ -n \"$(hull --list-verbs \"$verb\" 2>/dev/null)\" ] || "
	"_hull_operands \"$verb\" \"$cur\"\n"
	"    elif [[ $verb == config && $sub == from-args && ${COMP_WORDS[*]:3:COMP_CWORD-3} == "
	"*--* ]]; then\n"
	"        _hull_vfkit\n"
	"    elif [[ $verb == config && $sub == show && $cur != -* ]]; then\n"
	"        COMPREPLY=($(compgen -W \"$(hull --list-settings)\" -- \"$cur\"))\n"
	"    elif [[ $cur == -* ]]; then\n"
	"        COMPREPLY=($(compgen -W \"$(hull --list-options \"$verb\" \"$sub\" 2>/dev/null) "
	"--help\" -- \"$cur\"))\n"
	"    else\n"
	"        _hull_operands \"$verb\" \"$cur\"\n"
	"    fi\n"
	"}\n"
	"complete -o filenames -F _hull hull\n"
	"complete -o filenames -F _hull_vfkit vfkit\n";

static const char zsh_script[] =
	"#compdef hull\n"
	"_hull() {\n"
	"    local -a subs values\n"
	"    if (( CURRENT > 3 )) && [[ $words[CURRENT-1] == -* ]]; then\n"
	"        values=(${(f)\"$(hull --list-values $words[2] $words[CURRENT-1] 2>/dev/null)\"})\n"
	"        (( $#values )) && compadd -- $values && return\n"
	"    fi\n"
	"    subs=(${(f)\"$(hull --list-verbs $words[2] 2>/dev/null)\"})\n"
	"    if (( CURRENT == 2 )); then\n"
	"        compadd -- ${(f)\"$(hull --list-verbs)\"}\n"
	"    elif [[ $words[2] == vfkit ]]; then\n"
	"        compadd -S '' -- ${(f)\"$(hull --list-vfkit \"$words[CURRENT-1]\" "
	"\"$words[CURRENT]\")\"} || _files\n"
	"    elif (( CURRENT == 3 && $#subs )) && [[ $words[CURRENT] != -* ]]; then\n"
	"        compadd -- $subs\n"
	"    elif [[ $words[2] == config && $words[3] == from-args ]] && "
	"(( $words[(I)--] && $words[(I)--] < CURRENT )); then\n"
	"        compadd -S '' -- ${(f)\"$(hull --list-vfkit \"$words[CURRENT-1]\" "
	"\"$words[CURRENT]\")\"} || _files\n"
	"    elif [[ $words[2] == config && $words[3] == show && $words[CURRENT] != -* ]]; then\n"
	"        compadd -- ${(f)\"$(hull --list-settings)\"}\n"
	"    elif [[ $words[CURRENT] == -* ]]; then\n"
	"        compadd -- ${(f)\"$(hull --list-options $words[2] $words[3] 2>/dev/null)\"} "
	"--help\n"
	"    else\n"
	"        compadd -- ${(f)\"$(hull --list-vms $words[2] 2>/dev/null)\"}\n"
	"        _files\n"
	"    fi\n"
	"}\n"
	"compdef _hull hull\n";

static const char fish_script[] =
	"complete -c hull -n __fish_use_subcommand -f -a '(hull --list-verbs)'\n"
	"complete -c hull -n 'not __fish_use_subcommand' -a "
	"'(hull --list-options (commandline -opc)[2..3] 2>/dev/null)'\n"
	"complete -c hull -n 'not __fish_use_subcommand' -a "
	"'(hull --list-vms (commandline -opc)[2] 2>/dev/null)'\n"
	"complete -c hull -n '__fish_seen_subcommand_from config' -a "
	"'(hull --list-verbs config)'\n"
	"complete -c hull -n '__fish_seen_subcommand_from show' -f -a "
	"'(hull --list-settings)'\n"
	"complete -c hull -n '__fish_seen_subcommand_from from-args vfkit' -a "
	"'(hull --list-vfkit (commandline -opc)[-1] (commandline -ct))'\n";

/* ---- values of options ---- */

static void out_all(const char *const *names)
{
	for (; *names; names++)
		hull_out("%s\n", *names);
}

/* "how it is: table (default), json or name": a line each; what is in brackets is said of them. */
static void out_enumerated(const char *help)
{
	const char *colon = strstr(help, ": ");

	if (colon)
		help = colon + 2;
	while (*help) {
		size_t len = *help == '(' ? strcspn(help, ")") + 1 : strcspn(help, ", ");

		if (*help != '(' && strncmp(help, "or ", 3) != 0)
			hull_out("%.*s\n", (int)len, help);
		help += len + strspn(help + len, ", ");
	}
}

static const struct hull_opt *find_option(const struct hull_verb *verb, const char *word)
{
	for (const struct hull_opt *o = verb->opts; o && o->name; o++)
		if ((word[0] == '-' && word[1] == '-' && !strcmp(o->name, word + 2)) ||
		    (word[0] == '-' && o->id < 256 && word[1] == (char)o->id && !word[2]))
			return o;
	return NULL;
}

/* What the description's member of that name may be. */
static const char *const *names_of_member(const char *option)
{
	for (size_t i = 0; i < hull_config_fields.n; i++) {
		const struct hull_field *f = &hull_config_fields.v[i];
		size_t k = 0;

		if (!f->name || !f->names)
			continue;
		while (f->name[k] &&
		       (f->name[k] == option[k] || (f->name[k] == '_' && option[k] == '-')))
			k++;
		if (!f->name[k] && !option[k])
			return f->names;
	}
	return NULL;
}

void hull_completion_values(const struct hull_verb *verb, const char *word)
{
	const struct hull_opt *o = find_option(verb, word);
	const char *const *names;

	if (!o || !o->arg)
		return;
	names = !strcmp(o->name, "net") ? hull_net_names : names_of_member(o->name);
	if (!strcmp(o->name, "output"))
		out_enumerated(o->help);
	else if (!strcmp(o->name, "filter"))
		hull_out("%s", !strcmp(verb->name, "events") ? "event=\nvm=\n"
							     : "label=\nname=\nstate=\n");
	else if (names)
		out_all(names);
}

int hull_cmd_completion(const struct hull_verb *verb, int argc, char **argv)
{
	static const char *const shells[] = {"bash", "zsh", "fish", NULL};
	static const char *const scripts[] = {bash_script, zsh_script, fish_script};
	cleanup_error struct hull_error *err = NULL;
	int i = -1, rest, r;
	bool dashes;

	r = hull_opts_parse(verb, argc, argv, NULL, NULL, &rest, &dashes, &err);
	if (r > 0)
		return HULL_EXIT_OK;
	if (r == 0 && argc - rest != 1)
		r = hull_fail(&err, HULL_E_INVALID, "usage: hull %s", verb->synopsis);
	if (r == 0)
		i = hull_name_index("shell", argv[rest], shells, &err);
	if (i < 0) {
		hull_out_error(err);
		return HULL_EXIT_USAGE;
	}
	hull_out("%s", scripts[i]);
	return HULL_EXIT_OK;
}
