/* SPDX-License-Identifier: Apache-2.0
 *
 * passwd(5) and group(5), as far as starting a program needs them.
 */
#define _GNU_SOURCE
#include "agent/users.h"

#include "agent/inroot.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* name:x:uid:gid:gecos:home:shell, name:x:gid:members */
enum { PASSWD_UID = 2, PASSWD_GID = 3, PASSWD_HOME = 5, GROUP_GID = 2, GROUP_MEMBERS = 3 };
#define FIELDS 7
#define ID_MAX (UINT32_MAX - 1) /* -1 means "unchanged" to the kernel */

struct span {
	const char *s;
	size_t len;
};

struct file {
	const char *text;
	size_t len;
};

static bool span_is(struct span a, const char *s)
{
	return a.len == strlen(s) && !memcmp(a.s, s, a.len);
}

static bool span_id(struct span a, uint32_t *ret)
{
	char buf[12] = "";
	uint64_t v;

	if (!a.len || a.len >= sizeof(buf))
		return false;
	memcpy(buf, a.s, a.len);
	if (strlen(buf) != a.len || hull_parse_u64(buf, ID_MAX, &v) < 0)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* The next line as fields (missing ones are empty); false at the end. */
static bool next_line(const struct file *f, size_t *pos, struct span fields[FIELDS])
{
	const char *p = f->text + *pos, *end;
	size_t left = f->len - *pos;

	if (!left)
		return false;
	end = memchr(p, '\n', left);
	*pos += end ? (size_t)(end - p) + 1 : left;
	if (!end)
		end = p + left;
	for (int i = 0; i < FIELDS; i++) {
		const char *colon = p < end ? memchr(p, ':', (size_t)(end - p)) : NULL;

		fields[i] = (struct span){p, (size_t)((colon ? colon : end) - p)};
		p = colon ? colon + 1 : end;
	}
	return true;
}

/* The first line named @name, or else the first whose id is that number. */
static bool find(const struct file *f, const char *name, int id_field, struct span fields[FIELDS])
{
	struct span number = {name, strlen(name)};
	uint32_t want, id;
	size_t pos = 0;

	while (next_line(f, &pos, fields))
		if (fields[0].len && span_is(fields[0], name) && span_id(fields[id_field], &id))
			return true;
	if (!span_id(number, &want))
		return false;
	pos = 0;
	while (next_line(f, &pos, fields))
		if (fields[0].len && span_id(fields[id_field], &id) && id == want)
			return true;
	return false;
}

static bool is_member(struct span members, struct span name)
{
	while (members.len) {
		const char *comma = memchr(members.s, ',', members.len);
		size_t n = comma ? (size_t)(comma - members.s) : members.len;

		if (n == name.len && !memcmp(members.s, name.s, n))
			return true;
		n += comma ? 1 : 0;
		members.s += n;
		members.len -= n;
	}
	return false;
}

static int add_memberships(const struct file *group, struct span name, struct hull_user *u,
			   struct hull_error **err)
{
	struct span fields[FIELDS];
	size_t pos = 0;
	uint32_t gid;

	u->groups = malloc(HULL_USERS_GROUPS_MAX * sizeof(*u->groups));
	if (!u->groups)
		return hull_fail_nomem(err);
	while (next_line(group, &pos, fields)) {
		if (!is_member(fields[GROUP_MEMBERS], name) || !span_id(fields[GROUP_GID], &gid))
			continue;
		if (u->n_groups == HULL_USERS_GROUPS_MAX)
			return hull_fail(err, HULL_E_EXHAUSTED,
					 "user '%.*s' is in more than %d groups", (int)name.len,
					 name.s, HULL_USERS_GROUPS_MAX);
		u->groups[u->n_groups++] = gid;
	}
	return 0;
}

static int resolve_group(const struct file *group, const char *name, struct hull_user *u,
			 struct hull_error **err)
{
	struct span fields[FIELDS], number = {name, strlen(name)};

	if (find(group, name, GROUP_GID, fields))
		(void)span_id(fields[GROUP_GID], &u->gid);
	else if (!span_id(number, &u->gid))
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-group",
				       "no group '%s' in the guest's /etc/group", name);
	return 0;
}

static int resolve_user(const struct file *passwd, const struct file *group, const char *name,
			bool own_groups, struct hull_user *u, struct hull_error **err)
{
	struct span fields[FIELDS], number = {name, strlen(name)};

	if (!find(passwd, name, PASSWD_UID, fields)) {
		if (span_id(number, &u->uid))
			return 0;
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-user",
				       "no user '%s' in the guest's /etc/passwd", name);
	}
	(void)span_id(fields[PASSWD_UID], &u->uid);
	if (!span_id(fields[PASSWD_GID], &u->gid))
		u->gid = 0;
	if (fields[PASSWD_HOME].len && fields[PASSWD_HOME].len < PATH_MAX) {
		u->home = strndup(fields[PASSWD_HOME].s, fields[PASSWD_HOME].len);
		if (!u->home)
			return hull_fail_nomem(err);
	}
	return own_groups ? add_memberships(group, fields[0], u, err) : 0;
}

int hull_users_resolve(const char *spec, const char *passwd, size_t passwd_len, const char *group,
		       size_t group_len, struct hull_user *ret_user, struct hull_error **err)
{
	struct file pw = {passwd, passwd_len}, gr = {group, group_len};
	cleanup_with(hull_user_fini) struct hull_user u = {0};
	char name[HULL_USERS_SPEC_MAX + 1] = "0", *colon;
	size_t n = strlen(spec);

	if (n > HULL_USERS_SPEC_MAX)
		return hull_fail(err, HULL_E_INVALID, "user is longer than %d bytes",
				 HULL_USERS_SPEC_MAX);
	if (n)
		memcpy(name, spec, n + 1);
	colon = strchr(name, ':');
	if (colon)
		*colon++ = '\0';
	if (!*name || (colon && !*colon))
		return hull_fail(err, HULL_E_INVALID, "user '%s' is not NAME|UID[:GROUP|GID]",
				 spec);
	if (resolve_user(&pw, &gr, name, !colon && n, &u, err) < 0)
		return -1;
	if (colon && resolve_group(&gr, colon, &u, err) < 0)
		return -1;
	*ret_user = u;
	u = (struct hull_user){0};
	return 0;
}

/* A regular file only: /etc is the image's, and a fifo there would hold us up for ever. */
static int read_file(int rootfd, const char *path, struct hull_strbuf *out, struct hull_error **err)
{
	cleanup_close int fd = hull_inroot_open(rootfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return hull_fail_errno(err, -fd, "open the guest's '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return hull_fail(err, HULL_E_INVALID, "the guest's '%s' is no file", path);
	r = hull_fd_read_all(fd, HULL_USERS_FILE_MAX, out);
	if (r < 0)
		return hull_fail_errno(err, -r, "read the guest's '%s'", path);
	return 0;
}

int hull_users_lookup(int rootfd, const char *spec, struct hull_user *ret_user,
		      struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf passwd = HULL_STRBUF_INIT, group = HULL_STRBUF_INIT;

	if (read_file(rootfd, "/etc/passwd", &passwd, err) < 0 ||
	    read_file(rootfd, "/etc/group", &group, err) < 0)
		return -1;
	return hull_users_resolve(spec, hull_strbuf_str(&passwd), passwd.len,
				  hull_strbuf_str(&group), group.len, ret_user, err);
}

void hull_user_fini(struct hull_user *u)
{
	free(u->groups);
	free(u->home);
	*u = (struct hull_user){0};
}
