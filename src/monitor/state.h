/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's inside, shared by its files: monitor.c (states and ends), restart.c (from an end to
 * another start), methods.c (what callers may ask), control.c (pause and resume), prepare.c (what a
 * VM needs before it starts), guest.c
 * (what the guest is told), ready.c (what has become ready, and who waits for it), typing.c (who
 * types at the console), timeline.c (what the start was made of), cgroups.c (its control groups),
 * devices.c (what the list of devices is connected to), screen.c (what callers may do with them),
 * stats.c (what they have done), nbd.c (the sockets of NBD servers), gdb.c (the socket for
 * debuggers), held.c (what becomes of a guest that has ended), panic.c (the memory of one that has
 * panicked), clock.c (the guest's time after a jump of the host's), explain.c (why it has ended).
 */
#ifndef HULL_MONITOR_STATE_H
#define HULL_MONITOR_STATE_H

#include "backend/backend.h"
#include "base/timeline.h"
#include "base/vec.h"
#include "config/config.h"
#include "monitor/console.h"
#include "monitor/dump.h"
#include "monitor/export.h"
#include "monitor/helper.h"
#include "monitor/ignition.h"
#include "monitor/lend.h"
#include "monitor/link.h"
#include "monitor/logger.h"
#include "monitor/monitor.h"
#include "monitor/net.h"
#include "monitor/relay.h"
#include "monitor/rpc.h"
#include "monitor/scratch.h"
#include "monitor/serial.h"
#include "monitor/server.h"
#include "monitor/share.h"
#include "monitor/timesync.h"
#include "monitor/vports.h"
#include "monitor/vsock.h"
#include "proto/ttrpc.h"

struct hull_ready_wait;	 /* in ready.c */
struct hull_typing_wait; /* in typing.c */
struct hull_rest_server;

enum hull_monitor_state {
	HULL_MONITOR_WAITING,
	HULL_MONITOR_STARTING,
	HULL_MONITOR_RUNNING,
	HULL_MONITOR_PAUSED,
	HULL_MONITOR_RESTARTING, /* has ended, and is going to start anew */
	HULL_MONITOR_STOPPING,	 /* for good */
	HULL_MONITOR_GONE,
};

/* What the hypervisor has been asked to do, and has not answered yet. */
enum hull_monitor_change { HULL_CHANGE_NONE, HULL_CHANGE_PAUSING, HULL_CHANGE_RESUMING };

struct hull_monitor {
	struct hull_loop *loop;
	void (*gone)(void *ctx);
	void *ctx;
	int lock_fd; /* owned: the run directory is ours while it is open */
	enum hull_monitor_state state;
	enum hull_monitor_change change;
	bool panicked; /* and held, to be dumped */
	struct hull_config config;
	struct hull_server *server;
	struct hull_rest_server *rest;		    /* NULL: the VM has none */
	struct hull_ttrpc_call *start_call;	    /* unanswered Start */
	HULL_VEC(struct hull_ttrpc_call *) waiters; /* unanswered Stop and Wait */
	struct hull_source *deadline; /* of the boot, then of a graceful stop; or the next try */
	uint64_t stop_by_ns;	      /* the latter's; 0: none was asked for */
	struct hull_source *finish;   /* tears down from the loop's bottom, not from a callback */
	/* Host CLOCK_MONOTONIC: Start came, hypervisor spawned, guest runs, agent greeted, Setup
	 * sent, guest set up. */
	uint64_t asked_ns, spawned_ns, runs_ns, greeted_ns, setup_ns, ready_ns;
	uint64_t up_ns;	  /* ready since then, this time; 0: not yet */
	uint32_t reboots; /* of the guest, in place */
	struct hull_restarts {
		uint32_t n;		/* how often it was started anew */
		unsigned int in_row;	/* of those, without having been up for long */
		uint64_t delay_ms;	/* before the next try */
		uint64_t next_at_ns;	/* when that comes, CLOCK_REALTIME; 0: none is waited for */
		char *reason, *message; /* why, the last time */
	} restarts;
	struct hull_timeline timeline; /* of the start, once ready */
	/* CLOCK_REALTIME, 0: not yet; the last two are halves of the network's. */
	uint64_t started_at_ns, agent_ready_at_ns, network_ready_at_ns;
	uint64_t configured_at_ns, carried_at_ns;
	struct hull_ready_wait *ready_waits; /* owned: unanswered Ready */
	size_t n_ready_waits;
	struct hull_typing_wait *typing_waits; /* owned: unanswered Console */
	size_t n_typing_waits;

	char *cgroup;	  /* path; NULL: none to be had */
	char *cpu_cgroup; /* path of a v1 group that bounds CPU time; NULL: none, or the above */
	struct hull_inst *inst;
	bool inst_running;
	HULL_VEC(struct hull_helper *) helpers; /* owned */
	struct hull_share_plan shares;		/* unless the hypervisor has exports */
	struct hull_exports exports;
	struct hull_scratch *scratch;
	struct hull_net *net;	/* NULL: the VM has no network */
	struct hull_relay *nbd; /* to the Unix sockets of NBD servers; NULL: needs none */
	bool without_passt;	/* it has been tried, and does not work here */
	struct hull_strv notes;
	struct hull_console *console;
	struct hull_logger *logger; /* of the console; outlives launches */
	HULL_VEC(int) handed;	    /* owned: what the starter has opened for devices, in order */
	struct hull_serial *serials[HULL_CONFIG_MAX_DEVICES]; /* NULL: no console of ours */
	size_t lagging;		/* consoles with readers, and a log, that do not have all yet */
	uint64_t balloon_bytes; /* that the guest has left; 0: not told yet */
	struct hull_dump *dump; /* NULL: none is wanted */
	char *dump_result;	/* what became of it, to be told with the end */
	uint64_t dump_bytes;	/* that are written so far */
	uint64_t progress_ns;	/* when it was last shown how far the dump has got; 0: never */
	struct hull_lent gdb, display; /* for debuggers, and for viewers of the guest's screens */
	struct hull_vports *vports;    /* NULL: the guest has no vsock device of ours */
	struct hull_ignition_server *ignition; /* NULL: nothing to serve */
	struct hull_timesync_client *timesync; /* NULL: nobody to tell */
	struct hull_vsock_link *vsock;	       /* NULL: the link is another one */
	uint8_t token[HULL_LINK_TOKEN_LEN];
	struct hull_source *lost; /* the link is, and the hypervisor should end now */
	struct hull_guest_link *link;
	struct hull_rpc *agent;
	unsigned int agent_version;
	int initrd_fd;		   /* what config.initrd names, where we have made it; else -1 */
	struct hull_source *clock; /* of the host, watched for jumps */
	int clock_fd;		   /* owned; -1: not watched */
	bool telling_time, tell_time_again;

	/* The end: set once, by whatever came first. */
	char *end_reason, *end_message, *end_hint;
	struct hull_error *start_error; /* what Start is answered with */
	int end_code, hypervisor_status;
	uint64_t exited_at_ns; /* CLOCK_REALTIME, once everything has been reaped */
};

/* Nothing that still runs changes what becomes of the VM. */
static inline bool hull_monitor_has_ended(const struct hull_monitor *m)
{
	return m->state >= HULL_MONITOR_RESTARTING;
}

/* ---- monitor.c ---- */
/* Every change of the state. */
void hull_monitor_enter(struct hull_monitor *m, enum hull_monitor_state next);
/* Everything down, for this reason; the first one counts. */
void hull_monitor_end(struct hull_monitor *m, const char *reason, const char *fmt, ...)
	HULL_PRINTF(3, 4);
/* The same, where an error tells why: its cause, if it has one, is the reason. */
void hull_monitor_end_because(struct hull_monitor *m, const char *reason,
			      const struct hull_error *why);
/* The same for a start that failed: takes *err, which Start is answered with. */
void hull_monitor_end_error(struct hull_monitor *m, const char *reason, struct hull_error **err);
/* The hypervisor or its helper has been reaped. */
void hull_monitor_child_ended(struct hull_monitor *m);
/* Everything down, since somebody wants it so: nothing brings it up again. */
void hull_monitor_cancel(struct hull_monitor *m, const char *reason, const char *message);
/* Kills what runs; on_finish() follows when all of it has been reaped. */
void hull_monitor_kill_children(struct hull_monitor *m);
/* What a launch has made. */
void hull_monitor_free_launch(struct hull_monitor *m);
/* Asks the guest to power off (by its agent, else by the machine's button); kills when @timeout_ns
 * has passed (0: at once). */
void hull_monitor_stop(struct hull_monitor *m, uint64_t timeout_ns);
/* The VM is ready: answers Start. */
/* Whether the guest has been paused, now, that was to be stopped meanwhile: resumes it. */
void hull_monitor_stop_goes_on(struct hull_monitor *m);
void hull_monitor_ready(struct hull_monitor *m);

/* ---- restart.c ---- */
/* Everything down, for another try at launching: only before the guest has greeted. */
void hull_monitor_relaunch(struct hull_monitor *m);
/* The VM has ended, and why has been recorded: if it is to be started anew that is begun. */
bool hull_monitor_restart(struct hull_monitor *m);
/* All of the old one has been reaped. */
void hull_monitor_await_restart(struct hull_monitor *m);
/* The time has come. */
void hull_monitor_start_anew(struct hull_monitor *m);
/* Adds to why it has ended how often it was started anew. */
void hull_monitor_tell_restarts(struct hull_monitor *m);

/* ---- explain.c ---- */
/* What can be done about an end for this reason with this message; NULL: nothing is known. */
const char *hull_monitor_hint(const struct hull_monitor *m, const char *reason,
			      const char *message);
/* The hypervisor was killed by SIGKILL, not by us: sets @err where the host's memory can be why. */
bool hull_monitor_short_of_memory(const struct hull_monitor *m, struct hull_error **err);
/* The guest has not greeted in time; sets @err. */
void hull_monitor_fail_silent(const struct hull_monitor *m, const char *console,
			      struct hull_error **err);

/* ---- cgroups.c ---- */
/* The paths our groups are going to have. */
int hull_monitor_plan_cgroups(struct hull_monitor *m, struct hull_error **err);
/* Makes them.  What is started from here on with *ret_fd (-1: none) is born in all of them. */
int hull_monitor_enter_cgroups(struct hull_monitor *m, int *ret_fd, struct hull_error **err);
/* Once everything has been started. */
int hull_monitor_leave_cgroups(struct hull_monitor *m, struct hull_error **err);
/* With all that is left in them. */
void hull_monitor_remove_cgroups(struct hull_monitor *m);

/* ---- methods.c ---- */
extern const struct hull_server_ops hull_monitor_methods;
void hull_monitor_reply(struct hull_ttrpc_call *call, const ProtobufCMessage *message);
void hull_monitor_refuse(struct hull_ttrpc_call *call, int code, const char *cause,
			 const char *message);
/* Answers Stop and Wait with the end, Start and Ready with the error. */
void hull_monitor_answer_end(struct hull_monitor *m);
/* Answers Start with success. */
void hull_monitor_answer_start(struct hull_monitor *m);
/* The ExitRecord as JSON, for exit.json; NULL without memory. */
char *hull_monitor_exit_json(const struct hull_monitor *m);

/* ---- control.c ---- */
/* Pauses or resumes; fails at once where that can't be.  @done may come when the VM has ended. */
int hull_monitor_pause(struct hull_monitor *m, bool pause, hull_inst_done_fn done, void *ctx,
		       struct hull_error **err);

/* ---- ready.c ---- */
/* The agent has been told all it needs. */
void hull_monitor_agent_ready(struct hull_monitor *m);
/* The guest has configured its network devices, so long ago. */
void hull_monitor_network_configured(struct hull_monitor *m, uint64_t ago_ns);
/* Whoever carries the network is up.  @ctx: the monitor. */
void hull_monitor_network_carried(void *ctx);
/* Whatever was ready is so no more: the guest begins anew. */
void hull_monitor_unready(struct hull_monitor *m);
/* Answers @call, later if need be: @network is ready, or else the agent.  timeout_ns 0: none. */
void hull_monitor_wait_ready(struct hull_monitor *m, struct hull_ttrpc_call *call, bool network,
			     uint64_t timeout_ns);
/* The VM has ended. */
void hull_monitor_fail_ready(struct hull_monitor *m);
/* That call is gone, whatever it was. */
void hull_monitor_forget_ready(struct hull_monitor *m, const struct hull_ttrpc_call *call);

/* ---- typing.c ---- */
void hull_monitor_console(struct hull_monitor *m, struct hull_ttrpc_call *call,
			  const ProtobufCMessage *request);
/* Another one writes at the console, or none.  @ctx: the monitor. */
void hull_monitor_writer_changed(void *ctx);
/* That call is gone, whatever it was. */
void hull_monitor_forget_typing(struct hull_monitor *m, const struct hull_ttrpc_call *call);

/* ---- devices.c ---- */
/* Listens for viewers of the guest's screens, if there are to be any. */
int hull_monitor_open_display(struct hull_monitor *m, struct hull_error **err);
/* Connects the list of devices; once for each launch, over which consoles go on. */
int hull_monitor_open_devices(struct hull_monitor *m, struct hull_backend_sockets *sockets,
			      struct hull_error **err);
/* The VM is ready: what its user has to know of them becomes notes. */
void hull_monitor_note_devices(struct hull_monitor *m);
/* The hypervisor has exited. */
void hull_monitor_drain_devices(struct hull_monitor *m);
/* How many of them have readers that do not have all yet; @drained follows for each. */
size_t hull_monitor_devices_lag(struct hull_monitor *m, void (*drained)(void *ctx), void *ctx);
void hull_monitor_close_devices(struct hull_monitor *m);

/* ---- screen.c ---- */
void hull_monitor_screenshot(struct hull_monitor *m, struct hull_ttrpc_call *call,
			     const ProtobufCMessage *request);
void hull_monitor_send_key(struct hull_monitor *m, struct hull_ttrpc_call *call,
			   const ProtobufCMessage *request);
void hull_monitor_point(struct hull_monitor *m, struct hull_ttrpc_call *call,
			const ProtobufCMessage *request);
void hull_monitor_balloon(struct hull_monitor *m, struct hull_ttrpc_call *call,
			  const ProtobufCMessage *request);

/* ---- stats.c ---- */
void hull_monitor_stats(struct hull_monitor *m, struct hull_ttrpc_call *call,
			const ProtobufCMessage *request);

/* ---- nbd.c ---- */
/* A directory with a socket of @uid's for each NBD device that is at a Unix socket; -1 where there
 * is none.  On *ret_dir as the hypervisor is to get it. */
int hull_monitor_relay_nbd(struct hull_monitor *m, uid_t uid, gid_t gid, int *ret_dir,
			   struct hull_error **err);

/* ---- gdb.c ---- */
/* Listens for debuggers, if the VM is to have one. */
int hull_monitor_open_gdb(struct hull_monitor *m, struct hull_error **err);
/* The guest has been stopped or let go on.  While it starts under a debugger its deadline counts
 * only as long as it runs, and from the beginning each time. */
void hull_monitor_gdb_paused(struct hull_monitor *m, bool paused);

/* ---- clock.c ---- */
/* From now on the guest is told of jumps of the host's clock. */
void hull_monitor_watch_clock(struct hull_monitor *m);
void hull_monitor_unwatch_clock(struct hull_monitor *m);
/* Its clock may be wrong. */
void hull_monitor_tell_time(struct hull_monitor *m);

/* ---- held.c ---- */
/* The guest has ended; if the hypervisor holds it, it is let go sooner or later, or reset. */
void hull_monitor_held(struct hull_monitor *m, enum hull_end end);
/* It has been reset, and is going to run. */
void hull_monitor_rebooted(struct hull_monitor *m);

/* ---- panic.c ---- */
/* Makes the way for a dump, if there may be one: the hypervisor's end of it. */
int hull_monitor_open_dump(struct hull_monitor *m, int *ret_fd, struct hull_error **err);
/* The guest that is held has panicked: its memory is written, then the hypervisor killed. */
void hull_monitor_dump_guest(struct hull_monitor *m);

/* ---- record.c ---- */
/* Writes monitor.json, before there is anything that it tells of. */
int hull_monitor_record(const struct hull_monitor *m, struct hull_error **err);
/* The same with the sockets at the user's places, once they have been made. */
int hull_monitor_record_sockets(const struct hull_monitor *m, struct hull_error **err);

/* ---- timeline.c ---- */
/* The guest has answered Setup so. */
void hull_monitor_timeline_guest(struct hull_monitor *m, const void *setup_response);
/* Nobody in the guest tells anything. */
void hull_monitor_timeline_no_guest(struct hull_monitor *m);

/* ---- prepare.c ---- */
/* What the link is going to lead to begins anew. */
int hull_monitor_renew_link(struct hull_monitor *m, struct hull_error **err);
/* Spec to config; sockets, cgroup, monitor.json; share, hypervisor, link, console: everything that
 * Start does up to the point where only events remain. */
int hull_monitor_prepare(struct hull_monitor *m, const void *spec, size_t len,
			 struct hull_error **err);

/* The last part of it, with a throwaway disk that is empty again; can be repeated once all it made
 * has been freed. */
int hull_monitor_launch(struct hull_monitor *m, struct hull_error **err);
/* From now on it has so long to become ready; under a debugger, once that lets the guest run. */
void hull_monitor_await_boot(struct hull_monitor *m);

/* ---- guest.c ---- */
/* Asks the agent to have programs end within @grace_ns, to sync and to power off; the hypervisor's
 * exit tells that it did. */
void hull_monitor_power_off_guest(struct hull_monitor *m, uint64_t grace_ns);
/* The agent has greeted: tells it what the VM needs; ready or the end follow. */
void hull_monitor_setup_guest(struct hull_monitor *m);
/* The guest is no more, and nobody answers what it has been asked. */
void hull_monitor_forget_guest(struct hull_monitor *m);

#endif
