/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host offers: a QEMU, KVM or not, and a time stamp counter of known frequency.  Nothing
 * here starts a process.
 */
#ifndef HULL_BACKEND_QEMU_PROBE_H
#define HULL_BACKEND_QEMU_PROBE_H

#include "base/error.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* @configured, or if that is NULL the first of @names (ended by NULL; a name with a slash is a
 * path) found in the PATH of the environment.  Caller frees *ret_path. */
int hull_find_program(const char *configured, const char *const *names, char **ret_path,
		      struct hull_error **err);
/* The QEMU for @arch. */
int hull_qemu_find(const char *configured, enum hull_arch arch, char **ret_path,
		   struct hull_error **err);

/* What /dev/kvm and the processor say. */
struct hull_kvm_facts {
	int open_errnum; /* 0: it opens read-write for us */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	int api_version; /* -1: does not answer */
	bool vmx, svm;	 /* what a KVM that runs stock kernels needs one of */
	bool foreign;	 /* the guest is of another architecture than the host */
};
void hull_kvm_gather(struct hull_kvm_facts *ret_facts);

/* Who QEMU will be. */
struct hull_accel_user {
	bool other; /* not who we are */
	uid_t uid;
	gid_t gid;
};
struct hull_accel_choice {
	enum hull_accel accel;
	bool in_turn; /* emulated processors run one at a time, see version.h */
	bool set_gid; /* QEMU needs this group to open /dev/kvm */
	gid_t gid;
	char reason[160]; /* one line, for people */
};
/* Pure.  Fails only where @wanted is KVM and the facts are against it. */
int hull_accel_choose(enum hull_accel wanted, const struct hull_kvm_facts *facts,
		      const struct hull_accel_user *user, struct hull_accel_choice *ret_choice,
		      struct hull_error **err);

/* The frequency of the time stamp counter: asked of the processor where that knows, otherwise
 * measured between two calls, to about 3 ppm. */
struct hull_tsc {
	uint64_t khz; /* known already */
	uint64_t ticks, ns;
};
void hull_tsc_start(struct hull_tsc *tsc);
/* In kHz, or 0 if the counter is not constant.  Spins out what is left of 2 ms since the start. */
uint64_t hull_tsc_finish(const struct hull_tsc *tsc);

#endif
