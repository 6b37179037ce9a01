/* SPDX-License-Identifier: Apache-2.0
 *
 * machine KERNEL INITRD DISK - a program that runs a machine by the library: describes it, hands it
 * one end of a socket pair as its network, reads the first frame that the guest sends, and waits
 * for the end.  Prints what it sees.
 */
#define _GNU_SOURCE
#include <hull/hull.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 120000
static const unsigned char mac[6] = {0x5a, 0x94, 0xef, 0, 0, 1};

static struct hull_vm_config *describe(char **argv, int socket, struct hull_error **err)
{
	struct hull_linux_options linux_boot = {.size = sizeof(linux_boot),
						.kernel = argv[1],
						.initrd = argv[2],
						.cmdline = "quiet"};
	struct hull_bootloader_options boot = {.size = sizeof(boot), .linux_boot = &linux_boot};
	struct hull_blk_options disk = {.size = sizeof(disk), .path = argv[3], .id = "first"};
	struct hull_net_options net = {
		.size = sizeof(net), .socket = 1, .fd = socket, .mac = "5a:94:ef:00:00:01"};
	struct hull_vm_config *vm = NULL;

	if (hull_vm_config_new(1, 256, &boot, &vm, err) < 0)
		return NULL;
	if (hull_vm_config_add_blk(vm, &disk, err) == 0 &&
	    hull_vm_config_add_net(vm, &net, err) == 0 &&
	    hull_vm_config_add_rng(vm, NULL, err) == 0)
		return vm;
	hull_vm_config_free(vm);
	return NULL;
}

static struct hull_process *start(struct hull_vm_config *vm, struct hull_error **err)
{
	const struct hull_cmd_fd fds[] = {{1, 1}, {2, 2}};
	struct hull_cmd_options options = {
		.size = sizeof(options), .fds = fds, .n_fds = 2, .die_with_parent = 1};
	struct hull_process *process = NULL;

	(void)hull_vm_config_spawn(vm, HULL_DIALECT_VFKIT, &options, &process, err);
	return process;
}

/* The first frame, or nothing where the machine ends before. */
static void watch(int socket, struct hull_process *process)
{
	struct pollfd p[2] = {{.fd = socket, .events = POLLIN},
			      {.fd = hull_process_fd(process), .events = POLLIN}};
	unsigned char frame[2048];
	ssize_t n;

	if (poll(p, 2, DEADLINE_MS) <= 0 || !(p[0].revents & POLLIN)) {
		printf("no frame\n");
		return;
	}
	n = recv(socket, frame, sizeof(frame), 0);
	printf("frame: %s\n", n < 14 ? "short" : memcmp(frame + 6, mac, 6) ? "foreign" : "its own");
}

int main(int argc, char **argv)
{
	struct hull_error *err = NULL;
	struct hull_vm_config *vm;
	struct hull_process *process = NULL;
	int pair[2], status = 0;

	if (argc != 4 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	vm = describe(argv, pair[1], &err);
	if (vm)
		process = start(vm, &err);
	if (process) {
		close(pair[1]);
		watch(pair[0], process);
		(void)hull_process_wait(process, DEADLINE_MS, &status, &err);
	}
	if (err)
		printf("error: %s\n", hull_error_message(err));
	else
		printf("ended: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	status = err != NULL;
	hull_error_free(err);
	hull_process_free(process);
	hull_vm_config_free(vm);
	return status;
}
