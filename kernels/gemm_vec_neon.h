/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_vec_neon.h - a vector of 4 for the templates gemm_*.inc: four registers are a panel.
 */
#ifndef RLV_GEMM_VEC_NEON_H
#define RLV_GEMM_VEC_NEON_H

/* GCC 12 would schedule before it gives out registers: it pulls the loads of a whole unrolled loop
 * to its top and then spills a third of the sums.  This stands before all functions, since
 * always-inline ones do not mix with different options. */
#if !defined(__clang__)
#pragma GCC optimize("no-schedule-insns")
#endif

#include "gemm_common.h"

#include <arm_neon.h>
#include <string.h>

#define LANES 4
typedef int32x4_t vi;
typedef float32x4_t vf;

GEMM_INLINE vi vi_zero(void) { return vdupq_n_s32(0); }
GEMM_INLINE vi vi_load(const int32_t *p) { return vld1q_s32(p); }
GEMM_INLINE vi vi_set1(int32_t x) { return vdupq_n_s32(x); }
GEMM_INLINE vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
GEMM_INLINE vi vi_sub(vi a, vi b) { return vsubq_s32(a, b); }
GEMM_INLINE vi vi_mul(vi a, vi b) { return vmulq_s32(a, b); }
GEMM_INLINE vf vi_to_f32(vi a) { return vcvtq_f32_s32(a); }

GEMM_INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
GEMM_INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
GEMM_INLINE void vf_store(float *p, vf a) { vst1q_f32(p, a); }
GEMM_INLINE vf vf_set1(float x) { return vdupq_n_f32(x); }
GEMM_INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
GEMM_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }

#endif /* RLV_GEMM_VEC_NEON_H */
