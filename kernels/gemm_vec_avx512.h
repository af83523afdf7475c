/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_vec_avx512.h - a vector of 16 for the templates gemm_*.inc: one register is a panel.
 */
#ifndef RLV_GEMM_VEC_AVX512_H
#define RLV_GEMM_VEC_AVX512_H

#include "gemm_common.h"
#include "x86_intrinsics.h"

#include <string.h>

#if defined(RLV_SIMDE) && RLV_SIMDE /* 0.7.4 lacks one of these and gets the other's alias wrong */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 simde_mm512_madd_epi16
#define _mm512_cvtepi32_ps gemm_cvtepi32_ps
GEMM_INLINE __m512 gemm_cvtepi32_ps(__m512i a)
{
    __m256 half[2] = {_mm256_cvtepi32_ps(_mm512_castsi512_si256(a)),
                      _mm256_cvtepi32_ps(_mm512_extracti64x4_epi64(a, 1))};
    return _mm512_loadu_ps(half);
}
#endif

#define LANES 16
typedef __m512i vi;
typedef __m512 vf;

GEMM_INLINE vi vi_zero(void) { return _mm512_setzero_si512(); }
GEMM_INLINE vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
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
GEMM_INLINE vf vi_to_f32(vi a) { return _mm512_cvtepi32_ps(a); }

/* Of 16-bit elements.  maddubs: sums of pairs u8 * s8, saturating; madd: of pairs s16 * s16;
 * s16_even, s16_odd: every second s8, widened. */
GEMM_INLINE vi vi_add16(vi a, vi b) { return _mm512_add_epi16(a, b); }
GEMM_INLINE vi vi_maddubs(vi a, vi w) { return _mm512_maddubs_epi16(a, w); }
GEMM_INLINE vi vi_s16_even(vi w) { return _mm512_srai_epi16(_mm512_slli_epi16(w, 8), 8); }
GEMM_INLINE vi vi_s16_odd(vi w) { return _mm512_srai_epi16(w, 8); }
GEMM_INLINE vi vi_madd(vi a, vi w) { return _mm512_madd_epi16(a, w); }

GEMM_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
GEMM_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
GEMM_INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
GEMM_INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
GEMM_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
GEMM_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }

#endif /* RLV_GEMM_VEC_AVX512_H */
