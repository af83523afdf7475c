/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_vec_avx512.h - a vector of 16 for the templates gemm_*.inc: one register is a panel.
 */
#ifndef RLV_GEMM_VEC_AVX512_H
#define RLV_GEMM_VEC_AVX512_H

#include "gemm_common.h"
#include "x86_intrinsics.h"

#include <string.h>

#define LANES 16
typedef __m512i vi;
typedef __m512 vf;

GEMM_INLINE vi vi_zero(void) { return _mm512_setzero_si512(); }
GEMM_INLINE vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
GEMM_INLINE void vi_store(void *p, vi a) { _mm512_storeu_si512(p, a); }
GEMM_INLINE vi vi_set1(int32_t x) { return _mm512_set1_epi32(x); }

/* 4 bytes in each element. */
GEMM_INLINE vi vi_load4(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof(x));
    return vi_set1(x);
}

GEMM_INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
GEMM_INLINE vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
GEMM_INLINE vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
GEMM_INLINE vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
GEMM_INLINE vf vi_to_f32(vi a) { return _mm512_cvtepi32_ps(a); }

/* Of 16-bit elements; maddubs: pairs of u8 * s8, saturating; madd: pairs of s16 * s16. */
GEMM_INLINE vi vi_add16(vi a, vi b) { return _mm512_add_epi16(a, b); }
GEMM_INLINE vi vi_shl16(vi a, unsigned n) { return _mm512_slli_epi16(a, n); }
GEMM_INLINE vi vi_shr16(vi a, unsigned n) { return _mm512_srli_epi16(a, n); }
GEMM_INLINE vi vi_sar16(vi a, unsigned n) { return _mm512_srai_epi16(a, n); }
GEMM_INLINE vi vi_maddubs(vi a, vi w) { return _mm512_maddubs_epi16(a, w); }
GEMM_INLINE vi vi_madd(vi a, vi w) { return _mm512_madd_epi16(a, w); }

GEMM_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
GEMM_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
GEMM_INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
GEMM_INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
GEMM_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
GEMM_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }

#endif /* RLV_GEMM_VEC_AVX512_H */
