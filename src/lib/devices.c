/* SPDX-License-Identifier: Apache-2.0
 *
 * The devices of a description: adding, looking through, changing.  See hull/config.h for every
 * function.
 */
#define _GNU_SOURCE
#include "lib/handle.h"
#include "lib/options.h"

#include "vm/description.h"

#include <assert.h>
#include <string.h>

/* The kinds outside are those inside, counted from 1. */
#define SAME(kind) \
	static_assert(HULL_KIND_##kind == (int)HULL_DEVICE_##kind + 1, "numbers are stable")
SAME(BLK);
SAME(NVME);
SAME(USB);
SAME(NBD);
SAME(FS);
SAME(ROSETTA);
SAME(NET);
SAME(VSOCK);
SAME(SERIAL);
SAME(RNG);
SAME(BALLOON);
SAME(GPU);
SAME(INPUT);
static_assert(HULL_KIND_INPUT == HULL_DEVICE_COUNT, "each kind of device has a number outside");

/* ---- adding ---- */

int hull_lib_push(struct hull_vm_config *c, struct hull_device *dev, struct hull_error **err)
{
	struct hull_device *slot = hull_vec_push(&c->vm.devices);

	if (slot) {
		*slot = *dev;
		return 0;
	}
	hull_device_fini(dev);
	return hull_fail_nomem(err);
}

static int add(struct hull_vm_config *config, enum hull_device_kind kind, const void *options,
	       struct hull_error **err)
{
	struct hull_device dev;

	if (hull_lib_device_make(kind, options, &dev, err) < 0)
		return -1;

	HULL_LIB_LOCKED(c, config);
	return hull_lib_push(c, &dev, err);
}

#define ADD(kind, name)                                                            \
	int hull_vm_config_add_##name(struct hull_vm_config *config,               \
				      const struct hull_##name##_options *options, \
				      struct hull_error **err)                     \
	{                                                                          \
		return add(config, HULL_DEVICE_##kind, options, err);              \
	}
ADD(BLK, blk)
ADD(NVME, nvme)
ADD(USB, usb)
ADD(NBD, nbd)
ADD(FS, fs)
ADD(ROSETTA, rosetta)
ADD(NET, net)
ADD(VSOCK, vsock)
ADD(SERIAL, serial)
ADD(RNG, rng)
ADD(BALLOON, balloon)
ADD(GPU, gpu)
ADD(INPUT, input)

int hull_lib_hooks(uint32_t flags, uint32_t dialect, struct hull_vfkit_hooks *ret,
		   struct hull_error **err)
{
	if (flags & ~HULL_CHECK_FILES)
		return hull_fail(err, HULL_E_UNSUPPORTED, "flags: 0x%x is not known",
				 flags & ~HULL_CHECK_FILES);
	*ret = (struct hull_vfkit_hooks){.ours = dialect == HULL_DIALECT_HULL};
	/* Only vfkit's dialect is about raw images alone. */
	if (flags & HULL_CHECK_FILES && dialect == HULL_DIALECT_VFKIT)
		ret->read_image = hull_vfkit_read_image;
	return 0;
}

int hull_vm_config_add_texts(struct hull_vm_config *config, const char *const *texts, size_t n,
			     uint32_t flags, struct hull_error **err)
{
	cleanup_vfkit struct hull_vfkit list = {0}; /* files are not opened with the lock held */
	struct hull_vfkit_hooks hooks;
	size_t had;

	if (hull_lib_hooks(flags, HULL_DIALECT_VFKIT, &hooks, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct hull_device *dev = hull_vec_push(&list.devices);

		if (!dev)
			return hull_fail_nomem(err);
		if (hull_vfkit_parse_device(hull_lib_text(texts[i]), &hooks, dev, err) < 0) {
			list.devices.n--;
			return hull_prefix(err, "device '%s'", hull_lib_text(texts[i]));
		}
	}

	HULL_LIB_LOCKED(c, config);
	had = c->vm.devices.n;
	for (size_t i = 0; i < n; i++) {
		struct hull_device *slot = hull_vec_push(&c->vm.devices);

		if (!slot) {
			c->vm.devices.n = had; /* what is in them is the list's still */
			return hull_fail_nomem(err);
		}
		*slot = list.devices.v[i];
	}
	list.devices.n = 0;
	return 0;
}

/* ---- looking through ---- */

size_t hull_vm_config_device_count(struct hull_vm_config *config)
{
	HULL_LIB_LOCKED(c, config);

	return c->vm.devices.n;
}

uint32_t hull_vm_config_device_kind(struct hull_vm_config *config, size_t index)
{
	HULL_LIB_LOCKED(c, config);

	return index < c->vm.devices.n ? (uint32_t)c->vm.devices.v[index].kind + 1 : 0;
}

int hull_vm_config_find(struct hull_vm_config *config, uint32_t kind, size_t from,
			size_t *ret_index)
{
	HULL_LIB_LOCKED(c, config);

	for (size_t i = from; i < c->vm.devices.n; i++)
		if ((uint32_t)c->vm.devices.v[i].kind + 1 == kind) {
			*ret_index = i;
			return 1;
		}
	return 0;
}

int hull_vm_config_find_nbd(struct hull_vm_config *config, const char *id, size_t *ret_index)
{
	HULL_LIB_LOCKED(c, config);

	for (size_t i = 0; i < c->vm.devices.n; i++) {
		const struct hull_device *dev = &c->vm.devices.v[i];

		if (dev->kind != HULL_DEVICE_NBD)
			continue;
		if (strcmp(hull_lib_text(dev->nbd.id), hull_lib_text(id)) != 0)
			continue;
		*ret_index = i;
		return 1;
	}
	return 0;
}

static struct hull_device *device_at(struct hull_vm_config *c, size_t index,
				     struct hull_error **err)
{
	if (index < c->vm.devices.n)
		return &c->vm.devices.v[index];
	hull_fail(err, HULL_E_NOT_FOUND, "devices[%zu]: there are only %zu", index,
		  c->vm.devices.n);
	return NULL;
}

static struct hull_device *device_of(struct hull_vm_config *c, size_t index,
				     enum hull_device_kind kind, struct hull_error **err)
{
	struct hull_device *dev = device_at(c, index, err);

	if (!dev || dev->kind == kind)
		return dev;
	hull_fail(err, HULL_E_INVALID, "devices[%zu] is a %s, not a %s", index,
		  hull_device_classes[dev->kind].name, hull_device_classes[kind].name);
	return NULL;
}

int hull_vm_config_remove(struct hull_vm_config *config, size_t index, struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	struct hull_device *dev = device_at(c, index, err);

	if (!dev)
		return -1;
	hull_device_fini(dev);
	c->vm.devices.n--;
	memmove(dev, dev + 1, (c->vm.devices.n - index) * sizeof(*dev));
	return 0;
}

static int get(struct hull_vm_config *config, size_t index, enum hull_device_kind kind,
	       void *options, size_t size, void **ret_strings, struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	const struct hull_device *dev = device_of(c, index, kind, err);

	if (!dev)
		return -1;
	return hull_lib_options_get(&hull_lib_devices[kind], &hull_device_classes[kind].fields,
				    hull_device_object(dev), options, size, ret_strings, err);
}

#define GET(kind, name)                                                                         \
	int hull_vm_config_get_##name(struct hull_vm_config *config, size_t index,              \
				      struct hull_##name##_options *options, size_t size,       \
				      void **ret_strings, struct hull_error **err)              \
	{                                                                                       \
		return get(config, index, HULL_DEVICE_##kind, options, size, ret_strings, err); \
	}
GET(BLK, blk)
GET(NVME, nvme)
GET(USB, usb)
GET(NBD, nbd)
GET(FS, fs)
GET(ROSETTA, rosetta)
GET(NET, net)
GET(VSOCK, vsock)
GET(SERIAL, serial)
GET(GPU, gpu)
GET(INPUT, input)

/* ---- changing ---- */

int hull_vm_config_set_net_fd(struct hull_vm_config *config, size_t index, int fd,
			      struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	struct hull_device *dev = device_of(c, index, HULL_DEVICE_NET, err);

	if (!dev)
		return -1;
	if (fd < 0)
		return hull_fail(err, HULL_E_INVALID, "devices[%zu]: %d is no descriptor", index,
				 fd);
	dev->net.nat = false;
	dev->net.socket = true;
	dev->net.fd = fd;
	dev->net.magic = false;
	free(dev->net.path);
	dev->net.path = NULL;
	return 0;
}

int hull_vm_config_set_net_path(struct hull_vm_config *config, size_t index, const char *path,
				struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	struct hull_device *dev = device_of(c, index, HULL_DEVICE_NET, err);
	char *copy;

	if (!dev)
		return -1;
	if (!path || !*path)
		return hull_fail(err, HULL_E_INVALID, "devices[%zu]: the path is empty", index);
	copy = strdup(path);
	if (!copy)
		return hull_fail_nomem(err);
	free(dev->net.path);
	dev->net.path = copy;
	dev->net.magic = !hull_dev_net_is_stream(&dev->net);
	dev->net.nat = dev->net.socket = false;
	dev->net.fd = -1;
	return 0;
}

int hull_vm_config_set_net_mac(struct hull_vm_config *config, size_t index, const char *mac,
			       struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	struct hull_device *dev = device_of(c, index, HULL_DEVICE_NET, err);
	char *copy = NULL;
	int r = dev && mac && *mac ? hull_mac_parse(mac, &copy) : 0;

	if (!dev)
		return -1;
	if (r == -ENOMEM)
		return hull_fail_nomem(err);
	if (r < 0)
		return hull_fail(err, HULL_E_INVALID, "devices[%zu]: '%s' is no hardware address",
				 index, mac);
	free(dev->net.mac);
	dev->net.mac = copy;
	return 0;
}

int hull_vm_config_set_gpu_gui(struct hull_vm_config *config, size_t index, int on,
			       struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	struct hull_device *dev = device_of(c, index, HULL_DEVICE_GPU, err);

	if (!dev)
		return -1;
	dev->gpu.gui = on != 0;
	return 0;
}
