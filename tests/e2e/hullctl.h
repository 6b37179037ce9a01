/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of hullctl share.
 */
#ifndef HULL_TESTS_HULLCTL_H
#define HULL_TESTS_HULLCTL_H

#include "base/loop.h"
#include "monitor/rpc.h"

#include <stdbool.h>

#define HULLCTL_MONITOR "hull.monitor.v1.Monitor"
#define HULLCTL_CALL_MS 60000

struct ctl {
	struct hull_loop *loop;
	struct hull_rpc *rpc;
	const char *socket, *service;
	char **words; /* after the command, ended by NULL */
	int n_words;
	int code; /* exit code on success */
};

/* A blocking call of c->service; *ret_reply (may be NULL) is the caller's. */
int hullctl_call(struct ctl *c, const char *method, const void *request,
		 const ProtobufCMessageDescriptor *type, void *ret_reply, struct hull_error **err);
/* Takes the word away if it is the next one. */
bool hullctl_take_flag(struct ctl *c, const char *flag);
char *hullctl_take_word(struct ctl *c);

/* ---- hullctl-vm.c ---- */
int hullctl_start_vm(struct ctl *c, struct hull_error **err);
int hullctl_start_twice(struct ctl *c, struct hull_error **err);
int hullctl_ready(struct ctl *c, struct hull_error **err);

/* ---- hullctl-devices.c ---- */
int hullctl_screenshot(struct ctl *c, struct hull_error **err);
int hullctl_key(struct ctl *c, struct hull_error **err);
int hullctl_point(struct ctl *c, struct hull_error **err);
int hullctl_balloon(struct ctl *c, struct hull_error **err);

#endif
