/* SPDX-License-Identifier: Apache-2.0
 *
 * A program on libhull and nothing else, which does with VMs of the mock backend what the library
 * promises: libhull-vms.sh runs it.
 */
#define _GNU_SOURCE
#include "api.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 6

#define MOCK(more) \
	"{\"version\":1,\"backend\":\"mock\",\"agent\":\"none\",\"memory\":\"64M\"" more "}"

static struct hull_cancel *alarmed;

/* ---- one VM ---- */

static void test_life(void)
{
	struct hull_verb_options brief = {.size = sizeof(brief), .stop_ms = 50};
	struct hull_error *err = NULL;
	struct hull_vm_info *info;

	make(MOCK(), "web", "front");
	worked(hull_vms_inspect(vms, "web", NULL, &info, &err), err);
	CHECK(info->size == sizeof(*info) && strlen(info->id) == 32 && !strcmp(info->name, "web"));
	CHECK(info->state == HULL_VM_STATE_CREATED && info->memory_bytes == 64 << 20 &&
	      info->vcpus == 1);
	CHECK(info->n_labels == 1 && !strcmp(info->labels[0].key, "kind") &&
	      !strcmp(info->labels[0].value, "front"));
	CHECK(!strcmp(info->backend, "mock") && !info->run_dir && !info->monitor_pid &&
	      !info->code && !*info->reason);
	CHECK(info->created_ns && !info->started_ns && strstr(info->config, "\"mock\""));
	hull_free(info);

	failed(hull_vms_pause(vms, "web", NULL, NULL, &err), &err, HULL_E_STATE, "not-running");
	worked(hull_vms_start(vms, "web", NULL, &info, &err), err);
	CHECK(info->state == HULL_VM_STATE_RUNNING && info->monitor_pid > 0 && info->run_dir &&
	      info->started_ns);
	CHECK(kill((pid_t)info->monitor_pid, 0) == 0);
	hull_free(info);
	worked(hull_vms_start(vms, "web", NULL, NULL, &err), err); /* already */
	failed(hull_vms_remove(vms, "web", NULL, &err), &err, HULL_E_STATE, "running");
	worked(hull_vms_pause(vms, "web", NULL, NULL, &err), err);
	CHECK(state_of("web") == HULL_VM_STATE_PAUSED);
	worked(hull_vms_resume(vms, "web", NULL, NULL, &err), err);
	worked(hull_vms_restart(vms, "web", &brief, &info, &err), err);
	CHECK(info->state == HULL_VM_STATE_RUNNING);
	hull_free(info);
	worked(hull_vms_stop(vms, "web", NULL, &info, &err), err);
	CHECK(info->state == HULL_VM_STATE_STOPPED && !strcmp(info->reason, "stopped") &&
	      !info->monitor_pid);
	hull_free(info);
	worked(hull_vms_remove(vms, "web", NULL, &err), err);
	failed(hull_vms_inspect(vms, "web", NULL, &info, &err), &err, HULL_E_NOT_FOUND, NULL);
}

static void test_written(void)
{
	struct hull_vm_label set[] = {{"kind", NULL}, {"new", "1"}}, wrong[] = {{"a", NULL}};
	struct hull_create_options o = {.size = sizeof(o), .name = "taken"};
	struct hull_vm_config *config;
	struct hull_error *err = NULL;
	struct hull_vm_event *events;
	struct hull_vm_info *info, **list;
	size_t n;

	make(MOCK(), "taken", "x");
	make(MOCK(), "other", NULL);
	failed(hull_vms_rename(vms, "other", "taken", &err), &err, HULL_E_EXISTS, NULL);
	failed(hull_vms_rename(vms, "other", "a b", &err), &err, HULL_E_INVALID, NULL);
	worked(hull_vms_rename(vms, "other", "further", &err), err);
	worked(hull_vms_update(vms, "taken", set, 2, &err), err);
	worked(hull_vms_inspect(vms, "taken", NULL, &info, &err), err);
	CHECK(info->n_labels == 1 && !strcmp(info->labels[0].key, "new"));
	hull_free(info);

	worked(hull_vm_config_from_json(MOCK(), strlen(MOCK()), HULL_DIALECT_HULL, &config, &err),
	       err);
	failed(hull_vms_create(vms, config, &o, NULL, &err), &err, HULL_E_EXISTS, NULL);
	o.name = NULL;
	o.labels = wrong;
	o.n_labels = 1;
	failed(hull_vms_create(vms, config, &o, NULL, &err), &err, HULL_E_INVALID, NULL);
	o.size = 1;
	failed(hull_vms_create(vms, config, &o, NULL, &err), &err, HULL_E_INVALID, NULL);
	hull_vm_config_free(config);

	worked(hull_vms_list(vms, NULL, &list, &n, &err), err);
	CHECK(n == 2 && !strcmp(list[0]->name, "taken") && !strcmp(list[1]->name, "further") &&
	      !list[2]);
	CHECK(!list[0]->config);
	hull_free(list);

	worked(hull_vms_events(vms, 0, 1000, &events, &n, &err), err);
	CHECK(n > 8 && !strcmp(events[0].kind, "created") && !strcmp(events[0].name, "web"));
	for (size_t i = 1; i < n; i++)
		CHECK(events[i].seq > events[i - 1].seq && events[i].time_ns);
	hull_free(events);
	worked(hull_vms_events(vms, 3, 2, &events, &n, &err), err);
	CHECK(n == 2 && events[0].seq == 4);
	hull_free(events);
}

/* ---- what can't be ---- */

static void test_refused(void)
{
	static const struct hull_vm_label bad[] = {
		{"", "v"},	{"k=l", "v"},	   {"a\nb", "v"}, {"k", "v\x01"},
		{"k\xff", "v"}, {"k", "\xc3\x28"}, {NULL, "v"},
	};
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	char id[33], shown[13];

	make(MOCK(), "named", NULL);
	worked(hull_vms_inspect(vms, "named", NULL, &info, &err), err);
	snprintf(id, sizeof(id), "%s", info->id);
	snprintf(shown, sizeof(shown), "%.12s", info->id);
	hull_free(info);
	failed(hull_vms_rename(vms, "named", shown, &err), &err, HULL_E_INVALID, "bad-name");
	failed(hull_vms_rename(vms, "named", id, &err), &err, HULL_E_INVALID, "bad-name");
	failed(hull_vms_rename(vms, "named", NULL, &err), &err, HULL_E_INVALID, "bad-name");
	worked(hull_vms_rename(vms, "named", "abcdef", &err), err);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		failed(hull_vms_update(vms, "abcdef", &bad[i], 1, &err), &err, HULL_E_INVALID,
		       NULL);
	worked(hull_vms_remove(vms, "abcdef", NULL, &err), err);

	failed(hull_vms_inspect(vms, NULL, NULL, &info, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_start(vms, NULL, NULL, NULL, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_rename(vms, NULL, "x", &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_update(vms, NULL, NULL, 0, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_wait(vms, NULL, NULL, NULL, &err), &err, HULL_E_INVALID, NULL);
}

/* ---- many ---- */

static void test_batch(void)
{
	const char *refs[] = {"taken", "nonesuch", "further", "taken"};
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	struct hull_vm_result *r;
	struct hull_error *err = NULL;

	failed(hull_vms_batch(vms, 0, refs, 4, NULL, &r, &err), &err, HULL_E_INVALID, NULL);
	failed(hull_vms_batch(vms, 99, refs, 4, NULL, &r, &err), &err, HULL_E_INVALID, NULL);
	worked(hull_vms_batch(vms, HULL_VMS_START, refs, 4, NULL, &r, &err), err);
	CHECK(r[0].info && !r[0].error && r[0].info->state == HULL_VM_STATE_RUNNING &&
	      !r[0].unchanged);
	CHECK(!r[1].info && !r[1].unchanged && hull_error_code(r[1].error) == HULL_E_NOT_FOUND);
	CHECK(r[2].info && !strcmp(r[2].info->name, "further"));
	CHECK(r[3].info && r[3].info != r[0].info && !strcmp(r[3].info->id, r[0].info->id));
	hull_vm_results_free(r, 4);
	worked(hull_vms_batch(vms, HULL_VMS_START, refs, 1, NULL, &r, &err), err);
	CHECK(r[0].info && r[0].unchanged);
	hull_vm_results_free(r, 1);
	worked(hull_vms_batch(vms, HULL_VMS_REMOVE, refs, 4, &force, &r, &err), err);
	for (size_t i = 0; i < 4; i++)
		CHECK(!r[i].info && !r[i].error);
	hull_vm_results_free(r, 4);
	worked(hull_vms_batch(vms, HULL_VMS_STOP, refs, 0, NULL, &r, &err), err);
	hull_vm_results_free(r, 0);
}

/* ---- deadlines, and giving up ---- */

static void *cancel_later(void *cancel)
{
	usleep(200000);
	hull_cancel(cancel);
	return NULL;
}

static void on_alarm(int signo)
{
	(void)signo;
	hull_cancel(alarmed);
}

static void test_cancel(void)
{
	struct hull_verb_options o = {.size = sizeof(o)};
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	pthread_t thread;

	make(MOCK(), "long", NULL);
	make(MOCK(",\"append\":[\"boot=60000\"]"), "slow", NULL);
	worked(hull_vms_start(vms, "long", NULL, NULL, &err), err);
	worked(hull_cancel_new(&o.cancel, &err), err);
	CHECK(pthread_create(&thread, NULL, cancel_later, o.cancel) == 0);
	failed(hull_vms_wait(vms, "long", &o, NULL, &err), &err, HULL_E_CANCELED, NULL);
	pthread_join(thread, NULL);
	/* And so it stays. */
	failed(hull_vms_stop(vms, "long", &o, NULL, &err), &err, HULL_E_CANCELED, NULL);
	failed(hull_vms_inspect(vms, "long", &o, &info, &err), &err, HULL_E_CANCELED, NULL);
	CHECK(state_of("long") == HULL_VM_STATE_RUNNING);
	hull_cancel_free(o.cancel);

	worked(hull_cancel_new(&o.cancel, &err), err);
	alarmed = o.cancel;
	signal(SIGALRM, on_alarm);
	alarm(1);
	failed(hull_vms_start(vms, "slow", &o, NULL, &err), &err, HULL_E_CANCELED, NULL);
	hull_cancel_free(o.cancel);
	o.cancel = NULL;
	o.timeout_ms = 300;
	failed(hull_vms_wait(vms, "long", &o, NULL, &err), &err, HULL_E_TIMEOUT, NULL);
	failed(hull_vms_start(vms, "slow", &o, NULL, &err), &err, HULL_E_TIMEOUT, NULL);
}

/* ---- threads: none waits for another, not even for one whose VM does not answer ---- */

static void *cycle(void *name)
{
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	struct hull_error *err = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		make(MOCK(), name, NULL);
		worked(hull_vms_start(vms, name, NULL, NULL, &err), err);
		CHECK(state_of(name) == HULL_VM_STATE_RUNNING);
		if (i % 2)
			worked(hull_vms_kill(vms, name, NULL, NULL, &err), err);
		worked(hull_vms_remove(vms, name, &force, &err), err);
	}
	return NULL;
}

static void *stop_frozen(void *name)
{
	struct hull_error *err = NULL;

	worked(hull_vms_stop(vms, name, NULL, NULL, &err), err);
	return NULL;
}

static void test_threads(void)
{
	static char names[THREADS][8];
	pthread_t threads[THREADS], frozen;
	struct hull_error *err = NULL;
	struct hull_vm_info *info;

	worked(hull_vms_inspect(vms, "long", NULL, &info, &err), err);
	CHECK(kill((pid_t)info->monitor_pid, SIGSTOP) == 0);
	hull_free(info);
	CHECK(pthread_create(&frozen, NULL, stop_frozen, (void *)"long") == 0);
	for (int i = 0; i < THREADS; i++) {
		snprintf(names[i], sizeof(names[i]), "t%d", i);
		CHECK(pthread_create(&threads[i], NULL, cycle, names[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(frozen, NULL);
	CHECK(state_of("long") == HULL_VM_STATE_STOPPED);
}

int main(void)
{
	struct hull_verb_options force = {.size = sizeof(force), .force = 1};
	struct hull_error *err = NULL;

	begin();
	test_life();
	test_written();
	test_refused();
	test_batch();
	test_cancel();
	test_threads();
	worked(hull_vms_remove(vms, "long", &force, &err), err);
	worked(hull_vms_remove(vms, "slow", &force, &err), err);
	worked(hull_vms_remove(vms, "nonesuch", &force, &err), err);
	hull_vms_free(NULL);
	end();
	return 0;
}
