/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v16_avx512.h - sixteen floats as one AVX-512 register (F, BW, DQ, VL); operations: v16_scalar.h.
 */
#ifndef RLV_V16_AVX512_H
#define RLV_V16_AVX512_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "list.h"
#include "v16_x86.h"

#ifndef RLV_SIMDE
#define RLV_SIMDE 0
#endif

#define RLV_FN(name) rlv_##name##_avx512
#define RLV_TILE_ROWS 8 /* 16 sums; a broadcast feeds two of them, a load eight */
#define RLV_TILE_PANELS 2

typedef __m512 v16f;
typedef __m512i v16i;

static inline v16f v16_load(const float *p) { return _mm512_loadu_ps(p); }

static inline void v16_store(float *p, v16f x) { _mm512_storeu_ps(p, x); }

static inline __mmask16 v16_mask(size_t n) { return (__mmask16)((1u << n) - 1); }

/* SIMDe 0.7.4 lacks masked loads and stores, and the narrowing below. */
static inline v16f v16_load_n(const float *p, size_t n)
{
#if RLV_SIMDE
    float t[16] = {0};
    memcpy(t, p, n * sizeof(float));
    return v16_load(t);
#else
    return _mm512_maskz_loadu_ps(v16_mask(n), p);
#endif
}

static inline void v16_store_n(float *p, v16f x, size_t n)
{
#if RLV_SIMDE
    float t[16];
    v16_store(t, x);
    memcpy(p, t, n * sizeof(float));
#else
    _mm512_mask_storeu_ps(p, v16_mask(n), x);
#endif
}

static inline v16f v16_set1(float x) { return _mm512_set1_ps(x); }

static inline v16f v16_add(v16f x, v16f y) { return _mm512_add_ps(x, y); }

static inline v16f v16_sub(v16f x, v16f y) { return _mm512_sub_ps(x, y); }

static inline v16f v16_mul(v16f x, v16f y) { return _mm512_mul_ps(x, y); }

static inline v16f v16_div(v16f x, v16f y) { return _mm512_div_ps(x, y); }

static inline v16f v16_fma(v16f x, v16f y, v16f z) { return _mm512_fmadd_ps(x, y, z); }

static inline v16f v16_fnma(v16f x, v16f y, v16f z) { return _mm512_fnmadd_ps(x, y, z); }

static inline v16f v16_min(v16f x, v16f y) { return _mm512_min_ps(x, y); }

static inline v16f v16_max(v16f x, v16f y) { return _mm512_max_ps(x, y); }

static inline v16f v16_abs(v16f x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x); }

static inline v16f v16_copysign(v16f x, v16f s)
{
    return _mm512_or_ps(v16_abs(x), _mm512_and_ps(_mm512_set1_ps(-0.0f), s));
}

static inline v16f v16_keep_ge(v16f r, v16f x, v16f y)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, y, _CMP_GE_OQ), r);
}

static inline v16f v16_first_n(v16f x, v16f y, size_t n)
{
    return _mm512_mask_mov_ps(y, v16_mask(n), x);
}

static inline v16i v16_bits(v16f x) { return _mm512_castps_si512(x); }

static inline v16f v16_from_bits(v16i x) { return _mm512_castsi512_ps(x); }

static inline v16i v16_set1_i(int32_t x) { return _mm512_set1_epi32(x); }

static inline v16i v16_add_i(v16i x, v16i y) { return _mm512_add_epi32(x, y); }

static inline v16i v16_shl23_i(v16i x) { return _mm512_slli_epi32(x, 23); }

static inline __m256 v16_low(v16f x) { return _mm512_castps512_ps256(x); }

static inline __m256 v16_high(v16f x)
{
    __m512d d = _mm512_castps_pd(x);
    return _mm256_castpd_ps(_mm512_extractf64x4_pd(d, 1));
}

static inline v16f v16_pair(__m256 low, __m256 high)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

static inline void v16_store_u8(uint8_t *p, v16i x)
{
#if RLV_SIMDE
    rlv_x86_store_u8(p, _mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
#else
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(x));
#endif
}

static inline v16f v16_load_i8(const int8_t *p)
{
    __m128i w = _mm_loadu_si128((const __m128i *)(const void *)p);
    return v16_pair(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(w)),
                    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(w, 8))));
}

static inline v16f v16_load_f16(const uint16_t *p)
{
    const __m128i *h = (const __m128i *)(const void *)p;
    return v16_pair(_mm256_cvtph_ps(_mm_loadu_si128(h)), _mm256_cvtph_ps(_mm_loadu_si128(h + 1)));
}

static inline float v16_sum(v16f x)
{
    return rlv_x86_sum_8(_mm256_add_ps(v16_low(x), v16_high(x)));
}

static inline float v16_hmin(v16f x)
{
    return rlv_x86_min_8(_mm256_min_ps(v16_low(x), v16_high(x)));
}

static inline float v16_hmax(v16f x)
{
    return rlv_x86_max_8(_mm256_max_ps(v16_low(x), v16_high(x)));
}

static inline void v16_transpose_8(const float *const row[16], float *dst)
{
    rlv_x86_transpose_8x8(row, dst);
    rlv_x86_transpose_8x8(row + 8, dst + 8);
}

#endif /* RLV_V16_AVX512_H */
