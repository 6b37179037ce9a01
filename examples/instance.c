/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM that belongs to this process: started in a directory, asked whether it is well, and shut
 * down.
 *
 *	cc instance.c $(pkg-config --cflags --libs libhull) && mkdir state && ./a.out state
 */
#include <hull/hull.h>
#include <stdio.h>
#include <string.h>

static int failed(const char *what, struct hull_error *err)
{
	fprintf(stderr, "%s: %s (%s)\n", what, hull_error_message(err),
		hull_code_name(hull_error_code(err)));
	if (*hull_error_hint(err))
		fprintf(stderr, "hint: %s\n", hull_error_hint(err));
	hull_error_free(err);
	return 1;
}

/* grpc.HealthCheckResponse: field 1 is 1 (SERVING). */
static int ask(struct hull_instance *instance)
{
	struct hull_client *client = hull_instance_client(instance);
	struct hull_error *err = NULL;
	unsigned char *reply;
	void *message;
	size_t len;

	if (hull_client_call(client, "grpc.Health", "Check", NULL, 0, NULL, &message, &len, &err) <
	    0)
		return failed("call", err);
	reply = (unsigned char *)message;
	printf("the agent is %s\n", len == 2 && reply[0] == 8 && reply[1] == 1 ? "well" : "ill");
	hull_free(message);
	return 0;
}

static int live(struct hull_instance *instance)
{
	struct hull_error *err = NULL;
	int status;

	if (hull_instance_set_cpu_and_memory(instance, 1, 256, &err) < 0)
		return failed("resources", err);
	if (hull_instance_start(instance, NULL, &err) < 0)
		return failed("start", err);
	status = ask(instance);
	if (hull_instance_shutdown(instance, NULL, &err) < 0)
		return failed("shutdown", err);
	return status;
}

int main(int argc, char **argv)
{
	struct hull_instance *instance;
	struct hull_manager *manager;
	struct hull_error *err = NULL;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (hull_manager_new(&manager, &err) < 0)
		return failed("settings", err);
	if (hull_instance_new(manager, argv[1], &instance, &err) < 0) {
		status = failed("instance", err);
	} else {
		status = live(instance);
		hull_instance_free(instance);
	}
	hull_manager_free(manager);
	return status;
}
