/* SPDX-License-Identifier: Apache-2.0
 *
 * PID 1 of the guest that vsock-device.py speaks to, with nothing else in it: modules from the same
 * initramfs by the same manifest, then servers on these ports of AF_VSOCK, a process for each
 * connection.
 *
 *   10  echoes; after the end of what comes in, says "end" and closes
 *   11  takes everything, then says "<bytes> <crc32>"
 *   12  "<bytes>\n": sends as many, ends its sending, then takes everything and keeps it
 *   13  says what 12 kept last
 *   14  commands, one a connection, answered by a line:
 *         echo PORT TIMES TOGETHER   dials the host's echo server, so often, so many at once
 *         put PORT BYTES | get PORT  sends and is told the same as by 11; takes, and tells
 *         half PORT                  takes the end of the host's bytes, then sends some
 *         dial PORT | cid CID        dials and says what came of it
 *         flood PORT                 sends until it has waited for a second
 *         off                        powers off
 *   15  accepts and never reads
 *   16  closes at once
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MODULES "/lib/modules/hull/"
#define PIECE ((size_t)256 << 10)
#define FIRST 10
#define LAST 16
#define HOST 2
#define KEPT 4096

static char piece[PIECE];
static uint32_t crc_table[8][256];
static char *kept; /* shared by all */

static void give_up(const char *what)
{
	fprintf(stderr, "vsock-guest: %s: %s\n", what, strerrordesc_np(errno));
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* ---- bytes ---- */

/* By eight bytes at a time: this is most of what a big transfer costs under emulation. */
static void make_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
		crc_table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int k = 1; k < 8; k++)
			crc_table[k][i] =
				crc_table[0][crc_table[k - 1][i] & 255] ^ crc_table[k - 1][i] >> 8;
}

static uint32_t crc32(uint32_t crc, const char *p, size_t n)
{
	crc = ~crc;
	for (; n >= 8; n -= 8, p += 8) {
		uint32_t a, b;

		memcpy(&a, p, 4);
		memcpy(&b, p + 4, 4);
		a ^= crc;
		crc = crc_table[7][a & 255] ^ crc_table[6][a >> 8 & 255] ^
		      crc_table[5][a >> 16 & 255] ^ crc_table[4][a >> 24] ^ crc_table[3][b & 255] ^
		      crc_table[2][b >> 8 & 255] ^ crc_table[1][b >> 16 & 255] ^
		      crc_table[0][b >> 24];
	}
	for (; n; n--)
		crc = crc_table[0][(crc ^ (unsigned char)*p++) & 255] ^ crc >> 8;
	return ~crc;
}

static bool write_all(int fd, const void *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* Pieces of the same bytes but for their first ones, which count them. */
static uint32_t send_pattern(int fd, uint64_t bytes)
{
	uint32_t x = 1, crc = 0;

	for (size_t i = 0; i < PIECE; i += 4) {
		x = x * 1664525 + 1013904223;
		memcpy(piece + i, &x, sizeof(x));
	}
	for (uint64_t n = 0; bytes; n++) {
		size_t len = bytes < PIECE ? (size_t)bytes : PIECE;

		memcpy(piece, &n, sizeof(n));
		crc = crc32(crc, piece, len);
		if (!write_all(fd, piece, len))
			break;
		bytes -= len;
	}
	return crc;
}

static uint64_t take_all(int fd, uint32_t *ret_crc)
{
	uint64_t bytes = 0;
	ssize_t n;

	*ret_crc = 0;
	while ((n = read(fd, piece, PIECE)) > 0) {
		*ret_crc = crc32(*ret_crc, piece, (size_t)n);
		bytes += (uint64_t)n;
	}
	return bytes;
}

static size_t read_line(int fd, char *line, size_t max)
{
	size_t n = 0;

	while (n < max - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	return n;
}

static int dial(uint32_t cid, uint32_t port)
{
	struct sockaddr_vm to = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* ---- servers ---- */

static void serve_echo(int fd)
{
	ssize_t n;

	while ((n = read(fd, piece, PIECE)) > 0)
		if (!write_all(fd, piece, (size_t)n))
			return;
	if (n == 0)
		(void)write_all(fd, "end", 3);
}

static void serve_sink(int fd)
{
	uint32_t crc;
	uint64_t bytes = take_all(fd, &crc);

	dprintf(fd, "%" PRIu64 " %08x", bytes, crc);
}

static void serve_source(int fd)
{
	char line[32];
	ssize_t n = 0, m;

	(void)read_line(fd, line, sizeof(line));
	(void)send_pattern(fd, strtoull(line, NULL, 10));
	(void)shutdown(fd, SHUT_WR);
	while (n < KEPT - 1 && (m = read(fd, kept + n, (size_t)(KEPT - 1 - n))) > 0)
		n += m;
	kept[n] = '\0';
}

static void serve_nothing(int fd)
{
	for (;;)
		pause();
}

/* ---- commands ---- */

static bool echo_once(int fd)
{
	char sent[300], got[sizeof(sent)];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + (size_t)fd);
	if (!write_all(fd, sent, sizeof(sent)))
		return false;
	while (n < sizeof(got)) {
		ssize_t m = read(fd, got + n, sizeof(got) - n);

		if (m <= 0)
			return false;
		n += (size_t)m;
	}
	return !memcmp(sent, got, sizeof(got));
}

static void do_echo(int out, uint32_t port, int times, int together)
{
	int *fds = calloc((size_t)together, sizeof(*fds)), good = 0;

	for (int i = 0; fds && i < times; i += together) {
		for (int k = 0; k < together; k++) {
			fds[k] = dial(HOST, port);
			if (fds[k] < 0)
				dprintf(out, "dial %d: %s; ", i + k, strerrordesc_np(errno));
		}
		for (int k = 0; k < together; k++) {
			good += fds[k] >= 0 && echo_once(fds[k]);
			close(fds[k]);
		}
	}
	dprintf(out, "%d of %d", good, times);
}

static void do_put(int out, uint32_t port, uint64_t bytes)
{
	char line[64];
	uint32_t crc;
	int fd = dial(HOST, port);

	crc = send_pattern(fd, bytes);
	(void)shutdown(fd, SHUT_WR);
	(void)read_line(fd, line, sizeof(line));
	dprintf(out, "%" PRIu64 " %08x, host: %s", bytes, crc, line);
}

static void do_get(int out, uint32_t port)
{
	int fd = dial(HOST, port);
	uint32_t crc;
	uint64_t bytes = take_all(fd, &crc);

	dprintf(out, "%" PRIu64 " %08x", bytes, crc);
}

static void do_half(int out, uint32_t port)
{
	int fd = dial(HOST, port);
	uint32_t crc;
	uint64_t bytes = take_all(fd, &crc);
	bool ok = write_all(fd, "after the end", 13);

	close(fd);
	dprintf(out, "%" PRIu64 " %08x %d", bytes, crc, ok);
}

static void do_dial(int out, uint32_t cid, uint32_t port)
{
	int fd = dial(cid, port);

	dprintf(out, "%s", fd < 0 ? strerrordesc_np(errno) : "connected");
	if (fd >= 0)
		close(fd);
}

/* How much can be sent before nothing has moved for a second. */
static uint64_t fill(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	uint64_t bytes = 0;

	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (poll(&p, 1, 1000) > 0 && p.revents & POLLOUT) {
		ssize_t n = write(fd, piece, PIECE);

		if (n > 0)
			bytes += (uint64_t)n;
		else if (n < 0 && errno != EAGAIN)
			break;
	}
	return bytes;
}

static void do_flood(int out, uint32_t port)
{
	int fd = dial(HOST, port);

	dprintf(out, "%" PRIu64 "\n", fill(fd));
}

static void serve_command(int fd)
{
	char line[128], verb[16] = "";
	uint64_t a = 0, b = 0, c = 0;

	(void)read_line(fd, line, sizeof(line));
	(void)sscanf(line, "%15s %" SCNu64 " %" SCNu64 " %" SCNu64, verb, &a, &b, &c);
	if (!strcmp(verb, "echo"))
		do_echo(fd, (uint32_t)a, (int)b, (int)c);
	else if (!strcmp(verb, "put"))
		do_put(fd, (uint32_t)a, b);
	else if (!strcmp(verb, "get"))
		do_get(fd, (uint32_t)a);
	else if (!strcmp(verb, "half"))
		do_half(fd, (uint32_t)a);
	else if (!strcmp(verb, "dial"))
		do_dial(fd, HOST, (uint32_t)a);
	else if (!strcmp(verb, "cid"))
		do_dial(fd, (uint32_t)a, 2000);
	else if (!strcmp(verb, "flood"))
		do_flood(fd, (uint32_t)a);
	else if (!strcmp(verb, "off"))
		reboot(RB_POWER_OFF);
	else
		dprintf(fd, "unknown command '%s'", verb);
}

static void serve_kept(int fd)
{
	dprintf(fd, "%s", kept);
}

static void serve_close(int fd)
{
	close(fd);
}

/* ---- all of it ---- */

static void load_modules(void)
{
	FILE *f = fopen(MODULES "load", "re");
	char of[16], module[64], path[128];

	if (!f)
		give_up(MODULES "load");
	while (fscanf(f, "%15s %63s", of, module) == 2) {
		int fd;

		if (strcmp(of, "base") && strcmp(of, "pci") && strcmp(of, "mmio") &&
		    !strstr(module, "vsock"))
			continue;
		(void)snprintf(path, sizeof(path), MODULES "%s.ko", module);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST &&
			       errno != ENODEV))
			give_up(path);
		close(fd);
	}
	fclose(f);
}

static void listen_on(uint32_t port, void (*serve)(int fd))
{
	struct sockaddr_vm at = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 200) < 0)
		give_up("listen");
	if (fork() != 0)
		return;
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			give_up("accept");
		if (fork() == 0) {
			serve(client);
			_exit(0);
		}
		close(client);
	}
}

int main(void)
{
	static void (*const servers[])(int fd) = {serve_echo, serve_sink,    serve_source,
						  serve_kept, serve_command, serve_nothing,
						  serve_close};

	(void)mkdir("/dev", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, "mode=0755") < 0)
		give_up("/dev");
	(void)signal(SIGPIPE, SIG_IGN);
	make_table();
	load_modules();
	kept = mmap(NULL, KEPT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (kept == MAP_FAILED)
		give_up("memory");
	for (uint32_t port = FIRST; port <= LAST; port++)
		listen_on(port, servers[port - FIRST]);
	/* Those who wait for it are told on a port of the host's. */
	close(dial(HOST, 1));
	for (;;)
		pause();
}
