/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_vec_avx2.h - a vector of 8 for the templates gemm_*.inc: two registers are a panel.
 */
#ifndef RLV_GEMM_VEC_AVX2_H
#define RLV_GEMM_VEC_AVX2_H

#include "gemm_common.h"

#include <immintrin.h>

#include <string.h>

#define LANES 8
typedef __m256i vi;
typedef __m256 vf;

GEMM_INLINE vi vi_zero(void) { return _mm256_setzero_si256(); }
GEMM_INLINE vi vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
GEMM_INLINE vi vi_set1(int32_t x) { return _mm256_set1_epi32(x); }

/* 4 bytes in each element. */
GEMM_INLINE vi vi_load4(const uint8_t *p)
{
    int32_t x;
    memcpy(&x, p, sizeof(x));
    return vi_set1(x);
}

GEMM_INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
GEMM_INLINE vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
GEMM_INLINE vi vi_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
GEMM_INLINE vf vi_to_f32(vi a) { return _mm256_cvtepi32_ps(a); }

/* Of 16-bit elements.  maddubs: sums of pairs u8 * s8, saturating; madd: of pairs s16 * s16;
 * s16_even, s16_odd: every second s8, widened. */
GEMM_INLINE vi vi_add16(vi a, vi b) { return _mm256_add_epi16(a, b); }
GEMM_INLINE vi vi_maddubs(vi a, vi w) { return _mm256_maddubs_epi16(a, w); }
GEMM_INLINE vi vi_s16_even(vi w) { return _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8); }
GEMM_INLINE vi vi_s16_odd(vi w) { return _mm256_srai_epi16(w, 8); }
GEMM_INLINE vi vi_madd(vi a, vi w) { return _mm256_madd_epi16(a, w); }

GEMM_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
GEMM_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
GEMM_INLINE void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
GEMM_INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
GEMM_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
GEMM_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }

#endif /* RLV_GEMM_VEC_AVX2_H */
