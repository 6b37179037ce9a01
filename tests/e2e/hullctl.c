/* SPDX-License-Identifier: Apache-2.0
 *
 * hullctl: a VM's sockets from the command line, for tests.  Everything goes through hull's own
 * client modules; each method of the agent and of the monitor is one command here.
 *
 *   hullctl start [--detached] ['"key":value,...']   members of a VM description
 *   hullctl twice ['"key":value,...']                a second Start on the starter's connection
 *   hullctl .../control.sock COMMAND [WORDS]
 *   hullctl .../vsock.sock COMMAND [WORDS]           sessions are called EXEC or CONTAINER/EXEC
 *
 * Exit codes: 0; 1 and "hullctl: CODE [cause]: message" on stderr; 2 usage; for "exec" the
 * command's.
 */
#define _GNU_SOURCE
#include "hullctl.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/text.h"
#include "base/vec.h"
#include "health.pb-c.h"
#include "monitor.pb-c.h"
#include "monitor/link.h"
#include "vm/exec.h"
#include "vm/stdio.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AGENT "hull.agent.v1.Agent"
#define HEALTH "grpc.Health"
#define MONITOR HULLCTL_MONITOR
#define ENTROPY_MAX 8192 /* more than the agent takes */

enum { EXIT_OURS = 1, EXIT_USAGE = 2 };

/* ---- calls ---- */

#define REPLY(name) &hull__##name##__descriptor
#define EMPTY REPLY(agent__v1__empty)

int hullctl_call(struct ctl *c, const char *method, const void *request,
		 const ProtobufCMessageDescriptor *type, void *ret_reply, struct hull_error **err)
{
	ProtobufCMessage *reply;
	/* Waiting is what "Wait" and "Stop" are for. */
	bool patient = !strcmp(method, "Wait") || !strcmp(method, "Stop");

	if (hull_rpc_call_wait(c->loop, c->rpc, c->service, method, request, type,
			       patient ? 0 : hull_deadline_ms(HULLCTL_CALL_MS), &reply, err) < 0)
		return -1;
	if (ret_reply)
		*(ProtobufCMessage **)ret_reply = reply;
	else
		protobuf_c_message_free_unpacked(reply, NULL);
	return 0;
}

static void release(void *reply)
{
	ProtobufCMessage **p = reply;

	if (*p)
		protobuf_c_message_free_unpacked(*p, NULL);
}
#define cleanup_reply cleanup_with(release)

bool hullctl_take_flag(struct ctl *c, const char *flag)
{
	if (!c->n_words || strcmp(c->words[0], flag))
		return false;
	c->words++;
	c->n_words--;
	return true;
}

char *hullctl_take_word(struct ctl *c)
{
	c->n_words--;
	return *c->words++;
}

static int take_number(struct ctl *c, uint64_t max, uint64_t *ret, struct hull_error **err)
{
	const char *word = hullctl_take_word(c);

	return hull_parse_u64(word, max, ret) < 0
		       ? hull_fail(err, HULL_E_INVALID, "'%s' is not a number to %" PRIu64, word,
				   max)
		       : 0;
}

/* "CONTAINER/EXEC" or "EXEC". */
static void take_id(struct ctl *c, char **ret_container, char **ret_exec)
{
	char *word = hullctl_take_word(c), *slash = strchr(word, '/');

	*ret_container = slash ? word : (char *)"";
	*ret_exec = slash ? slash + 1 : word;
	if (slash)
		*slash = '\0';
}

/* ---- the agent: the VM ---- */

static int cmd_health(struct ctl *c, struct hull_error **err)
{
	Grpc__CheckRequest rq = GRPC__CHECK_REQUEST__INIT;
	cleanup_reply Grpc__HealthCheckResponse *rs = NULL;

	if (hullctl_call(c, "Check", &rq, &grpc__health_check_response__descriptor, &rs, err) < 0)
		return -1;
	printf("%s\n", rs->status == GRPC__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
			       ? "SERVING"
			       : "NOT_SERVING");
	return 0;
}

static int cmd_version(struct ctl *c, struct hull_error **err)
{
	Grpc__CheckRequest rq = GRPC__CHECK_REQUEST__INIT;
	cleanup_reply Grpc__VersionCheckResponse *rs = NULL;

	if (hullctl_call(c, "Version", &rq, &grpc__version_check_response__descriptor, &rs, err) <
	    0)
		return -1;
	printf("%s %s\n", rs->agent_version, rs->grpc_version);
	return 0;
}

static int cmd_info(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__InfoRequest rq = HULL__AGENT__V1__INFO_REQUEST__INIT;
	cleanup_reply Hull__Agent__V1__InfoResponse *rs = NULL;

	if (hullctl_call(c, "Info", &rq, REPLY(agent__v1__info_response), &rs, err) < 0)
		return -1;
	printf("version=%s\nkernel=%s\nmachine=%s\nuptime_ns=%" PRIu64 "\nmonotonic_ns=%" PRIu64
	       "\nrealtime_ns=%" PRIu64 "\nrss_bytes=%" PRIu64 "\n",
	       rs->version, rs->kernel, rs->machine, rs->uptime_ns, rs->monotonic_ns,
	       rs->realtime_ns, rs->rss_bytes);
	for (size_t i = 0; i < rs->n_spans; i++)
		printf("span=%s %" PRIu64 " %" PRIu64 "\n", rs->spans[i]->name,
		       rs->spans[i]->start_ns, rs->spans[i]->end_ns);
	return 0;
}

static int cmd_mount(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__MountRequest rq = HULL__AGENT__V1__MOUNT_REQUEST__INIT;
	Hull__Agent__V1__MountEntry entry = HULL__AGENT__V1__MOUNT_ENTRY__INIT, *list = &entry;
	char *options[16], *save = NULL;

	entry.type = hullctl_take_word(c);
	entry.source = hullctl_take_word(c);
	entry.target = hullctl_take_word(c);
	entry.options = options;
	if (c->n_words)
		for (char *o = strtok_r(hullctl_take_word(c), ",", &save);
		     o && entry.n_options < ARRAY_SIZE(options); o = strtok_r(NULL, ",", &save))
			options[entry.n_options++] = o;
	rq.n_mounts = 1;
	rq.mounts = &list;
	return hullctl_call(c, "Mount", &rq, EMPTY, NULL, err);
}

static int cmd_unmount(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__UnmountRequest rq = HULL__AGENT__V1__UNMOUNT_REQUEST__INIT;

	rq.detach = hullctl_take_flag(c, "--detach");
	rq.n_targets = (size_t)c->n_words;
	rq.targets = c->words;
	return hullctl_call(c, "Unmount", &rq, EMPTY, NULL, err);
}

static int cmd_time(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__SetTimeRequest rq = HULL__AGENT__V1__SET_TIME_REQUEST__INIT;

	return take_number(c, UINT64_MAX, &rq.realtime_ns, err) < 0
		       ? -1
		       : hullctl_call(c, "SetTime", &rq, EMPTY, NULL, err);
}

static int cmd_entropy(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__AddEntropyRequest rq = HULL__AGENT__V1__ADD_ENTROPY_REQUEST__INIT;
	const char *hex = hullctl_take_word(c);
	uint8_t data[ENTROPY_MAX];
	unsigned int byte;

	for (; rq.data.len < sizeof(data) && sscanf(hex, "%2x", &byte) == 1 && hex[1]; hex += 2)
		data[rq.data.len++] = (uint8_t)byte;
	if (*hex)
		return hull_fail(err, HULL_E_INVALID, "'%s' is not pairs of hex digits", hex);
	rq.data.data = data;
	return hullctl_call(c, "AddEntropy", &rq, EMPTY, NULL, err);
}

static int cmd_poweroff(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__PowerOffRequest rq = HULL__AGENT__V1__POWER_OFF_REQUEST__INIT;

	rq.reboot = hullctl_take_flag(c, "--reboot");
	return hullctl_call(c, "PowerOff", &rq, EMPTY, NULL, err);
}

/* ---- the agent: sessions ---- */

static int cmd_list(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__ListRequest rq = HULL__AGENT__V1__LIST_REQUEST__INIT;
	cleanup_reply Hull__Agent__V1__ListResponse *rs = NULL;

	if (hullctl_call(c, "List", &rq, REPLY(agent__v1__list_response), &rs, err) < 0)
		return -1;
	for (size_t i = 0; i < rs->n_sessions; i++) {
		const Hull__Agent__V1__SessionState *s = rs->sessions[i];

		printf("%s%s%s %s %u %u", s->container_id, *s->container_id ? "/" : "", s->exec_id,
		       s->state, s->pid, s->exit_status);
		for (size_t k = 0; k < s->n_args; k++)
			printf(" %s", s->args[k]);
		printf("\n");
	}
	return 0;
}

/* "INITIAL:ADD:DROP", numbers as the request has them, masks in hex. */
static int take_caps(struct ctl *c, Hull__Agent__V1__Capabilities *caps, struct hull_error **err)
{
	const char *word = hullctl_take_word(c);
	int initial;

	if (sscanf(word, "%d:%" SCNx64 ":%" SCNx64, &initial, &caps->add, &caps->drop) != 3)
		return hull_fail(err, HULL_E_INVALID, "'%s' is not INITIAL:ADD:DROP", word);
	caps->initial = (Hull__Agent__V1__Capabilities__Initial)initial;
	return 0;
}

static int cmd_create(struct ctl *c, struct hull_error **err)
{
	static char *env[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	Hull__Agent__V1__CreateRequest rq = HULL__AGENT__V1__CREATE_REQUEST__INIT;
	Hull__Agent__V1__Capabilities caps = HULL__AGENT__V1__CAPABILITIES__INIT;

	take_id(c, &rq.container_id, &rq.exec_id);
	rq.terminal = hullctl_take_flag(c, "--tty");
	if (hullctl_take_flag(c, "--user") && c->n_words)
		rq.user = hullctl_take_word(c);
	if (hullctl_take_flag(c, "--caps") && c->n_words) {
		rq.capabilities = &caps;
		if (take_caps(c, &caps, err) < 0)
			return -1;
	}
	rq.env = env;
	rq.n_env = 1;
	rq.args = c->words;
	rq.n_args = (size_t)c->n_words;
	return hullctl_call(c, "Create", &rq, REPLY(agent__v1__create_response), NULL, err);
}

static int session_call(struct ctl *c, const char *method, const ProtobufCMessageDescriptor *type,
			void *ret_reply, struct hull_error **err)
{
	Hull__Agent__V1__SessionRequest rq = HULL__AGENT__V1__SESSION_REQUEST__INIT;

	take_id(c, &rq.container_id, &rq.exec_id);
	return hullctl_call(c, method, &rq, type, ret_reply, err);
}

static int cmd_start(struct ctl *c, struct hull_error **err)
{
	cleanup_reply Hull__Agent__V1__StartResponse *rs = NULL;

	if (session_call(c, "Start", REPLY(agent__v1__start_response), &rs, err) < 0)
		return -1;
	printf("%u\n", rs->pid);
	return 0;
}

struct waiting {
	struct ctl *ctl;
	bool over;
	struct hull_error *err;
};

static void on_waited(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Agent__V1__WaitResponse *rs = (const Hull__Agent__V1__WaitResponse *)reply;
	struct waiting *w = ctx;

	w->over = true;
	if (error)
		hull_fail_copy(&w->err, error);
	else
		printf("status=%u signal=%u oom=%d\n", rs->exit_status, rs->signal, rs->oom);
	hull_loop_quit(w->ctl->loop, 0);
}

/* Calls of one connection are taken in order: once List is answered, the agent knows who waits. */
static int cmd_wait(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__SessionRequest rq = HULL__AGENT__V1__SESSION_REQUEST__INIT;
	Hull__Agent__V1__ListRequest list = HULL__AGENT__V1__LIST_REQUEST__INIT;
	struct waiting w = {.ctl = c};
	const char *ready = NULL;

	take_id(c, &rq.container_id, &rq.exec_id);
	if (hullctl_take_flag(c, "--ready") && c->n_words) /* a file to make once it waits */
		ready = hullctl_take_word(c);
	hull_rpc_call(c->rpc, c->service, "Wait", &rq.base, REPLY(agent__v1__wait_response), 0,
		      on_waited, &w);
	if (ready && hullctl_call(c, "List", &list, REPLY(agent__v1__list_response), NULL, err) < 0)
		return -1;
	if (ready && hull_file_write(ready, "", 0, 0600, false) < 0)
		return hull_fail(err, HULL_E_OS, "cannot write '%s'", ready);
	while (!w.over && hull_loop_run(c->loop) >= 0)
		;
	return w.err ? hull_error_move(err, &w.err) : 0;
}

static int cmd_delete(struct ctl *c, struct hull_error **err)
{
	return session_call(c, "Delete", EMPTY, NULL, err);
}

static int cmd_close_stdin(struct ctl *c, struct hull_error **err)
{
	return session_call(c, "CloseStdin", EMPTY, NULL, err);
}

static int cmd_signal(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__SignalRequest rq = HULL__AGENT__V1__SIGNAL_REQUEST__INIT;
	uint64_t number;

	take_id(c, &rq.container_id, &rq.exec_id);
	if (take_number(c, UINT32_MAX, &number, err) < 0)
		return -1;
	rq.signal = (uint32_t)number;
	rq.all = hullctl_take_flag(c, "--all");
	return hullctl_call(c, "Signal", &rq, EMPTY, NULL, err);
}

static int cmd_resize(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__ResizeRequest rq = HULL__AGENT__V1__RESIZE_REQUEST__INIT;
	uint64_t rows, columns;

	take_id(c, &rq.container_id, &rq.exec_id);
	if (take_number(c, UINT32_MAX, &rows, err) < 0 ||
	    take_number(c, UINT32_MAX, &columns, err) < 0)
		return -1;
	rq.rows = (uint32_t)rows;
	rq.columns = (uint32_t)columns;
	return hullctl_call(c, "Resize", &rq, EMPTY, NULL, err);
}

/* ---- the agent: attach ---- */

enum { OUT, ERR, IN, N_STREAMS };

struct attachment {
	struct ctl *ctl;
	struct hull_stdio *streams[N_STREAMS];
	unsigned int unready, outputs;
	struct hull_error *err; /* of the first stream that failed */
};

static void on_stream_ready(void *ctx, struct hull_stdio *s)
{
	struct attachment *a = ctx;

	a->unready--;
}

static void on_stream_done(void *ctx, struct hull_stdio *s, const struct hull_error *error)
{
	struct attachment *a = ctx;

	if (s == a->streams[IN])
		a->streams[IN] = NULL;
	else
		a->outputs--;
	if (error && !a->err)
		hull_fail_remote(&a->err, hull_error_code(error), hull_error_cause(error),
				 hull_error_message(error), hull_error_hint(error));
	for (int i = 0; i < IN; i++)
		if (a->streams[i] == s)
			a->streams[i] = NULL;
	hull_stdio_free(s);
}

static const struct hull_stdio_ops stream_ops = {.ready = on_stream_ready, .done = on_stream_done};

static int open_stream(struct attachment *a, int which, int fd, char **ret_id,
		       struct hull_error **err)
{
	static char ids[N_STREAMS][32];

	snprintf(ids[which], sizeof(ids[which]), "ctl-%d-%d", (int)getpid(), which);
	if (hull_stdio_new(a->ctl->loop, a->ctl->socket, ids[which], fd, which == IN, &stream_ops,
			   a, &a->streams[which], err) < 0)
		return -1;
	a->unready++;
	a->outputs += which != IN;
	*ret_id = ids[which];
	return 0;
}

/* Runs the loop until *counter is 0 or something has failed. */
static int settle(struct attachment *a, const unsigned int *counter, struct hull_error **err)
{
	while (*counter && !a->err) {
		int r = hull_loop_step(a->ctl->loop, -1);

		if (r < 0)
			return hull_fail_errno(err, -r, "event loop");
	}
	return a->err ? hull_error_move(err, &a->err) : 0;
}

static int attach(struct attachment *a, struct hull_error **err)
{
	Hull__Agent__V1__AttachRequest rq = HULL__AGENT__V1__ATTACH_REQUEST__INIT;
	struct ctl *c = a->ctl;
	const char *ready = NULL;
	bool tty, in;

	take_id(c, &rq.container_id, &rq.exec_id);
	rq.no_replay = hullctl_take_flag(c, "--no-replay");
	tty = hullctl_take_flag(c, "--tty"); /* has no stderr */
	in = hullctl_take_flag(c, "--stdin");
	if (hullctl_take_flag(c, "--ready") && c->n_words) /* a file to make once attached */
		ready = hullctl_take_word(c);
	if (open_stream(a, OUT, STDOUT_FILENO, &rq.stdout_stream, err) < 0 ||
	    (!tty && open_stream(a, ERR, STDERR_FILENO, &rq.stderr_stream, err) < 0) ||
	    (in && open_stream(a, IN, STDIN_FILENO, &rq.stdin_stream, err) < 0) ||
	    settle(a, &a->unready, err) < 0 || hullctl_call(c, "Attach", &rq, EMPTY, NULL, err) < 0)
		return -1;
	if (ready && hull_file_write(ready, "", 0, 0600, false) < 0)
		return hull_fail(err, HULL_E_OS, "cannot write '%s'", ready);
	if (a->streams[IN])
		hull_stdio_begin(a->streams[IN]);
	return settle(a, &a->outputs, err);
}

static int cmd_attach(struct ctl *c, struct hull_error **err)
{
	struct attachment a = {.ctl = c};
	int r = attach(&a, err);

	for (int i = 0; i < N_STREAMS; i++)
		hull_stdio_free(a.streams[i]);
	hull_error_free(a.err);
	return r;
}

/* ---- the agent: exec ---- */

struct execution {
	struct ctl *ctl;
	struct hull_error *err;
};

static void on_exec_done(void *ctx, const struct hull_exec_result *result,
			 const struct hull_error *error)
{
	struct execution *x = ctx;

	if (error)
		hull_fail_remote(&x->err, hull_error_code(error), hull_error_cause(error),
				 hull_error_message(error), hull_error_hint(error));
	else
		x->ctl->code = (int)result->exit_status;
	hull_loop_quit(x->ctl->loop, 0);
}

static const struct hull_exec_ops exec_ops = {.done = on_exec_done};

static int run_exec(struct ctl *c, const struct hull_exec_options *o, struct hull_error **err)
{
	struct execution x = {.ctl = c};
	struct hull_exec *exec;
	int r;

	if (hull_exec_start(c->loop, c->socket, o, &exec_ops, &x, &exec, err) < 0)
		return -1;
	r = hull_loop_run(c->loop);
	hull_exec_free(exec);
	if (r < 0)
		return hull_fail_errno(err, -r, "event loop");
	return x.err ? hull_error_move(err, &x.err) : 0;
}

static int cmd_exec(struct ctl *c, struct hull_error **err)
{
	cleanup_strv struct hull_strv args = {0}, env = {0};
	struct hull_exec_options o = {
		.args = &args,
		.env = &env,
		.cwd = "",
		.user = "",
		.stdin_fd = -1,
		.stdout_fd = STDOUT_FILENO,
		.stderr_fd = STDERR_FILENO,
	};

	o.exec_id = hullctl_take_word(c);
	if (hullctl_take_flag(c, "--stdin"))
		o.stdin_fd = STDIN_FILENO;
	while (c->n_words)
		(void)hull_strv_add(&args, hullctl_take_word(c));
	(void)hull_strv_add(&env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	if (args.failed || env.failed)
		return hull_fail_nomem(err);
	return run_exec(c, &o, err);
}

/* ---- the monitor ---- */

static int cmd_status(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__StatusRequest rq = HULL__MONITOR__V1__STATUS_REQUEST__INIT;
	cleanup_reply Hull__Monitor__V1__StatusResponse *rs = NULL;

	if (hullctl_call(c, "Status", &rq, REPLY(monitor__v1__status_response), &rs, err) < 0)
		return -1;
	printf("id=%s\nname=%s\nstate=%s\nmonitor_pid=%u\nhypervisor_pid=%u\nbackend=%s\n"
	       "version=%s\nstarted_at_ns=%" PRIu64 "\nagent_ready_at_ns=%" PRIu64
	       "\nnetwork_ready_at_ns=%" PRIu64 "\nnetwork=%s\nballoon_bytes=%" PRIu64
	       "\nreboots=%u\nrestarts=%u\nrestart_reason=%s\nrestart_message=%s\nrestart_at_ns="
	       "%" PRIu64 "\n",
	       rs->id, rs->name, rs->state, rs->monitor_pid, rs->hypervisor_pid, rs->backend,
	       rs->version, rs->started_at_ns, rs->agent_ready_at_ns, rs->network_ready_at_ns,
	       rs->network, rs->balloon_bytes, rs->reboots, rs->restarts, rs->restart_reason,
	       rs->restart_message, rs->restart_at_ns);
	for (size_t i = 0; i < rs->n_terminals; i++)
		printf("terminal=%s\n", rs->terminals[i]);
	return 0;
}

static int cmd_pause(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__PauseRequest rq = HULL__MONITOR__V1__PAUSE_REQUEST__INIT;

	return hullctl_call(c, "Pause", &rq, REPLY(monitor__v1__pause_response), NULL, err);
}

static int cmd_resume(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__ResumeRequest rq = HULL__MONITOR__V1__RESUME_REQUEST__INIT;

	return hullctl_call(c, "Resume", &rq, REPLY(monitor__v1__resume_response), NULL, err);
}

static void print_exit(const Hull__Monitor__V1__ExitRecord *rs)
{
	printf("reason=%s\nmessage=%s\ncode=%s\nhint=%s\nhypervisor_status=%d\nexited_at_ns="
	       "%" PRIu64 "\nreboots=%u\nrestarts=%u\nrestart_reason=%s\n",
	       rs->reason, rs->message, rs->code, rs->hint, rs->hypervisor_status, rs->exited_at_ns,
	       rs->reboots, rs->restarts, rs->restart_reason);
}

static int cmd_stop(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__StopRequest rq = HULL__MONITOR__V1__STOP_REQUEST__INIT;
	cleanup_reply Hull__Monitor__V1__ExitRecord *rs = NULL;
	uint64_t timeout_ms = 0;

	if (c->n_words && take_number(c, UINT32_MAX, &timeout_ms, err) < 0)
		return -1;
	rq.timeout_ns = timeout_ms * HULL_NS_PER_MS;
	if (hullctl_call(c, "Stop", &rq, REPLY(monitor__v1__exit_record), &rs, err) < 0)
		return -1;
	print_exit(rs);
	return 0;
}

static int cmd_wait_vm(struct ctl *c, struct hull_error **err)
{
	Hull__Monitor__V1__WaitRequest rq = HULL__MONITOR__V1__WAIT_REQUEST__INIT;
	cleanup_reply Hull__Monitor__V1__ExitRecord *rs = NULL;

	if (hullctl_call(c, "Wait", &rq, REPLY(monitor__v1__exit_record), &rs, err) < 0)
		return -1;
	print_exit(rs);
	return 0;
}

/* Any method, with an empty request. */
static int cmd_call(struct ctl *c, struct hull_error **err)
{
	Hull__Agent__V1__Empty rq = HULL__AGENT__V1__EMPTY__INIT;

	return hullctl_call(c, hullctl_take_word(c), &rq, EMPTY, NULL, err);
}

/* ---- table ---- */

struct command {
	const char *service; /* NULL: without a connection */
	const char *name, *words;
	int least, most; /* words */
	int (*fn)(struct ctl *c, struct hull_error **err);
};

#define MANY 1000000

static const struct command commands[] = {
	{NULL, "start", "[--detached] [MEMBERS]", 0, 2, hullctl_start_vm},
	{NULL, "twice", "[MEMBERS]", 0, 1, hullctl_start_twice},
	{HEALTH, "health", "", 0, 0, cmd_health},
	{HEALTH, "version", "", 0, 0, cmd_version},
	{AGENT, "info", "", 0, 0, cmd_info},
	{AGENT, "list", "", 0, 0, cmd_list},
	{AGENT, "create", "ID [--tty] [--user USER] [--caps CAPS] ARGS...", 1, MANY, cmd_create},
	{AGENT, "start", "ID", 1, 1, cmd_start},
	{AGENT, "wait", "ID [--ready FILE]", 1, 3, cmd_wait},
	{AGENT, "signal", "ID NUMBER [--all]", 2, 3, cmd_signal},
	{AGENT, "resize", "ID ROWS COLUMNS", 3, 3, cmd_resize},
	{AGENT, "close-stdin", "ID", 1, 1, cmd_close_stdin},
	{AGENT, "attach", "ID [--no-replay] [--tty] [--stdin] [--ready FILE]", 1, 6, cmd_attach},
	{AGENT, "delete", "ID", 1, 1, cmd_delete},
	{AGENT, "exec", "ID [--stdin] ARGS...", 2, MANY, cmd_exec},
	{AGENT, "mount", "TYPE SOURCE TARGET [OPTIONS]", 3, 4, cmd_mount},
	{AGENT, "unmount", "[--detach] TARGET...", 1, MANY, cmd_unmount},
	{AGENT, "time", "NS", 1, 1, cmd_time},
	{AGENT, "entropy", "HEX", 1, 1, cmd_entropy},
	{AGENT, "poweroff", "[--reboot]", 0, 1, cmd_poweroff},
	{AGENT, "call", "METHOD", 1, 1, cmd_call},
	{MONITOR, "status", "", 0, 0, cmd_status},
	{MONITOR, "ready", "agent|network|NUMBER [MS] [--times N] [--waiting FILE]", 1, 6,
	 hullctl_ready},
	{MONITOR, "pause", "", 0, 0, cmd_pause},
	{MONITOR, "resume", "", 0, 0, cmd_resume},
	{MONITOR, "stop", "[MS]", 0, 1, cmd_stop},
	{MONITOR, "wait", "", 0, 0, cmd_wait_vm},
	{MONITOR, "screenshot", "FILE [SCREEN]", 1, 2, hullctl_screenshot},
	{MONITOR, "key", "KEY...", 1, MANY, hullctl_key},
	{MONITOR, "point", "[X Y] [press|release BUTTON]...", 0, MANY, hullctl_point},
	{MONITOR, "balloon", "BYTES", 1, 1, hullctl_balloon},
	{MONITOR, "call", "METHOD", 1, 1, cmd_call},
};

static const char *place(const struct command *cmd)
{
	return !cmd->service			? "hullctl"
	       : !strcmp(cmd->service, MONITOR) ? "hullctl control.sock"
						: "hullctl vsock.sock";
}

static int usage(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "%s %s %s\n", place(&commands[i]), commands[i].name,
			commands[i].words);
	return EXIT_USAGE;
}

static const struct command *find(const char *socket, const char *name, int n_words)
{
	bool control = socket && strstr(socket, "control.sock");

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *cmd = &commands[i];
		bool theirs = cmd->service && !strcmp(cmd->service, MONITOR);

		if (!socket == !cmd->service && control == theirs && !strcmp(cmd->name, name) &&
		    n_words >= cmd->least && n_words <= cmd->most)
			return cmd;
	}
	return NULL;
}

static int connect_to(struct ctl *c, struct hull_error **err)
{
	int fd = hull_unix_connect(c->socket);

	if (fd < 0)
		return hull_fail_errno(err, -fd, "connect to '%s'", c->socket);
	if (!strcmp(c->service, MONITOR))
		return hull_rpc_new(c->loop, fd, NULL, NULL, &c->rpc, err);
	return hull_rpc_new_guest(c->loop, fd, HULL_PORT_AGENT, NULL, NULL, &c->rpc, err);
}

static int run(struct ctl *c, const struct command *cmd, struct hull_error **err)
{
	c->service = cmd->service;
	if (hull_loop_new(&c->loop, err) < 0 || (c->service && connect_to(c, err) < 0))
		return -1;
	return cmd->fn(c, err);
}

int main(int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	bool socket = argc > 1 && strchr(argv[1], '/');
	int at = socket ? 2 : 1, r;
	struct ctl c = {.socket = socket ? argv[1] : NULL};
	const struct command *cmd;

	c.words = argv + at + 1;
	c.n_words = argc - at - 1;
	cmd = c.n_words < 0 ? NULL : find(c.socket, argv[at], c.n_words);
	if (!cmd)
		return usage();
	(void)signal(SIGPIPE, SIG_IGN);
	r = run(&c, cmd, &err);
	hull_rpc_free(c.rpc);
	hull_loop_free(c.loop);
	if (r == 0)
		return fflush(stdout) == 0 ? c.code : EXIT_OURS;
	fprintf(stderr, "hullctl: %s%s%s%s: %s\n", hull_code_name(hull_error_code(err)),
		*hull_error_cause(err) ? " [" : "", hull_error_cause(err),
		*hull_error_cause(err) ? "]" : "", hull_error_message(err));
	return EXIT_OURS;
}
