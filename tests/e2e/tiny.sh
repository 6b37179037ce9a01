# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The kernels of real QEMUs without a guest, idle.elf and reset.elf; to be sourced after functions.sh.
requires qemu-system-x86_64
tiny_kernel=${TINY_KERNEL:-$(dirname "$HULL")/tests/e2e/tiny-kernel}
"$tiny_kernel" idle.elf && "$tiny_kernel" reset.elf reset || fail "no kernels"
