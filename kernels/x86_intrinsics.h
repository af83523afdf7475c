/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86_intrinsics.h - the compiler's intrinsics, or SIMDe's emulation of them (make SIMDE=1), by
 * which the AVX-512 kernels can be tested on any x86.
 */
#ifndef RLV_X86_INTRINSICS_H
#define RLV_X86_INTRINSICS_H

#if defined(RLV_SIMDE) && RLV_SIMDE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/avx2.h>
#include <simde/x86/fma.h>
#else
#include <immintrin.h>
#endif

#endif /* RLV_X86_INTRINSICS_H */
