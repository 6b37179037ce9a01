/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of what guests need, see stages.h.  tools/mkinitramfs has its like for hull's own
 * kernel.
 */
#define _GNU_SOURCE
#include "boot/stages.h"

#include "base/cleanup.h"
#include "config/vports.h"

#include <string.h>

enum need {
	NEED_LINK,
	NEED_PORTS,
	NEED_VSOCK,
	NEED_PCI,
	NEED_MMIO,
	NEED_ROOT,
	NEED_OVERLAY,
	NEED_DISK,
	NEED_EXT4,
	NEED_NET,
	NEED_DUMP
};

static const struct row {
	const char *stage, *module;
	const char *symbol; /* NULL: a kernel may lack it */
	enum need need;
} rows[] = {
	{"base", "virtio", "CONFIG_VIRTIO", NEED_LINK},
	{"base", "virtio_ring", "CONFIG_VIRTIO", NEED_LINK},
	{"pci", "virtio_pci", "CONFIG_VIRTIO_PCI", NEED_PCI},
	{"mmio", "virtio_mmio", "CONFIG_VIRTIO_MMIO", NEED_MMIO},
	{"link", "virtio_console", "CONFIG_VIRTIO_CONSOLE", NEED_PORTS},
	{"af_vsock", "vsock", "CONFIG_VSOCKETS", NEED_VSOCK},
	{"vsock", "vmw_vsock_virtio_transport", "CONFIG_VIRTIO_VSOCKETS", NEED_VSOCK},
	{"root", "fuse", "CONFIG_FUSE_FS", NEED_ROOT},
	{"root", "virtiofs", "CONFIG_VIRTIO_FS", NEED_ROOT},
	{"root", "overlay", "CONFIG_OVERLAY_FS", NEED_OVERLAY},
	{"disk", "virtio_blk", "CONFIG_VIRTIO_BLK", NEED_DISK},
	{"ext4", "ext4", "CONFIG_EXT4_FS", NEED_EXT4},
	{"net", "virtio_net", "CONFIG_VIRTIO_NET", NEED_NET},
	{"dump", "qemu_fw_cfg", NULL, NEED_DUMP},
};

static bool is_builtin(const char *builtin, const char *module)
{
	char name[HULL_MODDEP_NAME_MAX];

	for (const char *l = builtin; l && *l; l += strcspn(l, "\n"), l += *l == '\n')
		if (hull_moddep_name(l, strcspn(l, "\n"), name) && !strcmp(name, module))
			return true;
	return false;
}

static bool is_there(const struct hull_moddep *texts, const char *builtin, const char *module)
{
	cleanup_strv struct hull_strv files = {0};

	return is_builtin(builtin, module) || hull_moddep_files(texts, module, &files) == 0;
}

static bool has_virtio_disk(const struct hull_config *c)
{
	return hull_config_count(c, HULL_DEVICE_BLK) || hull_config_count(c, HULL_DEVICE_NBD);
}

static bool is_needed(const struct hull_config *c, enum hull_machine machine, enum need need)
{
	switch (need) {
	case NEED_LINK:
		return true;
	case NEED_PORTS:
		return c->link == HULL_LINK_SERIAL;
	case NEED_VSOCK:
		return c->link == HULL_LINK_VSOCK || hull_vports_wanted(c);
	case NEED_PCI:
		return machine != HULL_MACHINE_MICROVM;
	case NEED_MMIO:
		return machine != HULL_MACHINE_Q35 && machine != HULL_MACHINE_VIRT;
	case NEED_ROOT:
		return c->root.kind != HULL_ROOT_NONE || c->shares.n ||
		       hull_config_count(c, HULL_DEVICE_FS);
	case NEED_OVERLAY:
		return c->root.kind != HULL_ROOT_NONE;
	case NEED_DISK:
		return c->disks.n || has_virtio_disk(c);
	case NEED_EXT4:
		return hull_config_scratch(c);
	case NEED_NET:
		return c->networks.n;
	case NEED_DUMP:
		return c->panic_dump;
	}
	return false;
}

/* Where the choice is ours, the machine that the kernel can drive. */
static enum hull_machine choose_machine(const struct hull_config *c,
					const struct hull_moddep *texts, const char *builtin)
{
	bool pci = is_there(texts, builtin, "virtio_pci");
	bool mmio = is_there(texts, builtin, "virtio_mmio");

	if (c->arch == HULL_ARCH_AARCH64)
		return HULL_MACHINE_VIRT;
	if (c->machine != HULL_MACHINE_AUTO || pci == mmio)
		return c->machine;
	return pci ? HULL_MACHINE_Q35 : HULL_MACHINE_MICROVM;
}

static bool has(const struct hull_strv *list, const char *word)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->v[i], word))
			return true;
	return false;
}

/* A file stands in the first stage that needs it, once. */
static int add_row(struct hull_stages *s, const struct row *row, const struct hull_moddep *texts)
{
	cleanup_strv struct hull_strv files = {0};
	char name[HULL_MODDEP_NAME_MAX];
	int r = hull_moddep_files(texts, row->module, &files);

	for (size_t i = 0; r == 0 && i < files.n; i++) {
		if (has(&s->files, files.v[i]))
			continue;
		if (!hull_moddep_name(files.v[i], strlen(files.v[i]), name))
			return -ENOENT;
		r = hull_strv_add(&s->files, files.v[i]);
		(void)hull_strbuf_addf(&s->manifest, "%s %s\n", row->stage, name);
	}
	return r;
}

static int fail_missing(const struct hull_strbuf *names, const struct hull_strbuf *symbols,
			struct hull_error **err)
{
	(void)hull_fail_cause(
		err, HULL_E_NOT_FOUND, "module-missing",
		"the guest needs of its kernel what is neither a module nor built in: %s",
		hull_strbuf_str(names));
	hull_hint(err, "build the kernel with %s (=y or =m), then 'make modules_install'",
		  hull_strbuf_str(symbols));
	return -1;
}

int hull_stages_plan(const struct hull_config *config, const struct hull_moddep *texts,
		     const char *builtin, struct hull_stages *ret, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf names = HULL_STRBUF_INIT, symbols = HULL_STRBUF_INIT;
	cleanup_stages struct hull_stages s = {0};

	s.machine = choose_machine(config, texts, builtin);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		int r;

		if (!is_needed(config, s.machine, row->need) || is_builtin(builtin, row->module))
			continue;
		r = add_row(&s, row, texts);
		if (r == -ENOENT && !row->symbol)
			continue;
		if (r == -ENOENT) {
			(void)hull_strbuf_addf(&names, "%s%s", names.len ? ", " : "", row->module);
			if (!strstr(hull_strbuf_str(&symbols), row->symbol))
				(void)hull_strbuf_addf(&symbols, "%s%s", symbols.len ? ", " : "",
						       row->symbol);
		} else if (r < 0) {
			return hull_fail_nomem(err);
		}
	}
	if (names.len)
		return fail_missing(&names, &symbols, err);
	if (s.manifest.failed || s.files.failed)
		return hull_fail_nomem(err);
	*ret = s;
	s = (struct hull_stages){0};
	return 0;
}

void hull_stages_fini(struct hull_stages *s)
{
	hull_strbuf_fini(&s->manifest);
	hull_strv_fini(&s->files);
}
