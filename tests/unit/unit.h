/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test includes: cmocka with the headers it needs before it.
 */
#ifndef HULL_TESTS_UNIT_H
#define HULL_TESTS_UNIT_H

/* cmocka.h needs the others first. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
