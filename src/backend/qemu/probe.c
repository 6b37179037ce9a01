/* SPDX-License-Identifier: Apache-2.0
 *
 * The facts of probe.h, gathered by system calls and the CPUID instruction.
 */
#define _GNU_SOURCE
#include "backend/qemu/probe.h"

#include "backend/qemu/arch.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/program.h"
#include "base/strbuf.h"

#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <x86intrin.h>

#define KVM_PATH "/dev/kvm"

#define CPUID_1_ECX_VMX (1U << 5)
#define CPUID_1_ECX_HYPERVISOR (1U << 31)
#define CPUID_80000001_ECX_SVM (1U << 2)
#define CPUID_80000007_EDX_INVARIANT_TSC (1U << 8)
/* EAX: the TSC's frequency in kHz, by an agreement among hypervisors. */
#define CPUID_HYPERVISOR_TIMING 0x40000010

#define TSC_LEAST_NS UINT64_C(2000000)
#define TSC_LEAST_KHZ 100000
#define TSC_MOST_KHZ 10000000

int hull_find_program(const char *configured, const char *const *names, char **ret_path,
		      struct hull_error **err)
{
	char *path = NULL;
	int r;

	if (configured && !hull_program_is(configured))
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-program",
				       "'%s' is not a program", configured);
	for (const char *const *n = names; !configured && *n; n++) {
		if (strchr(*n, '/')) {
			if (hull_program_is(*n))
				configured = *n;
			continue;
		}
		r = hull_program_search(*n, &path);
		if (r < 0)
			return hull_fail_nomem(err);
		if (r > 0) {
			*ret_path = path;
			return 0;
		}
	}
	if (!configured)
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-program",
				       "program '%s' not found", *names);
	path = strdup(configured);
	if (!path)
		return hull_fail_nomem(err);
	*ret_path = path;
	return 0;
}

int hull_qemu_find(const char *configured, enum hull_arch arch, char **ret_path,
		   struct hull_error **err)
{
	const struct hull_qemu_arch *a = hull_qemu_arch(arch);

	if (hull_find_program(configured, a->binaries, ret_path, err) == 0)
		return 0;
	if (!configured)
		hull_hint(err, "install QEMU: on Debian, apt install %s", a->package);
	return -1;
}

void hull_kvm_gather(struct hull_kvm_facts *ret_facts)
{
	cleanup_close int fd = open(KVM_PATH, O_RDWR | O_CLOEXEC);
	struct hull_kvm_facts f = {.open_errnum = fd < 0 ? errno : 0, .api_version = -1};
	unsigned int a, b, c = 0, d;
	struct stat st;

	if (stat(KVM_PATH, &st) == 0) {
		f.mode = st.st_mode & 07777;
		f.uid = st.st_uid;
		f.gid = st.st_gid;
	}
	if (fd >= 0)
		f.api_version = ioctl(fd, KVM_GET_API_VERSION, 0);
	f.vmx = __get_cpuid(1, &a, &b, &c, &d) && c & CPUID_1_ECX_VMX;
	f.svm = __get_cpuid(0x80000001, &a, &b, &c, &d) && c & CPUID_80000001_ECX_SVM;
	*ret_facts = f;
}

struct obstacle {
	int code; /* 0: none */
	const char *text;
};

/* Whether @user may open the device by its mode, and with the help of which group. */
static bool lets_in(const struct hull_kvm_facts *f, const struct hull_accel_user *user,
		    bool *ret_set_gid)
{
	if (!user->other)
		return true;
	if (f->uid == user->uid)
		return (f->mode & 0600) == 0600;
	if ((f->mode & 0006) == 0006)
		return true;
	/* Group 0 owns too much to be lent to a hypervisor. */
	if ((f->mode & 0060) != 0060 || f->gid == 0)
		return false;
	*ret_set_gid = f->gid != user->gid;
	return true;
}

static struct obstacle kvm_obstacle(const struct hull_kvm_facts *f,
				    const struct hull_accel_user *user, bool *ret_set_gid)
{
	int e = f->open_errnum;

	*ret_set_gid = false;
	if (f->foreign)
		return (struct obstacle){HULL_E_UNSUPPORTED,
					 "the guest is of another architecture than the host"};
	if (e == ENOENT || e == ENODEV || e == ENXIO)
		return (struct obstacle){HULL_E_UNAVAILABLE, "there is no " KVM_PATH};
	if (!f->vmx && !f->svm)
		return (struct obstacle){HULL_E_UNAVAILABLE,
					 "the processor shows neither vmx nor svm"};
	if (e == EACCES || e == EPERM)
		return (struct obstacle){HULL_E_DENIED, "no permission to open " KVM_PATH};
	if (e)
		return (struct obstacle){HULL_E_UNAVAILABLE, KVM_PATH " does not open"};
	if (f->api_version != KVM_API_VERSION)
		return (struct obstacle){HULL_E_UNAVAILABLE,
					 KVM_PATH " does not speak version 12 of its interface"};
	if (!lets_in(f, user, ret_set_gid))
		return (struct obstacle){HULL_E_DENIED,
					 KVM_PATH " is closed to unprivileged users"};
	return (struct obstacle){0};
}

int hull_accel_choose(enum hull_accel wanted, const struct hull_kvm_facts *facts,
		      const struct hull_accel_user *user, struct hull_accel_choice *ret_choice,
		      struct hull_error **err)
{
	struct hull_accel_choice c = {.accel = HULL_ACCEL_TCG, .gid = facts->gid};
	struct obstacle o = kvm_obstacle(facts, user, &c.set_gid);

	if (wanted == HULL_ACCEL_KVM && o.code) {
		(void)hull_fail_cause(err, o.code, "kvm", "accelerator 'kvm': %s", o.text);
		hull_hint(err, o.code == HULL_E_DENIED ? "let a group such as 'kvm', with you in "
							 "it, read and write " KVM_PATH
							 "; or emulate: --accel tcg"
						       : "emulate instead: --accel tcg");
		return -1;
	}
	if (wanted != HULL_ACCEL_TCG && !o.code)
		c.accel = HULL_ACCEL_KVM;
	if (wanted != HULL_ACCEL_AUTO)
		snprintf(c.reason, sizeof(c.reason), "%s, as asked for", hull_accel_names[c.accel]);
	else if (o.code)
		snprintf(c.reason, sizeof(c.reason), "tcg, because %s", o.text);
	else
		snprintf(c.reason, sizeof(c.reason), "kvm, because " KVM_PATH " works");
	c.set_gid = c.set_gid && c.accel == HULL_ACCEL_KVM;
	*ret_choice = c;
	return 0;
}

static bool plausible(uint64_t khz)
{
	return khz >= TSC_LEAST_KHZ && khz <= TSC_MOST_KHZ;
}

/* What the processor, or the hypervisor we run under, says; 0 if it does not. */
static uint64_t known_khz(void)
{
	unsigned int a, b, c, d;
	uint64_t khz = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & CPUID_1_ECX_HYPERVISOR) {
		/* Not the crystal's leaf, which may describe the machine below. */
		__cpuid(0x40000000, a, b, c, d);
		if (a >= CPUID_HYPERVISOR_TIMING && a < CPUID_HYPERVISOR_TIMING + 0x100) {
			__cpuid(CPUID_HYPERVISOR_TIMING, a, b, c, d);
			khz = a;
		}
	} else if (__get_cpuid(0x15, &a, &b, &c, &d) && a && b && c) {
		khz = (uint64_t)c * b / a / 1000;
	}
	return plausible(khz) ? khz : 0;
}

/* Whether the counter ticks at one rate on all processors, as far as processor and kernel tell. */
static bool is_constant(void)
{
	static const char *const unlike[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies"};
	cleanup_strbuf struct hull_strbuf source = HULL_STRBUF_INIT;
	unsigned int a, b, c, d;

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & CPUID_80000007_EDX_INVARIANT_TSC))
		return false;
	if (hull_file_read("/sys/devices/system/clocksource/clocksource0/current_clocksource", 64,
			   &source) < 0)
		return true; /* no /sys: the processor's word must do */
	for (size_t i = 0; i < ARRAY_SIZE(unlike); i++)
		if (!strncmp(hull_strbuf_str(&source), unlike[i], strlen(unlike[i])))
			return false;
	return true;
}

/* The counter and the clock at the same moment: the closest of a few readings. */
static void read_both(uint64_t *ret_ticks, uint64_t *ret_ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t before = __rdtsc(), after;
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		after = __rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		*ret_ticks = before + best / 2;
		*ret_ns = (uint64_t)ts.tv_sec * HULL_NS_PER_S + (uint64_t)ts.tv_nsec;
	}
}

void hull_tsc_start(struct hull_tsc *tsc)
{
	*tsc = (struct hull_tsc){0};
	if (!is_constant())
		return;
	tsc->khz = known_khz();
	if (!tsc->khz)
		read_both(&tsc->ticks, &tsc->ns);
}

uint64_t hull_tsc_finish(const struct hull_tsc *tsc)
{
	uint64_t ticks, ns, khz;

	if (tsc->khz || !tsc->ns)
		return tsc->khz;
	do
		read_both(&ticks, &ns);
	while (ns - tsc->ns < TSC_LEAST_NS);
	ticks -= tsc->ticks;
	ns -= tsc->ns;
	/* The product below must not overflow; a minute is precise enough. */
	for (; ns > 60 * HULL_NS_PER_S; ns /= 2)
		ticks /= 2;
	khz = (ticks * 1000000 + ns / 2) / ns;
	return plausible(khz) ? khz : 0;
}
