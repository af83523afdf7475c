/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v16_avx2.h - sixteen floats as two AVX registers (AVX2, FMA, F16C); operations: v16_scalar.h.
 */
#ifndef RLV_V16_AVX2_H
#define RLV_V16_AVX2_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "list.h"
#include "v16_x86.h"

#define RLV_FN(name) rlv_##name##_avx2
#define RLV_TILE_ROWS 6 /* 12 of the 16 registers hold sums: 2 FMA a cycle of latency 4 or 5 */
#define RLV_TILE_PANELS 1

typedef struct {
    __m256 a, b; /* lanes 0-7, 8-15 */
} v16f;
typedef struct {
    __m256i a, b;
} v16i;

static inline v16f v16_pair(__m256 a, __m256 b)
{
    v16f r = {a, b};
    return r;
}

static inline v16f v16_load(const float *p)
{
    return v16_pair(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}

/* All ones in the first n lanes of 8 (n may be more). */
static inline __m256i v16_mask(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline v16f v16_load_n(const float *p, size_t n)
{
    /* A lane masked out is not read; the second address is not formed unless it is needed. */
    if (n <= 8)
        return v16_pair(_mm256_maskload_ps(p, v16_mask(n)), _mm256_setzero_ps());
    return v16_pair(_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, v16_mask(n - 8)));
}

static inline void v16_store(float *p, v16f x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}

static inline void v16_store_n(float *p, v16f x, size_t n)
{
    if (n <= 8) {
        _mm256_maskstore_ps(p, v16_mask(n), x.a);
        return;
    }
    _mm256_storeu_ps(p, x.a);
    _mm256_maskstore_ps(p + 8, v16_mask(n - 8), x.b);
}

static inline v16f v16_set1(float x)
{
    __m256 v = _mm256_set1_ps(x);
    return v16_pair(v, v);
}

static inline v16f v16_add(v16f x, v16f y)
{
    return v16_pair(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b));
}

static inline v16f v16_sub(v16f x, v16f y)
{
    return v16_pair(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b));
}

static inline v16f v16_mul(v16f x, v16f y)
{
    return v16_pair(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b));
}

static inline v16f v16_div(v16f x, v16f y)
{
    return v16_pair(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b));
}

static inline v16f v16_fma(v16f x, v16f y, v16f z)
{
    return v16_pair(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}

static inline v16f v16_fnma(v16f x, v16f y, v16f z)
{
    return v16_pair(_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b));
}

static inline v16f v16_min(v16f x, v16f y)
{
    return v16_pair(_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b));
}

static inline v16f v16_max(v16f x, v16f y)
{
    return v16_pair(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b));
}

static inline v16f v16_abs(v16f x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return v16_pair(_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b));
}

static inline v16f v16_copysign(v16f x, v16f s)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    x = v16_abs(x);
    return v16_pair(_mm256_or_ps(x.a, _mm256_and_ps(sign, s.a)),
                    _mm256_or_ps(x.b, _mm256_and_ps(sign, s.b)));
}

static inline v16f v16_keep_ge(v16f r, v16f x, v16f y)
{
    return v16_pair(_mm256_and_ps(r.a, _mm256_cmp_ps(x.a, y.a, _CMP_GE_OQ)),
                    _mm256_and_ps(r.b, _mm256_cmp_ps(x.b, y.b, _CMP_GE_OQ)));
}

static inline v16f v16_first_n(v16f x, v16f y, size_t n)
{
    __m256i low = v16_mask(n), high = v16_mask(n < 8 ? 0 : n - 8);
    return v16_pair(_mm256_blendv_ps(y.a, x.a, _mm256_castsi256_ps(low)),
                    _mm256_blendv_ps(y.b, x.b, _mm256_castsi256_ps(high)));
}

static inline v16i v16_bits(v16f x)
{
    v16i r = {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)};
    return r;
}

static inline v16f v16_from_bits(v16i x)
{
    return v16_pair(_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b));
}

static inline v16i v16_set1_i(int32_t x)
{
    v16i r = {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
    return r;
}

static inline v16i v16_add_i(v16i x, v16i y)
{
    v16i r = {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
    return r;
}

static inline v16i v16_shl23_i(v16i x)
{
    v16i r = {_mm256_slli_epi32(x.a, 23), _mm256_slli_epi32(x.b, 23)};
    return r;
}

static inline void v16_store_u8(uint8_t *p, v16i x) { rlv_x86_store_u8(p, x.a, x.b); }

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

static inline float v16_sum(v16f x) { return rlv_x86_sum_8(_mm256_add_ps(x.a, x.b)); }

static inline float v16_hmin(v16f x) { return rlv_x86_min_8(_mm256_min_ps(x.a, x.b)); }

static inline float v16_hmax(v16f x) { return rlv_x86_max_8(_mm256_max_ps(x.a, x.b)); }

static inline void v16_transpose_8(const float *const row[16], float *dst)
{
    rlv_x86_transpose_8x8(row, dst);
    rlv_x86_transpose_8x8(row + 8, dst + 8);
}

#endif /* RLV_V16_AVX2_H */
