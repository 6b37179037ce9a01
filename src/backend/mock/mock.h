/* SPDX-License-Identifier: Apache-2.0
 *
 * A backend without a hypervisor: the process that stands for one, hull-mock (main.c), does what
 * the words of the description's "append" say, so that what can go wrong with a VM goes wrong in
 * milliseconds, and by request.  Nobody boots in it; it has no agent, no devices and no network.
 *
 *   boot=MS         runs after so long (0)
 *   silent          never says that it runs
 *   fail=TEXT       ends with status 1 before it runs, after printing TEXT
 *   end=KIND[:MS]   ends so long after it runs: shutdown, reboot, panic, or die (status 3)
 *   off=MS          powers off so long after it was asked to (0)
 *   deaf            does not power off when it is asked to
 *   stuck           never pauses
 *
 * hull-mock has the socket on descriptor 3; both sides send lines:
 *   to it: pause, resume, powerdown, quit        from it: running, paused, resumed, end KIND
 */
#ifndef HULL_BACKEND_MOCK_MOCK_H
#define HULL_BACKEND_MOCK_MOCK_H

#include "backend/backend.h"

extern const struct hull_backend_ops hull_mock_backend;

#endif
