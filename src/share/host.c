/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's own system directories as a tree, and the table of what is hidden in them.
 *
 * The table is the second line: the daemon that serves the tree has no right beyond "others", so a
 * file that not everybody may read is refused in any case.  Masks cover what administrators leave
 * readable by mistake, what a guest must not share with its host (machine-id), and what it can use
 * only when it is there and readable (an /etc/shadow without hashes, for PAM).
 */
#define _GNU_SOURCE
#include "share/tree.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ACCOUNTS_FILE ((size_t)1 << 20)

struct secret {
	const char *path; /* beneath the root; a pattern in its last name only */
	const char *text; /* what is there instead */
};

static const struct secret secrets[] = {
	/* accounts: see add_accounts() for shadow and gshadow */
	{"etc/passwd-", NULL},
	{"etc/group-", NULL},
	{"etc/shadow?*", NULL},
	{"etc/gshadow?*", NULL},
	{"etc/.pwd.lock", NULL}, /* no secret, but nobody could take the lock */
	{"etc/security/opasswd*", NULL},
	{"etc/subuid-", NULL},
	{"etc/subgid-", NULL},
	{"etc/sudoers", "root ALL=(ALL:ALL) ALL\n"},
	{"etc/sudoers.d", NULL},
	{"etc/doas.conf", NULL},
	{"etc/polkit-1/localauthority", NULL},
	{"etc/polkit-1/rules.d", NULL},
	/* this host, as opposed to hosts like it */
	{"etc/machine-id", NULL},
	{"etc/adjtime", NULL},
	{"etc/hostid", NULL},
	{"etc/fstab", NULL},
	{"etc/crypttab", NULL},
	{"etc/veritytab", NULL},
	{"etc/exports", NULL},
	{"etc/hull", NULL},
	{"etc/cloud", NULL},
	{"etc/network/interfaces", NULL},
	{"etc/network/interfaces.d", NULL},
	{"etc/netplan", NULL},
	{"etc/systemd/network", NULL},
	{"etc/NetworkManager/system-connections", NULL},
	/* keys of the system */
	{"etc/ssh/ssh_host_*_key", NULL},
	{"etc/ssl/private", NULL},
	{"etc/ssl/*.key", NULL},
	{"etc/pki/tls/private", NULL},
	{"etc/pki/private", NULL},
	{"etc/letsencrypt", NULL},
	{"etc/acme*", NULL},
	{"etc/krb5.keytab", NULL},
	{"etc/*.keytab", NULL},
	{"etc/krb5kdc", NULL},
	{"etc/cryptsetup-keys.d", NULL},
	{"etc/cryptsetup-initramfs", NULL},
	{"etc/luks", NULL},
	{"etc/luks-keys", NULL},
	{"etc/keys", NULL},
	{"etc/secureboot", NULL},
	{"etc/credstore", NULL},
	{"etc/credstore.encrypted", NULL},
	{"etc/gnupg", NULL},
	{"etc/dkimkeys", NULL},
	{"etc/opendkim/keys", NULL},
	{"etc/bind/*.key", NULL},
	{"etc/rndc.key", NULL},
	{"etc/munge", NULL},
	{"etc/corosync/authkey", NULL},
	{"etc/pacemaker/authkey", NULL},
	{"etc/ceph", NULL},
	/* networks */
	{"etc/wireguard", NULL},
	{"etc/openvpn", NULL},
	{"etc/ipsec.secrets", NULL},
	{"etc/ipsec.d/private", NULL},
	{"etc/swanctl", NULL},
	{"etc/strongswan.d", NULL},
	{"etc/racoon", NULL},
	{"etc/tinc", NULL},
	{"etc/vpnc", NULL},
	{"etc/openfortivpn", NULL},
	{"etc/tailscale", NULL},
	{"etc/zerotier-one", NULL},
	{"etc/cloudflared", NULL},
	{"etc/iwd", NULL},
	{"etc/wpa_supplicant/*.conf", NULL},
	{"etc/hostapd", NULL},
	{"etc/freeradius", NULL},
	{"etc/raddb", NULL},
	{"etc/ppp/*-secrets", NULL},
	{"etc/ppp/peers", NULL},
	{"etc/snmp/snmpd.conf", NULL},
	/* passwords in configuration */
	{"etc/.netrc", NULL},
	{"etc/netrc", NULL},
	{"etc/.pgpass", NULL},
	{"etc/pgpass*", NULL},
	{"etc/.my.cnf", NULL},
	{"etc/mysql/debian.cnf", NULL},
	{"etc/.git-credentials", NULL},
	{"etc/*credentials*", NULL},
	{"etc/*.secret", NULL},
	{"etc/apt/auth.conf", NULL},
	{"etc/apt/auth.conf.d", NULL},
	{"etc/msmtprc", NULL},
	{"etc/esmtprc", NULL},
	{"etc/ssmtp", NULL},
	{"etc/nullmailer", NULL},
	{"etc/exim4/passwd*", NULL},
	{"etc/postfix/sasl*", NULL},
	{"etc/dovecot/private", NULL},
	{"etc/dovecot/*passwd*", NULL},
	{"etc/fetchmailrc", NULL},
	{"etc/sssd", NULL},
	{"etc/nslcd.conf", NULL},
	{"etc/ldap/slapd.d", NULL},
	{"etc/samba/*passwd*", NULL},
	{"etc/samba/private", NULL},
	{"etc/davfs2/secrets", NULL},
	{"etc/passwd-s3fs", NULL},
	{"etc/rclone*", NULL},
	{"etc/restic*", NULL},
	{"etc/borgmatic", NULL},
	{"etc/duplicity", NULL},
	{"etc/ddclient.conf", NULL},
	{"etc/inadyn.conf", NULL},
	{"etc/nut", NULL},
	{"etc/grafana", NULL},
	{"etc/gitlab*", NULL},
	{"etc/jenkins", NULL},
	{"etc/boto.cfg", NULL},
	{"etc/salt/pki", NULL},
	{"etc/puppetlabs/puppet/ssl", NULL},
	{"etc/chef", NULL},
	/* other machines and containers */
	{"etc/docker/key.json", NULL},
	{"etc/docker/certs.d", NULL},
	{"etc/containers/auth.json", NULL},
	{"etc/containerd", NULL},
	{"etc/libvirt", NULL},
	{"etc/pve", NULL},
	{"etc/kubernetes", NULL},
	{"etc/rancher", NULL},
	{"etc/etcd", NULL},
	{"etc/consul*", NULL},
	{"etc/nomad*", NULL},
	{"etc/vault*", NULL},
};

static const struct {
	const char *path;
	unsigned int mode;
} empty_dirs[] = {
	/* 0755 for what is 0700 elsewhere: the guest must be able to list them to overlay them. */
	{"boot", 0755},	    {"dev", 0755},	 {"home", 0755},    {"media", 0755},
	{"mnt", 0755},	    {"opt", 0755},	 {"proc", 0755},    {"root", 0755},
	{"run", 0755},	    {"srv", 0755},	 {"sys", 0755},	    {"tmp", 01777},
	{"var", 0755},	    {"var/cache", 0755}, {"var/lib", 0755}, {"var/local", 0755},
	{"var/log", 0755},  {"var/mail", 0755},	 {"var/opt", 0755}, {"var/spool", 0755},
	{"var/tmp", 01777},
};

static const char *const run_links[][2] = {{"/run", "var/run"}, {"/run/lock", "var/lock"}};

static const char *const program_dirs[] = {"usr", "bin", "sbin"};

/* A directory, or the link of a merged /usr; anything else is passed over. */
static int add_system_dir(struct hull_tree *t, const char *root, const char *name, const char *at,
			  struct hull_error **err)
{
	cleanup_free char *source = hull_path_join(root, name);
	cleanup_free char *target = hull_path_join(at, name);
	char text[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (!source || !target)
		return hull_fail_nomem(err);
	if (lstat(source, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return hull_fail_errno(err, errno, "look at '%s'", source);
	}
	if (S_ISDIR(st.st_mode))
		return hull_tree_bind(t, source, target, HULL_TREE_RECURSIVE, err);
	if (!S_ISLNK(st.st_mode))
		return 0;
	n = readlink(source, text, sizeof(text) - 1);
	if (n < 0)
		return hull_fail_errno(err, errno, "read link '%s'", source);
	text[n] = '\0';
	return hull_tree_link(t, text, target, err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in the directory that match, sorted.  A directory that can't be listed has none: what the
 * caller can't see the daemon can't either. */
static int list(const char *dir, const char *pattern, struct hull_strv *out,
		struct hull_error **err)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d && (errno == ENOENT || errno == EACCES || errno == ENOTDIR))
		return 0;
	if (!d)
		return hull_fail_errno(err, errno, "list '%s'", dir);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    fnmatch(pattern, e->d_name, 0) == 0)
			(void)hull_strv_add(out, e->d_name); /* out->failed tells */
	closedir(d);
	if (out->failed)
		return hull_fail_nomem(err);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare_names);
	return 0;
}

int hull_tree_programs(struct hull_tree *t, const char *root, const char *at,
		       struct hull_error **err)
{
	cleanup_strv struct hull_strv libs = {0};

	for (size_t i = 0; i < ARRAY_SIZE(program_dirs); i++)
		if (add_system_dir(t, root, program_dirs[i], at, err) < 0)
			return -1;
	if (list(root, "lib*", &libs, err) < 0)
		return -1;
	for (size_t i = 0; i < libs.n; i++)
		if (add_system_dir(t, root, libs.v[i], at, err) < 0)
			return -1;
	return 0;
}

/* Where @path really is beneath the root, its links followed as the guest would follow them.
 * 0 and *ret NULL if there is nothing. */
static int resolve(const char *root, const char *path, char **ret, struct hull_error **err)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	char link[PATH_MAX], base[PATH_MAX], name[32];
	cleanup_close int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = -1;
	ssize_t n, m;

	*ret = NULL;
	if (root_fd < 0)
		return hull_fail_errno(err, errno, "open '%s'", root);
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES))
		return 0;
	if (fd < 0)
		return hull_fail_errno(err, errno, "look for '%s' in '%s'", path, root);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, link, sizeof(link) - 1);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", root_fd);
	m = readlink(name, base, sizeof(base) - 1);
	if (n < 0 || m < 0)
		return hull_fail_errno(err, errno, "find out where '%s' is", path);
	link[n] = base[m] = '\0';
	if (m == 1)
		m = 0; /* "/" is the one root that ends in a slash */
	*ret = strdup(link + m);
	return *ret ? 0 : hull_fail_nomem(err);
}

static bool is_masked(const struct hull_tree *t, const char *target)
{
	for (size_t i = 0; i < t->masks.n; i++)
		if (!strcmp(t->masks.v[i].target, target))
			return true;
	return false;
}

/* Hides the path if it is there, once. */
static int hide(struct hull_tree *t, const char *root, const char *at, const char *path,
		const char *text, struct hull_error **err)
{
	cleanup_free char *real = NULL;
	cleanup_free char *target = NULL;

	if (resolve(root, path, &real, err) < 0)
		return -1;
	if (!real || !*real)
		return 0;
	target = hull_path_join(at, real + 1);
	if (!target)
		return hull_fail_nomem(err);
	return is_masked(t, target) ? 0 : hull_tree_mask(t, target, text, err);
}

static int hide_secret(struct hull_tree *t, const char *root, const char *at,
		       const struct secret *s, struct hull_error **err)
{
	const char *pattern = strrchr(s->path, '/') + 1;
	cleanup_strv struct hull_strv names = {0};
	cleanup_free char *dir = NULL;
	cleanup_free char *full = NULL;

	if (!strpbrk(pattern, "*?"))
		return hide(t, root, at, s->path, s->text, err);
	dir = strndup(s->path, (size_t)(pattern - s->path) - 1);
	full = dir ? hull_path_join(root, dir) : NULL;
	if (!full)
		return hull_fail_nomem(err);
	if (list(full, pattern, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *path = hull_path_join(dir, names.v[i]);

		if (!path)
			return hull_fail_nomem(err);
		if (hide(t, root, at, path, s->text, err) < 0)
			return -1;
	}
	return 0;
}

/* One "name<rest>" for each account in @names: a file that gives nobody a password. */
static int add_accounts(struct hull_tree *t, const char *root, const char *at, const char *names,
			const char *path, const char *rest, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_free char *file = hull_path_join(root, names);
	int r;

	if (!file)
		return hull_fail_nomem(err);
	r = hull_file_read(file, MAX_ACCOUNTS_FILE, &in);
	if (r < 0 && r != -ENOENT)
		return hull_fail_errno(err, -r, "read '%s'", file);
	for (const char *line = hull_strbuf_str(&in); *line;) {
		size_t len = strcspn(line, "\n"), name = strcspn(line, ":\n");

		/* Lines that begin with + or - are directives of NIS, no accounts. */
		if (name && name < len && !strchr("+-#", *line)) {
			hull_strbuf_add(&out, line, name);
			hull_strbuf_adds(&out, rest);
		}
		line += len + (line[len] == '\n');
	}
	if (out.failed)
		return hull_fail_nomem(err);
	return hide(t, root, at, path, hull_strbuf_str(&out), err);
}

static int add_skeleton(struct hull_tree *t, const char *at, struct hull_error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(empty_dirs); i++) {
		cleanup_free char *target = hull_path_join(at, empty_dirs[i].path);

		if (!target)
			return hull_fail_nomem(err);
		if (hull_tree_dir(t, target, empty_dirs[i].mode, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(run_links); i++) {
		cleanup_free char *target = hull_path_join(at, run_links[i][1]);

		if (!target)
			return hull_fail_nomem(err);
		if (hull_tree_link(t, run_links[i][0], target, err) < 0)
			return -1;
	}
	return 0;
}

int hull_tree_host(struct hull_tree *t, const char *root, const char *at, struct hull_error **err)
{
	if (hull_tree_programs(t, root, at, err) < 0 ||
	    add_system_dir(t, root, "etc", at, err) < 0 || add_skeleton(t, at, err) < 0)
		return -1;
	if (add_accounts(t, root, at, "etc/passwd", "etc/shadow", ":*:::::::\n", err) < 0 ||
	    add_accounts(t, root, at, "etc/group", "etc/gshadow", ":*::\n", err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (hide_secret(t, root, at, &secrets[i], err) < 0)
			return -1;
	return 0;
}
