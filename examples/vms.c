/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a VM that stays: made, started, looked at, stopped, removed.
 *
 *	cc vms.c $(pkg-config --cflags --libs libhull) && ./a.out
 */
#include <hull/hull.h>
#include <stdio.h>
#include <string.h>

static int failed(const char *what, struct hull_error *err)
{
	fprintf(stderr, "%s: %s (%s)\n", what, hull_error_message(err),
		hull_code_name(hull_error_code(err)));
	if (*hull_error_hint(err))
		fprintf(stderr, "hint: %s\n", hull_error_hint(err));
	hull_error_free(err);
	return 1;
}

static int live(struct hull_vms *vms, const char *name)
{
	struct hull_error *err = NULL;
	struct hull_vm_info *info;

	if (hull_vms_start(vms, name, NULL, &info, &err) < 0)
		return failed("start", err);
	printf("%s: %s, %u MiB\n", info->name, hull_vm_state_name(info->state),
	       (unsigned)(info->memory_bytes >> 20));
	hull_free(info);
	if (hull_vms_stop(vms, name, NULL, &info, &err) < 0)
		return failed("stop", err);
	printf("%s: %s, %s\n", info->name, hull_vm_state_name(info->state), info->reason);
	hull_free(info);
	return 0;
}

int main(int argc, char **argv)
{
	const char *text = argc > 1 ? argv[1] : "{\"version\": 1, \"memory\": \"512M\"}";
	struct hull_create_options named;
	struct hull_verb_options force;
	struct hull_error *err = NULL;
	struct hull_vm_config *config;
	struct hull_vms *vms;
	int status;

	if (hull_vm_config_from_json(text, strlen(text), HULL_DIALECT_HULL, &config, &err) < 0)
		return failed("description", err);
	if (hull_vms_new(&vms, &err) < 0) {
		hull_vm_config_free(config);
		return failed("store", err);
	}
	memset(&named, 0, sizeof(named));
	named.size = sizeof(named);
	named.name = "example";
	memset(&force, 0, sizeof(force));
	force.size = sizeof(force);
	force.force = 1;
	if (hull_vms_create(vms, config, &named, NULL, &err) < 0)
		status = failed("create", err);
	else {
		status = live(vms, named.name);
		if (hull_vms_remove(vms, named.name, &force, &err) < 0)
			status = failed("remove", err);
	}
	hull_vms_free(vms);
	hull_vm_config_free(config);
	return status;
}
