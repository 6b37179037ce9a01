/* SPDX-License-Identifier: Apache-2.0
 *
 * Managers, and what an instance is to be before it is started.  See hull/instance.h for every
 * function.
 */
#define _GNU_SOURCE
#include "lib/instance.h"

#include "lib/options.h"

#include "base/path.h"
#include "base/text.h"
#include "config/disk.h"
#include "config/virtiofs.h"
#include "vm/description.h"
#include "vm/hullconf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVED_DISKS 1 /* hull's own: the modules of the guest's kernel */
#define LAST_DISK 26	 /* /dev/vdz */

/* ---- managers ---- */

int hull_manager_new(struct hull_manager **ret_manager, struct hull_error **err)
{
	struct hull_manager *m = calloc(1, sizeof(*m));

	if (!m)
		return hull_fail_nomem(err);
	if (hull_settings_load(&m->settings, NULL, err) < 0) {
		hull_manager_free(m);
		return -1;
	}
	*ret_manager = m;
	return 0;
}

void hull_manager_free(struct hull_manager *manager)
{
	if (!manager)
		return;
	hull_settings_fini(&manager->settings);
	free(manager);
}

uint32_t hull_manager_reserved_disks(const struct hull_manager *manager)
{
	return RESERVED_DISKS;
}

/* ---- instances ---- */

/* Nobody else is to have its log there; whoever writes that locks the directory itself. */
static int take_state_dir(struct hull_instance *i, const char *path, struct hull_error **err)
{
	cleanup_free char *lock = NULL;

	if (!path || !*path)
		return hull_fail(err, HULL_E_INVALID, "no state directory was given");
	lock = hull_path_join(path, "lock");
	if (!lock)
		return hull_fail_nomem(err);
	i->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (i->lock_fd < 0) {
		hull_fail_errno(err, errno, "use state directory '%s'", path);
		hull_hint(err, "it has to be a directory that is there and that you may write to");
		return -1;
	}
	if (flock(i->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return hull_fail_errno(err, errno, "lock state directory '%s'", path);
		hull_fail_cause(err, HULL_E_BUSY, "in-use",
				"state directory '%s' is another instance's", path);
		hull_hint(err, "shut that one down first, or use another directory");
		return -1;
	}
	i->config.log_dir = realpath(path, NULL);
	return i->config.log_dir ? 0 : hull_fail_errno(err, errno, "open '%s'", path);
}

static int describe(struct hull_instance *i, struct hull_error **err)
{
	const struct hull_settings *s = &i->manager->settings;
	struct hull_config *c = &i->config;

	hull_settings_begin(s, c);
	c->agent = HULL_AGENT_HULL;
	c->tied = true;
	if (hull_settings_complete(s, c) < 0)
		return hull_fail_nomem(err);
	return hull_description_complete(c, s->guest_dir, err);
}

int hull_instance_new(struct hull_manager *manager, const char *state_dir,
		      struct hull_instance **ret_instance, struct hull_error **err)
{
	struct hull_instance *i = calloc(1, sizeof(*i));

	if (!i)
		return hull_fail_nomem(err);
	pthread_mutex_init(&i->lock, NULL);
	pthread_cond_init(&i->settled, NULL);
	i->turns.lock = &i->lock;
	hull_config_init(&i->config);
	i->manager = manager;
	i->lock_fd = -1;
	i->console.fd = -1;
	if (hull_cancel_new(&i->abort, err) < 0 || take_state_dir(i, state_dir, err) < 0 ||
	    describe(i, err) < 0) {
		hull_instance_free(i);
		return -1;
	}
	*ret_instance = i;
	return 0;
}

int hull_lib_instance_refuse(const struct hull_instance *i, struct hull_error **err)
{
	static const struct {
		const char *cause, *text;
	} states[] = {
		[HULL_LIB_INSTANCE_NEW] = {"not-started", "has not been started"},
		[HULL_LIB_INSTANCE_STARTING] = {"already-started", "is being started"},
		[HULL_LIB_INSTANCE_RUNNING] = {"already-started", "has been started"},
		[HULL_LIB_INSTANCE_FAILED] = {"already-started", "could not be started"},
		[HULL_LIB_INSTANCE_DOWN] = {"shut-down", "has been shut down"},
	};

	return hull_fail_cause(err, HULL_E_STATE, states[i->state].cause, "the instance %s",
			       states[i->state].text);
}

int hull_lib_instance_check(const struct hull_instance *i, enum hull_lib_instance_state wanted,
			    struct hull_error **err)
{
	return i->state == wanted ? 0 : hull_lib_instance_refuse(i, err);
}

int hull_instance_set_cpu_and_memory(struct hull_instance *instance, uint32_t cpus,
				     uint32_t memory_mib, struct hull_error **err)
{
	HULL_LIB_INSTANCE_LOCKED(i, instance);

	if (hull_lib_instance_check(i, HULL_LIB_INSTANCE_NEW, err) < 0)
		return -1;
	if (!cpus || cpus > HULL_CONFIG_MAX_CPUS || !memory_mib)
		return hull_fail(err, HULL_E_INVALID,
				 "%u CPUs and %u MiB of memory: both must be set, and %d CPUs are "
				 "the most",
				 cpus, memory_mib, HULL_CONFIG_MAX_CPUS);
	i->config.cpus = cpus;
	i->config.memory_bytes = (uint64_t)memory_mib << 20;
	return 0;
}

/* ---- what it gets ---- */

/* As it is meant here and now: the monitor works elsewhere. */
static int absolute(const char *what, const char *path, char **ret, struct hull_error **err)
{
	cleanup_free char *here = NULL;

	if (!path || !*path)
		return hull_fail(err, HULL_E_INVALID, "%s: no path was given", what);
	here = *path == '/' ? NULL : getcwd(NULL, 0);
	*ret = *path == '/' ? strdup(path) : here ? hull_path_join(here, path) : NULL;
	return *ret ? 0 : hull_fail_errno(err, errno, "%s '%s'", what, path);
}

/* The end of each of these: a device of those options, in the last place. */
static int add(struct hull_instance *instance, enum hull_device_kind kind, const void *options,
	       struct hull_error **err)
{
	HULL_LIB_INSTANCE_LOCKED(i, instance);
	struct hull_device dev, *slot;

	if (hull_lib_instance_check(i, HULL_LIB_INSTANCE_NEW, err) < 0)
		return -1;
	if (kind == HULL_DEVICE_BLK &&
	    hull_config_count(&i->config, kind) >= LAST_DISK - RESERVED_DISKS)
		return hull_fail_cause(err, HULL_E_UNSUPPORTED, "too-many-disks",
				       "more than %d disks, of which %d are hull's", LAST_DISK,
				       RESERVED_DISKS);
	if (hull_lib_device_make(kind, options, &dev, err) < 0)
		return -1;
	slot = hull_vec_push(&i->config.devices);
	if (!slot) {
		hull_device_fini(&dev);
		return hull_fail_nomem(err);
	}
	*slot = dev;
	return 0;
}

int hull_instance_add_fs(struct hull_instance *instance, const char *tag, const char *host_dir,
			 const struct hull_mount_options *options, struct hull_error **err)
{
	cleanup_free char *path = NULL;
	struct hull_fs_options fs = {.size = sizeof(fs), .tag = tag};
	struct hull_mount_options o;
	struct stat st;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0 ||
	    absolute("share", host_dir, &path, err) < 0)
		return -1;
	if (!tag || !*tag || strlen(tag) > HULL_FS_TAG_MAX)
		return hull_fail(err, HULL_E_INVALID, "tag '%s': 1 to %d bytes are possible",
				 tag ? tag : "", HULL_FS_TAG_MAX);
	if (stat(path, &st) < 0)
		return hull_fail_errno(err, errno, "share '%s'", host_dir);
	if (!S_ISDIR(st.st_mode))
		return hull_fail_cause(err, HULL_E_INVALID, "not-a-directory",
				       "share '%s': it is not a directory", host_dir);
	fs.dir = path;
	fs.readonly = o.readonly;
	return add(instance, HULL_DEVICE_FS, &fs, err);
}

int hull_instance_add_disk(struct hull_instance *instance, const char *id, const char *host_path,
			   const struct hull_mount_options *options, struct hull_error **err)
{
	cleanup_free char *path = NULL, *serial = id ? strndup(id, HULL_DISK_SERIAL_MAX) : NULL;
	struct hull_blk_options blk = {.size = sizeof(blk), .id = serial};
	struct hull_mount_options o;

	if (id && !serial)
		return hull_fail_nomem(err);
	if (serial && !hull_is_word(serial, "_.-"))
		return hull_fail(err, HULL_E_INVALID,
				 "disk id '%s': it may have letters, digits, '_', '.' and '-'", id);
	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0 ||
	    absolute("disk", host_path, &path, err) < 0)
		return -1;
	if (access(path, F_OK) < 0)
		return hull_fail_errno(err, errno, "disk '%s'", host_path);
	blk.path = path;
	blk.readonly = o.readonly;
	blk.format = o.vmdk ? "vmdk" : "raw";
	blk.outside = o.vmdk;
	return add(instance, HULL_DEVICE_BLK, &blk, err);
}

static int features_text(uint64_t features, char *buf, size_t size, struct hull_error **err)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} known[] = {
		{HULL_NIC_CSUM, "CSUM"},
		{HULL_NIC_GUEST_CSUM, "GUEST_CSUM"},
		{HULL_NIC_GUEST_TSO4, "GUEST_TSO4"},
		{HULL_NIC_GUEST_TSO6, "GUEST_TSO6"},
		{HULL_NIC_GUEST_UFO, "GUEST_UFO"},
		{HULL_NIC_HOST_TSO4, "HOST_TSO4"},
		{HULL_NIC_HOST_TSO6, "HOST_TSO6"},
		{HULL_NIC_HOST_UFO, "HOST_UFO"},
	};
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (features & known[i].bit)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? "|" : "",
					       known[i].name);
		features &= ~known[i].bit;
	}
	return features ? hull_fail(err, HULL_E_INVALID, "features %#llx are not known",
				    (unsigned long long)features)
			: 0;
}

int hull_instance_add_nic(struct hull_instance *instance, const char *socket_path,
			  const uint8_t mac[6], uint32_t mode,
			  const struct hull_nic_options *options, struct hull_error **err)
{
	static const char *const modes[] = {
		[HULL_NIC_DATAGRAM] = "datagram", [HULL_NIC_STREAM] = "stream"};
	cleanup_free char *path = NULL;
	struct hull_net_options net = {.size = sizeof(net)};
	char features[128], address[18];
	struct hull_nic_options o;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0 ||
	    absolute("network", socket_path, &path, err) < 0)
		return -1;
	if (mode >= ARRAY_SIZE(modes))
		return hull_fail(err, HULL_E_INVALID, "invalid network mode: %u", mode);
	if (o.flags & ~HULL_NIC_FLAG_VFKIT || (o.flags && mode == HULL_NIC_STREAM))
		return hull_fail(err, HULL_E_INVALID, "flags %#llx are not possible in mode '%s'",
				 (unsigned long long)o.flags, modes[mode]);
	if (features_text(o.features, features, sizeof(features), err) < 0)
		return -1;
	if (mac) {
		snprintf(address, sizeof(address), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
		net.mac = address;
	}
	net.path = path;
	net.mode = modes[mode];
	net.no_magic = !(o.flags & HULL_NIC_FLAG_VFKIT);
	net.features = *features ? features : NULL;
	return add(instance, HULL_DEVICE_NET, &net, err);
}

/* ---- what its agent is told ---- */

/* What follows "--" are the arguments of the guest's first process.  The kernel takes quotes off
 * and knows no way to write one. */
int hull_lib_instance_args(struct hull_instance *i, const char *const *args, size_t n,
			   struct hull_error **err)
{
	if (n)
		(void)hull_strv_add(&i->config.append, "--");
	for (size_t k = 0; k < n; k++) {
		if (!args[k] || strchr(args[k], '"') || hull_has_control(args[k], strlen(args[k])))
			return hull_fail(err, HULL_E_INVALID,
					 "init argument %zu: quotes and control characters are not "
					 "possible",
					 k);
		(void)hull_strv_addf(&i->config.append, "\"%s\"", args[k]);
	}
	return i->config.append.failed ? hull_fail_nomem(err) : 0;
}
