/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - declares every kernel of this build, from kernels.def.
 *
 * Included by the kernels themselves (so that a definition which differs from its field in struct
 * rlv_kernels does not compile) and by dispatch.c; the library calls through the tables only.
 */
#ifndef RLV_KERNELS_LIST_H
#define RLV_KERNELS_LIST_H

#include "kernels.h"

#if defined(__x86_64__)
#define RLV_X86 1
#else
#define RLV_X86 0
#endif
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#define RLV_ARM 1
#else
#define RLV_ARM 0
#endif

/* A kernel has the type that its field of struct rlv_kernels points to. */
#define RLV_DECLARE(field, isa) __typeof__(*((struct rlv_kernels *)0)->field) rlv_##field##_##isa;

#if RLV_X86
#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    RLV_DECLARE(field, scalar)                                                                     \
    RLV_DECLARE(field, avx2) RLV_DECLARE(field, avx512) RLV_DECLARE(field, avx512vnni)             \
    RLV_DECLARE(field, amx)
#elif RLV_ARM
#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    RLV_DECLARE(field, scalar)                                                                     \
    RLV_DECLARE(field, neon) RLV_DECLARE(field, neondot) RLV_DECLARE(field, neoni8mm)
#else
#define RLV_KERNEL(field, scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)          \
    RLV_DECLARE(field, scalar)
#endif
#include "kernels.def"
#undef RLV_KERNEL

/* For loops of constant count over arrays that must end up in registers. */
#if defined(__clang__)
#define RLV_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define RLV_UNROLL _Pragma("GCC unroll 16")
#else
#define RLV_UNROLL
#endif

#endif /* RLV_KERNELS_LIST_H */
