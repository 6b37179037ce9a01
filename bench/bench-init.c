/* SPDX-License-Identifier: Apache-2.0
 *
 * PID 1 of the guests that hull is compared with: does by hand, in a straight line, what hull's
 * agent does for one command, or the least that moves bytes over ports.  The kernel hands on
 * "bench=…" of its command line as a variable.
 *
 *   bench=run    the host's tree (virtiofs, tag "root") with a tmpfs overlaid becomes the root of
 *                one program, "true", and the guest powers off; "reset": it ends by a reset
 *   bench=share  the same with "sh ./script", in the directory at=... of the host, which is the
 *                share (virtiofs, tag "share")
 *   bench=sleep  the same with a program that sleeps
 *   bench=ports  hull.1 is echoed, hull.2 filled, hull.3 emptied
 *   bench=vsock  the same with ports 1, 2 and 3 of AF_VSOCK, one connection each
 *
 * Devices are on the bus that machines of the kind "microvm" have, or with bus=pci on that.
 * With mtu=... there is a network of that MTU, that of 10.0.2.0/24 which passt and QEMU have.
 *
 * Modules come from the same initramfs by the same manifest: lines "<stage> <module>".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULES "/lib/modules/hull/"
#define PIECE ((size_t)256 << 10)

static char piece[PIECE];

static void give_up(const char *what)
{
	fprintf(stderr, "bench-init: %s: %s\n", what, strerrordesc_np(errno));
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags,
		     const char *data)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		give_up(target);
	if (mount(source, target, type, flags, data) < 0)
		give_up(target);
}

static void load(const char *module)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), MODULES "%s.ko", module);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		give_up(path);
	close(fd);
}

static void load_stage(const char *stage)
{
	FILE *f = fopen(MODULES "load", "re");
	char of[16], module[64];

	if (!f)
		give_up(MODULES "load");
	while (fscanf(f, "%15s %63s", of, module) == 2)
		if (!strcmp(of, stage))
			load(module);
	fclose(f);
}

/* ---- the network ---- */

static struct sockaddr inet(const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr sa;

	(void)inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&sa, &in, sizeof(sa));
	return sa;
}

static void set_up_network(const char *mtu)
{
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
	struct ifreq rq = {.ifr_name = "eth0"};
	int fd;

	load_stage("net");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	rq.ifr_mtu = atoi(mtu);
	if (fd < 0 || ioctl(fd, SIOCSIFMTU, &rq) < 0)
		give_up("eth0's MTU");
	rq.ifr_addr = inet("10.0.2.15");
	if (ioctl(fd, SIOCSIFADDR, &rq) < 0)
		give_up("eth0's address");
	rq.ifr_netmask = inet("255.255.255.0");
	if (ioctl(fd, SIOCSIFNETMASK, &rq) < 0)
		give_up("eth0's netmask");
	rq.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &rq) < 0)
		give_up("bring up eth0");
	route.rt_dst = route.rt_genmask = inet("0.0.0.0");
	route.rt_gateway = inet("10.0.2.2");
	if (ioctl(fd, SIOCADDRT, &route) < 0)
		give_up("the default route");
	close(fd);
}

/* ---- bench=run, share, sleep ---- */

static const char *dir_of_share(void)
{
	const char *at = getenv("at");

	if (at)
		return at;
	errno = EINVAL;
	give_up("at=");
	return NULL;
}

static void mount_share(void)
{
	char path[256];
	int len = snprintf(path, sizeof(path), "/root%s", dir_of_share());

	if (len < 0 || (size_t)len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		give_up("at=");
	}
	for (char *p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		(void)mkdir(path, 0755);
	}
	mount_at("share", path, "virtiofs", 0, NULL);
}

static void run_program(char *const argv[], const char *dir)
{
	static char *const env[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LANG=C.UTF-8", NULL};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (chroot("/root") < 0 || chdir(dir) < 0)
			_exit(126);
		execve(argv[0], argv, env);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		give_up("run the program");
	if (status) {
		fprintf(stderr, "bench-init: the program ended with %#x\n", (unsigned int)status);
		reboot(RB_POWER_OFF);
	}
}

static void make_root(void)
{
	load_stage("root");
	mount_at("root", "/lower", "virtiofs", MS_RDONLY, NULL);
	mount_at("bench", "/rw", "tmpfs", 0, "size=50%,mode=0755");
	if (mkdir("/rw/upper", 0755) < 0 || mkdir("/rw/work", 0755) < 0)
		give_up("make the overlay's directories");
	mount_at("bench", "/root", "overlay", 0,
		 "lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work");
	mount_at("/dev", "/root/dev", NULL, MS_BIND, NULL);
	mount_at("proc", "/root/proc", "proc", 0, NULL);
}

static void run(const char *what)
{
	static char *const nothing[] = {(char *)"/usr/bin/true", NULL};
	static char *const script[] = {(char *)"/usr/bin/sh", (char *)"./script", NULL};
	static char *const nap[] = {(char *)"/usr/bin/sleep", (char *)"600", NULL};
	const char *mtu = getenv("mtu");

	make_root();
	if (mtu)
		set_up_network(mtu);
	if (!strcmp(what, "share")) {
		mount_at("bench", "/root/tmp", "tmpfs", 0, "mode=1777");
		mount_share();
		run_program(script, dir_of_share());
	} else if (!strcmp(what, "sleep")) {
		fprintf(stderr, "bench-init: up\n");
		run_program(nap, "/");
	} else {
		run_program(nothing, "/");
	}
	/* What the host waits for when the power only goes after this line. */
	fprintf(stderr, "bench-init: done\n");
	reboot(strcmp(what, "reset") ? RB_POWER_OFF : RB_AUTOBOOT);
}

/* ---- bench=ports ---- */

/* The driver makes ports one after the other a while after it has been loaded, and takes the host
 * for absent until told otherwise. */
static int open_port(int number)
{
	struct pollfd p = {.fd = -1};
	char path[32];

	(void)snprintf(path, sizeof(path), "/dev/vport0p%d", number);
	while ((p.fd = open(path, O_RDWR | O_CLOEXEC)) < 0) {
		if (errno != ENOENT && errno != ENXIO)
			give_up(path);
		(void)usleep(1000);
	}
	while (poll(&p, 1, 0) > 0 && p.revents & POLLHUP)
		(void)usleep(1000);
	return p.fd;
}

static void echo(int fd)
{
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (write(fd, piece, (size_t)n) != n)
			break;
}

static void fill(int fd)
{
	while (write(fd, piece, sizeof(piece)) > 0)
		;
}

static void drain(int fd)
{
	while (read(fd, piece, sizeof(piece)) > 0)
		;
}

static void serve(int fds[3], bool accepting)
{
	static void (*const jobs[])(int fd) = {echo, fill, drain};

	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			jobs[i](accepting ? accept(fds[i], NULL, NULL) : fds[i]);
			give_up("a port");
		}
	}
	for (;;)
		if (wait(NULL) < 0)
			give_up("wait");
}

static void serve_ports(void)
{
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = open_port(i + 1);
	serve(fds, false);
}

/* Before there is a device: then nobody can come too early.  As much may be on its way as a stream
 * of the link's has at most. */
static void serve_vsock(void)
{
	const uint64_t room = 1 << 20;
	int fds[3];

	load("vsock");
	for (int i = 0; i < 3; i++) {
		struct sockaddr_vm at = {.svm_family = AF_VSOCK,
					 .svm_cid = VMADDR_CID_ANY,
					 .svm_port = (unsigned int)i + 1};

		fds[i] = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[i] < 0 ||
		    setsockopt(fds[i], AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &room,
			       sizeof(room)) < 0 ||
		    setsockopt(fds[i], AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &room, sizeof(room)) <
			    0 ||
		    bind(fds[i], (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fds[i], 1) < 0)
			give_up("listen on a port of AF_VSOCK");
	}
	load("vmw_vsock_virtio_transport_common");
	load("vmw_vsock_virtio_transport");
	serve(fds, true);
}

int main(void)
{
	const char *what = getenv("bench");
	const char *bus = getenv("bus");

	mount_at("dev", "/dev", "devtmpfs", 0, "mode=0755");
	load_stage("base");
	load_stage(bus ? bus : "mmio");
	if (what && !strcmp(what, "vsock"))
		serve_vsock();
	load_stage("link");
	if (what && !strcmp(what, "ports"))
		serve_ports();
	else if (what)
		run(what);
	errno = EINVAL;
	give_up("bench=");
	return 1;
}
