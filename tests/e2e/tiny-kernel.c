/* SPDX-License-Identifier: Apache-2.0
 *
 * tiny-kernel FILE [reset]: a guest for real QEMUs that runs as soon as they do, and does nothing,
 * or resets the machine at once.
 */
#define _GNU_SOURCE
#include "unit/tinykernel.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	bool reset = argc == 3 && !strcmp(argv[2], "reset");
	int r;

	if (argc != 2 && !reset) {
		fprintf(stderr, "usage: tiny-kernel FILE [reset]\n");
		return 2;
	}
	r = tiny_kernel_write(argv[1], 0644, reset ? TINY_KERNEL_RESET : 0);
	if (r < 0)
		fprintf(stderr, "tiny-kernel: write '%s': %s\n", argv[1], strerror(-r));
	return r < 0;
}
