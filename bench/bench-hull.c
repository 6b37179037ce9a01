/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM as "hull run" starts it, and what can be measured of it while it runs.  Must lie beside
 * hull, whose programs it finds there.
 *
 *   bench-hull [auto|tcg|kvm [cat]]
 *
 * Prints when the VM was asked for, when its agent greeted and when it was ready, then serves the
 * commands of measure.h; "state" tells who runs it and what the agent takes.  Ends with standard
 * input.
 *
 * A round trip is grpc.Health/Check on a connection of its own.  The streams are the agent's source
 * and discard ports, which is what the link carries; with "cat" those of two sessions,
 * "cat /dev/zero" and a "dd" that throws its input away, behind a pipe each.
 */
#define _GNU_SOURCE
#include "measure.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "config/config.h"
#include "monitor.pb-c.h"
#include "monitor/link.h"
#include "monitor/rpc.h"
#include "proto/hvsock.h"
#include "proto/ttrpc-wire.h"
#include "vm/dirs.h"
#include "vm/vm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AGENT "hull.agent.v1.Agent"
#define MONITOR "hull.monitor.v1.Monitor"
#define CALL_MS 30000
/* agent/channel.h */
#define PORT_DISCARD 9
#define PORT_SOURCE 19

enum { OUT, IN, N_STREAMS };

struct bench {
	struct hull_loop *loop;
	struct hull_config config;
	struct hull_vm *vm;
	struct hull_error *err; /* why the VM did not start, or a call failed */
	uint64_t asked_ns, ready_ns;
	bool ready, ended;
	struct hull_rpc *agent;
	int calls; /* owned: a connection to port 1024 */
	uint32_t next_id;
	struct hull_ttrpc_frame check;
	bool cat;
	int streams[N_STREAMS]; /* owned */
};

/* ---- the VM ---- */

static void on_ready(void *ctx, const struct hull_error *error)
{
	struct bench *b = ctx;

	b->ready_ns = hull_now_ns();
	b->ready = !error;
	if (error)
		hull_fail_copy(&b->err, error);
	hull_loop_quit(b->loop, 0);
}

static void on_ended(void *ctx, const struct hull_vm_end *end)
{
	struct bench *b = ctx;

	b->ended = true;
	hull_loop_quit(b->loop, 0);
}

static const struct hull_vm_ops vm_ops = {.ready = on_ready, .ended = on_ended};

static int describe(struct hull_config *c, const char *accel, struct hull_error **err)
{
	int i = 0;

	hull_config_init(c);
	while (hull_accel_names[i] && strcmp(hull_accel_names[i], accel))
		i++;
	if (!hull_accel_names[i])
		return hull_fail(err, HULL_E_INVALID, "unknown accelerator '%s'", accel);
	c->accel = (enum hull_accel)i;
	c->tied = true;
	c->root.kind = HULL_ROOT_HOST;
	c->root.cache = HULL_SHARE_CACHE_ALWAYS;
	return hull_dirs_guest(NULL, "vmlinux", &c->kernel, err) < 0
		       ? -1
		       : hull_dirs_guest(NULL, "initramfs", &c->initrd, err);
}

static void print_times(const struct bench *b)
{
	const struct hull_timeline *t = hull_vm_timeline(b->vm);

	printf("{\"asked\": %" PRIu64 ", \"ready\": %" PRIu64, b->asked_ns, b->ready_ns);
	for (size_t i = 0; i < t->spans.n; i++)
		printf(", \"%s\": [%" PRIu64 ", %" PRIu64 "]", t->spans.v[i].name,
		       t->spans.v[i].start_ns, t->spans.v[i].end_ns);
	printf("}\n");
	(void)fflush(stdout);
}

static int start(struct bench *b, const char *accel, struct hull_error **err)
{
	if (describe(&b->config, accel, err) < 0 || hull_loop_new(&b->loop, err) < 0)
		return -1;
	b->asked_ns = hull_now_ns();
	if (hull_vm_start(b->loop, &b->config, &vm_ops, b, &b->vm, err) < 0)
		return -1;
	(void)hull_loop_run(b->loop);
	return b->ready ? 0 : hull_error_move(err, &b->err);
}

static void stop(struct bench *b)
{
	if (b->vm && b->ready) {
		hull_vm_stop(b->vm, 0);
		while (!b->ended && hull_loop_run(b->loop) >= 0)
			;
	}
	for (size_t i = 0; i < N_STREAMS; i++)
		hull_closep(&b->streams[i]);
	hull_closep(&b->calls);
	hull_rpc_free(b->agent);
	hull_vm_free(b->vm);
	hull_loop_free(b->loop);
	hull_config_fini(&b->config);
	hull_ttrpc_frame_fini(&b->check);
	hull_error_free(b->err);
}

/* ---- connections: blocking ---- */

static int read_all(int fd, void *data, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)data + got, len - got);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return -errno;
		got += (size_t)n;
	}
	return 0;
}

static int connect_port(const struct bench *b, uint32_t port, struct hull_error **err)
{
	cleanup_close int fd = hull_unix_connect(hull_vm_vsock(b->vm));
	char line[HULL_HVSOCK_LINE_MAX], c = '\0';
	int r = fd < 0 ? fd : 0;

	if (r == 0)
		r = hull_fd_write_all(fd, line, hull_hvsock_format_connect(line, port));
	while (r == 0 && c != '\n')
		r = read_all(fd, &c, 1);
	if (r < 0)
		return hull_fail_errno(err, -r, "connect to guest port %u", port);
	return steal_fd(&fd);
}

static int agent_call(struct bench *b, const char *method, const ProtobufCMessage *request,
		      const ProtobufCMessageDescriptor *reply, ProtobufCMessage **ret_reply,
		      struct hull_error **err)
{
	int fd;

	if (!b->agent) {
		fd = connect_port(b, HULL_PORT_AGENT, err);
		if (fd < 0 || hull_rpc_new(b->loop, fd, NULL, NULL, &b->agent, err) < 0)
			return -1;
	}
	return hull_rpc_call_wait(b->loop, b->agent, AGENT, method, request, reply,
				  hull_deadline_ms(CALL_MS), ret_reply, err);
}

/* ---- round trips ---- */

static int open_calls(struct bench *b, struct hull_error **err)
{
	const struct hull_ttrpc_request rq = {.service = "grpc.Health", .method = "Check"};

	b->calls = connect_port(b, HULL_PORT_AGENT, err);
	if (b->calls < 0)
		return -1;
	b->next_id = 1;
	if (hull_ttrpc_frame_request(&b->check, b->next_id, 0, &rq, 0, NULL) < 0)
		return hull_fail_nomem(err);
	return 0;
}

static bool round_trip(void *ctx)
{
	struct bench *b = ctx;
	struct hull_ttrpc_head head;
	uint8_t answer[4096];
	int r;

	if (b->calls < 0 && open_calls(b, &b->err) < 0)
		return false;
	hull_ttrpc_head_get(b->check.data, &head);
	head.id = b->next_id;
	b->next_id += 2;
	hull_ttrpc_head_put(b->check.data, &head);
	r = hull_fd_write_all(b->calls, b->check.data, b->check.len);
	if (r == 0)
		r = read_all(b->calls, answer, HULL_TTRPC_HEAD);
	if (r == 0) {
		hull_ttrpc_head_get(answer, &head);
		r = head.len > sizeof(answer) ? -EMSGSIZE : read_all(b->calls, answer, head.len);
	}
	errno = -r;
	return r == 0;
}

/* ---- streams ---- */

static int name_stream(int fd, const char *id, struct hull_error **err)
{
	char out[4 + HULL_STREAM_ID_MAX], in[4 + HULL_STREAM_ID_MAX];
	size_t len = hull_stream_format(out, id);
	int r = hull_fd_write_all(fd, out, len);

	if (r == 0)
		r = read_all(fd, in, len);
	if (r == 0 && memcmp(in, out, len))
		r = -EBADMSG;
	return r < 0 ? hull_fail_errno(err, -r, "open stream '%s'", id) : 0;
}

static int run_cat(struct bench *b, bool in, const char *id, struct hull_error **err)
{
	Hull__Agent__V1__CreateRequest create = HULL__AGENT__V1__CREATE_REQUEST__INIT;
	Hull__Agent__V1__SessionRequest session = HULL__AGENT__V1__SESSION_REQUEST__INIT;
	char *from[] = {(char *)"cat", (char *)"/dev/zero"};
	char *to[] = {(char *)"dd", (char *)"of=/dev/null", (char *)"bs=256k"};

	create.exec_id = session.exec_id = (char *)id;
	create.args = in ? to : from;
	create.n_args = in ? ARRAY_SIZE(to) : ARRAY_SIZE(from);
	create.cwd = (char *)"/";
	*(in ? &create.stdin_stream : &create.stdout_stream) = (char *)id;
	return agent_call(b, "Create", &create.base, &hull__agent__v1__create_response__descriptor,
			  NULL, err) < 0
		       ? -1
		       : agent_call(b, "Start", &session.base,
				    &hull__agent__v1__start_response__descriptor, NULL, err);
}

static int stream(void *ctx, bool in)
{
	struct bench *b = ctx;
	const char *id = in ? "bench-in" : "bench-out";
	int *fd = &b->streams[in ? IN : OUT];

	if (*fd >= 0)
		return *fd;
	if (!b->cat) {
		*fd = connect_port(b, in ? PORT_DISCARD : PORT_SOURCE, &b->err);
		return *fd;
	}
	*fd = connect_port(b, HULL_PORT_STREAM, &b->err);
	if (*fd >= 0 && (name_stream(*fd, id, &b->err) < 0 || run_cat(b, in, id, &b->err) < 0))
		hull_closep(fd);
	return *fd;
}

/* ---- state ---- */

static int read_status(struct bench *b, Hull__Monitor__V1__StatusResponse **ret,
		       struct hull_error **err)
{
	Hull__Monitor__V1__StatusRequest rq = HULL__MONITOR__V1__STATUS_REQUEST__INIT;
	cleanup_free char *path = hull_path_join(hull_vm_dir(b->vm), "control.sock");
	ProtobufCMessage *reply = NULL;
	struct hull_rpc *rpc = NULL;
	int fd, r;

	if (!path)
		return hull_fail_nomem(err);
	fd = hull_unix_connect(path);
	if (fd < 0)
		return hull_fail_errno(err, -fd, "connect to '%s'", path);
	if (hull_rpc_new(b->loop, fd, NULL, NULL, &rpc, err) < 0)
		return -1;
	r = hull_rpc_call_wait(b->loop, rpc, MONITOR, "Status", &rq.base,
			       &hull__monitor__v1__status_response__descriptor,
			       hull_deadline_ms(CALL_MS), &reply, err);
	hull_rpc_free(rpc);
	*ret = (Hull__Monitor__V1__StatusResponse *)reply;
	return r;
}

static bool print_state(void *ctx, const char *command)
{
	Hull__Agent__V1__InfoRequest rq = HULL__AGENT__V1__INFO_REQUEST__INIT;
	Hull__Monitor__V1__StatusResponse *status = NULL;
	const Hull__Agent__V1__InfoResponse *info;
	ProtobufCMessage *reply = NULL;
	struct bench *b = ctx;

	if (strcmp(command, "state")) {
		hull_fail(&b->err, HULL_E_INVALID, "unknown command '%s'", command);
		return false;
	}
	if (agent_call(b, "Info", &rq.base, &hull__agent__v1__info_response__descriptor, &reply,
		       &b->err) < 0 ||
	    read_status(b, &status, &b->err) < 0)
		return false;
	/* Our connection is not part of an idle agent. */
	hull_rpc_free(steal_ptr(&b->agent));
	info = (const Hull__Agent__V1__InfoResponse *)reply;
	printf("{\"monitor\": %u, \"hypervisor\": %u, \"agent_rss\": %" PRIu64 "}\n",
	       status->monitor_pid, status->hypervisor_pid, info->rss_bytes);
	protobuf_c_message_free_unpacked(reply, NULL);
	protobuf_c_message_free_unpacked(&status->base, NULL);
	return true;
}

int main(int argc, char **argv)
{
	struct bench b = {.calls = -1, .streams = {-1, -1}};
	const struct bench_link link = {
		.round_trip = round_trip, .stream = stream, .other = print_state, .ctx = &b};
	cleanup_error struct hull_error *err = NULL;
	bool ok;

	b.cat = argc > 2 && !strcmp(argv[2], "cat");
	ok = start(&b, argc > 1 ? argv[1] : "auto", &err) == 0;
	if (ok) {
		print_times(&b);
		ok = bench_serve(&link);
	}
	if (err || b.err)
		fprintf(stderr, "bench-hull: %s\n", hull_error_message(err ? err : b.err));
	stop(&b);
	return ok ? 0 : 1;
}
