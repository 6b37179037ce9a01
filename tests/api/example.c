/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program does with the library: describes a machine, looks at it, writes it down, reads it
 * back, and starts a command for it.  Built against what is installed; C11 and C++20.
 */
#include <hull/hull.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static int failed(const char *what, struct hull_error *err)
{
	fprintf(stderr, "%s: %s (%s)\n", what, hull_error_message(err),
		hull_code_name(hull_error_code(err)));
	hull_error_free(err);
	return 1;
}

static int add_devices(struct hull_vm_config *vm, struct hull_error **err)
{
	struct hull_blk_options disk = {.size = sizeof(disk), .path = "disk.img", .id = "root"};
	struct hull_net_options net = {.size = sizeof(net), .mac = "5a:94:ef:00:00:01"};
	struct hull_vsock_options ssh = {.size = sizeof(ssh), .port = 22, .path = "ssh.sock"};
	const char *const more[] = {"virtio-rng", "virtio-serial,stdio"};

	ssh.connect = 1;
	if (hull_vm_config_add_blk(vm, &disk, err) < 0 || hull_vm_config_add_net(vm, &net, err) < 0)
		return -1;
	if (hull_vm_config_add_vsock(vm, &ssh, err) < 0)
		return -1;
	return hull_vm_config_add_texts(vm, more, 2, 0, err);
}

static int print_args(struct hull_vm_config *vm, struct hull_error **err)
{
	char **args;

	if (hull_vm_config_to_args(vm, HULL_DIALECT_VFKIT, &args, err) < 0)
		return -1;
	for (size_t i = 0; args[i]; i++)
		printf("%s\n", args[i]);
	hull_free(args);
	return 0;
}

static int print_nets(struct hull_vm_config *vm, struct hull_error **err)
{
	for (size_t i = 0; hull_vm_config_find(vm, HULL_KIND_NET, i, &i); i++) {
		struct hull_net_options net;
		void *strings;

		if (hull_vm_config_get_net(vm, i, &net, sizeof(net), &strings, err) < 0)
			return -1;
		printf("devices[%zu]: nat %d, mac %s\n", i, (int)net.nat, net.mac);
		hull_free(strings);
	}
	return 0;
}

/* A program of the name "echo", to see what would be started. */
static int start(struct hull_vm_config *vm, struct hull_error **err)
{
	const struct hull_cmd_fd fds[] = {{1, 1}, {2, 2}};
	struct hull_cmd_options cmd = {.size = sizeof(cmd), .program = "echo"};
	struct hull_process *process;
	int status, r;

	cmd.fds = fds;
	cmd.n_fds = 2;
	fflush(stdout);
	if (hull_vm_config_spawn(vm, HULL_DIALECT_VFKIT, &cmd, &process, err) < 0)
		return -1;
	r = hull_process_wait(process, 60000, &status, err);
	if (r == 0)
		printf("ended with %d\n", WEXITSTATUS(status));
	hull_process_free(process);
	return r;
}

int main(void)
{
	struct hull_efi_options efi = {.size = sizeof(efi), .variable_store = "nv", .create = 1};
	struct hull_bootloader_options boot = {.size = sizeof(boot), .efi = &efi};
	struct hull_vm_config *vm = NULL, *copy = NULL;
	struct hull_error *err = NULL;
	char *json = NULL;
	int r = 0;

	if (hull_vm_config_new(2, 2048, &boot, &vm, &err) < 0)
		return failed("new", err);
	if (add_devices(vm, &err) < 0 || print_args(vm, &err) < 0 || print_nets(vm, &err) < 0)
		r = failed("devices", err);
	else if (hull_vm_config_to_json(vm, HULL_DIALECT_VFKIT, &json, &err) < 0)
		r = failed("to JSON", err);
	else if (hull_vm_config_from_json(json, strlen(json), HULL_DIALECT_VFKIT, &copy, &err) < 0)
		r = failed("from JSON", err);
	else if (start(copy, &err) < 0)
		r = failed("start", err);
	printf("%s\n", json);
	hull_free(json);
	hull_vm_config_free(copy);
	hull_vm_config_free(vm);
	return r;
}
