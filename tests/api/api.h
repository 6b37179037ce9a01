/* SPDX-License-Identifier: Apache-2.0
 *
 * What the programs on libhull share: the handle on the store, calls that must work or fail, and
 * that nothing of the caller's is touched.
 */
#ifndef HULL_TESTS_API_H
#define HULL_TESTS_API_H

#include <dirent.h>
#include <errno.h>
#include <hull/hull.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CHECK(what)                                                                        \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

static struct hull_vms *vms;
static volatile sig_atomic_t children;
static unsigned int descriptors_before;

/* It must have failed, so. */
#define failed(...) failed_at(__LINE__, __VA_ARGS__)
static inline void failed_at(int line, int r, struct hull_error **err, int code, const char *cause)
{
	if (r == 0 || hull_error_code(*err) != code ||
	    (cause && strcmp(hull_error_cause(*err), cause) != 0)) {
		fprintf(stderr, "line %d should have failed as %s %s: %d, %s [%s] %s\n", line,
			hull_code_name(code), cause ? cause : "", r,
			hull_code_name(hull_error_code(*err)), hull_error_cause(*err),
			hull_error_message(*err));
		exit(1);
	}
	hull_error_free(*err);
	*err = NULL;
}

/* Only then is @err what the call made it. */
#define worked(call, err)                             \
	do {                                          \
		int worked_r = (call);                \
		worked_at(__LINE__, worked_r, (err)); \
	} while (0)
static inline void worked_at(int line, int r, struct hull_error *err)
{
	if (r == 0)
		return;
	fprintf(stderr, "line %d failed: %s [%s] %s\n", line, hull_code_name(hull_error_code(err)),
		hull_error_cause(err), hull_error_message(err));
	exit(1);
}

static inline void make(const char *text, const char *name, const char *label)
{
	struct hull_vm_label labels[] = {{"kind", label}};
	struct hull_create_options o = {
		.size = sizeof(o), .name = name, .labels = labels, .n_labels = label ? 1 : 0};
	struct hull_vm_config *config;
	struct hull_error *err = NULL;

	worked(hull_vm_config_from_json(text, strlen(text), HULL_DIALECT_HULL, &config, &err), err);
	worked(hull_vms_create(vms, config, &o, NULL, &err), err);
	hull_vm_config_free(config);
}

static inline uint32_t state_of(const char *ref)
{
	struct hull_error *err = NULL;
	struct hull_vm_info *info;
	uint32_t state;

	worked(hull_vms_inspect(vms, ref, NULL, &info, &err), err);
	state = info->state;
	hull_free(info);
	return state;
}

/* That VM "web" has. */
static inline size_t sessions(void)
{
	struct hull_session_info **list;
	struct hull_error *err = NULL;
	size_t n;

	worked(hull_vms_sessions(vms, "web", NULL, &list, &n, &err), err);
	hull_free(list);
	return n;
}

static inline unsigned int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static inline void on_child(int signo)
{
	(void)signo;
	children++;
}

static inline void begin(void)
{
	struct hull_error *err = NULL;

	descriptors_before = descriptors();
	signal(SIGCHLD, on_child);
	worked(hull_vms_new(&vms, &err), err);
}

static inline void end(void)
{
	hull_vms_free(vms);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	CHECK(!children);
	CHECK(descriptors() == descriptors_before);
	puts("good");
}

#endif
