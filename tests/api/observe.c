/* SPDX-License-Identifier: Apache-2.0
 *
 * A program on libhull and nothing else, which looks at VMs that boot, and at what is left of
 * others: libhull-observe.sh runs it.
 */
#define _GNU_SOURCE
#include "api.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ORPHAN "0123456789abcdef0123456789abcdef"

static char *in_home(const char *path)
{
	char *whole;

	CHECK(asprintf(&whole, "%s/%s", getenv("HULL_HOME"), path) > 0);
	return whole;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- what VMs use ---- */

static void test_stats(void)
{
	struct hull_vm_counters **before, **after;
	struct hull_error *err = NULL;
	size_t n;

	worked(hull_vms_stats(vms, NULL, NULL, &before, &n, &err), err);
	CHECK(n == 2 && !before[2]);
	for (size_t i = 0; i < n; i++) {
		const struct hull_vm_counters *c = before[i];

		CHECK(c->size == sizeof(*c) && strlen(c->id) == 32 && !c->code && !*c->message);
		CHECK(c->state == HULL_VM_STATE_RUNNING && c->cpu_ns && c->at_ns);
		CHECK(c->processes >= 2 && c->has_disks);
		CHECK(c->private_bytes + c->shared_bytes > 30 << 20);
	}
	CHECK(!strcmp(before[0]->name, "web") && !strcmp(before[1]->name, "bare"));
	CHECK(before[0]->has_guest && before[0]->guest_total_bytes > 150 << 20 &&
	      before[0]->guest_total_bytes <= 256 << 20 && before[0]->guest_available_bytes &&
	      before[0]->guest_available_bytes < before[0]->guest_total_bytes);
	CHECK(!before[1]->has_guest && !before[1]->guest_total_bytes);
	worked(hull_vms_stats(vms, "web", NULL, &after, &n, &err), err);
	CHECK(n == 1 && !after[1] && !strcmp(after[0]->id, before[0]->id));
	CHECK(after[0]->at_ns > before[0]->at_ns && after[0]->cpu_ns >= before[0]->cpu_ns);
	hull_free(before);
	hull_free(after);
	failed(hull_vms_stats(vms, "still", NULL, &after, &n, &err), &err, HULL_E_STATE,
	       "not-running");
	failed(hull_vms_stats(vms, "nonesuch", NULL, &after, &n, &err), &err, HULL_E_NOT_FOUND,
	       NULL);
}

/* A monitor that does not answer costs two seconds, and nobody else's figures. */
static void test_stats_of_frozen(void)
{
	struct hull_verb_options brief = {.size = sizeof(brief), .timeout_ms = 500};
	struct hull_vm_counters **c;
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	uint64_t began;
	size_t n;

	worked(hull_vms_inspect(vms, "bare", NULL, &info, &err), err);
	CHECK(kill((pid_t)info->monitor_pid, SIGSTOP) == 0);
	began = now_ms();
	worked(hull_vms_stats(vms, NULL, &brief, &c, &n, &err), err);
	CHECK(now_ms() - began < 2000);
	CHECK(n == 2 && c[0]->has_disks && !c[0]->code);
	CHECK(!c[1]->has_disks && c[1]->code == HULL_E_TIMEOUT && *c[1]->message && c[1]->cpu_ns);
	hull_free(c);
	CHECK(kill((pid_t)info->monitor_pid, SIGCONT) == 0);
	hull_free(info);
	worked(hull_cancel_new(&brief.cancel, &err), err);
	hull_cancel(brief.cancel);
	failed(hull_vms_stats(vms, NULL, &brief, &c, &n, &err), &err, HULL_E_CANCELED, NULL);
	hull_cancel_free(brief.cancel);
}

/* ---- what is on disks ---- */

static void test_df(void)
{
	static const char *const kinds[] = {"store", "volumes", "guest", "run", "logs"};
	struct hull_disk_usage **u;
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	size_t n, runs = 0;

	worked(hull_vms_inspect(vms, "web", NULL, &info, &err), err);
	worked(hull_vms_df(vms, &u, &n, &err), err);
	CHECK(n == 5 && !u[5]);
	for (size_t i = 0; i < n; i++) {
		CHECK(u[i]->size == sizeof(*u[i]) && !strcmp(u[i]->kind, kinds[i]));
		CHECK(*u[i]->path == '/' && !u[i]->code && !*u[i]->message);
	}
	CHECK(u[0]->bytes && u[0]->n_items && u[2]->bytes > 1 << 20);
	for (size_t i = 0; i < u[3]->n_items; i++)
		runs += !strncmp(u[3]->items[i].name, info->id, 12);
	CHECK(runs == 1 && u[3]->n_items == 2);
	hull_free(u);
	hull_free(info);
}

/* ---- what is left ---- */

static void nothing_left(void)
{
	struct hull_leftover *l;
	struct hull_error *err = NULL;
	size_t n;

	worked(hull_vms_gc(vms, NULL, &l, &n, &err), err);
	CHECK(n == 0);
	hull_free(l);
}

static void test_gc(void)
{
	struct hull_vms_gc_options o = {.size = sizeof(o), .dry_run = 1};
	char *orphan = in_home("log/vm/" ORPHAN);
	struct hull_leftover *l;
	struct hull_error *err = NULL;
	size_t n;

	nothing_left();
	CHECK(mkdir(orphan, 0700) == 0);
	for (int dry = 1; dry >= 0; dry--) {
		o.dry_run = (uint64_t)dry;
		worked(hull_vms_gc(vms, &o, &l, &n, &err), err);
		CHECK(n == 1 && !strcmp(l->kind, "log") && strstr(l->what, ORPHAN) && *l->why);
		CHECK(l->result == (dry ? HULL_LEFTOVER_WOULD : HULL_LEFTOVER_COLLECTED));
		CHECK(!l->code && !*l->message && !*l->vm);
		CHECK((access(orphan, F_OK) == 0) == dry);
		hull_free(l);
	}
	nothing_left();
	CHECK(mkdir(orphan, 0700) == 0);
	worked(hull_cancel_new(&o.cancel, &err), err);
	hull_cancel(o.cancel);
	failed(hull_vms_gc(vms, &o, &l, &n, &err), &err, HULL_E_CANCELED, NULL);
	hull_cancel_free(o.cancel);
	CHECK(rmdir(orphan) == 0);
	o.size = 1;
	failed(hull_vms_gc(vms, &o, &l, &n, &err), &err, HULL_E_INVALID, NULL);
	free(orphan);
}

int main(void)
{
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	struct hull_error *err = NULL;

	begin();
	make("{\"version\":1,\"memory\":\"256M\"}", "web", NULL);
	make("{\"version\":1,\"memory\":\"256M\",\"agent\":\"none\"}", "bare", NULL);
	make("{\"version\":1,\"memory\":\"256M\"}", "still", NULL);
	worked(hull_vms_start(vms, "bare", NULL, NULL, &err), err);
	worked(hull_vms_start(vms, "web", NULL, NULL, &err), err);
	test_stats();
	test_stats_of_frozen();
	test_df();
	test_gc();
	worked(hull_vms_remove(vms, "web", &force, &err), err);
	worked(hull_vms_remove(vms, "bare", &force, &err), err);
	worked(hull_vms_remove(vms, "still", &force, &err), err);
	end();
	return 0;
}
