/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v16_x86.h - what v16_avx2.h and v16_avx512.h share: steps that are no faster in 512 bits.
 */
#ifndef RLV_V16_X86_H
#define RLV_V16_X86_H

#include <stdint.h>

#include "x86_intrinsics.h"

/* Lanes 4+, 2+, 1+. */
static inline float rlv_x86_sum_8(__m256 x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

static inline float rlv_x86_min_8(__m256 x)
{
    __m128 s = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_min_ps(s, _mm_movehl_ps(s, s));
    s = _mm_min_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

static inline float rlv_x86_max_8(__m256 x)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}

/* Sixteen int32 in 0..255 as bytes. */
static inline void rlv_x86_store_u8(uint8_t *p, __m256i a, __m256i b)
{
    /* The packs work within halves: words a0-3 b0-3 | a4-7 b4-7, then bytes a0-3 b0-3 a4-7 b4-7. */
    __m256i w = _mm256_packs_epi32(a, b);
    __m128i v = _mm_packus_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_shuffle_epi32(v, _MM_SHUFFLE(3, 1, 2, 0)));
}

/* dst[d * 16 + j] = row[j][d] for 8 rows and d < 8. */
static inline void rlv_x86_transpose_8x8(const float *const row[8], float *dst)
{
    __m256 a[8], b[4];
    for (int j = 0; j < 4; j++) { /* halves of rows j and j + 4 side by side */
        __m256 x = _mm256_castps128_ps256(_mm_loadu_ps(row[j]));
        __m256 y = _mm256_castps128_ps256(_mm_loadu_ps(row[j] + 4));
        a[j] = _mm256_insertf128_ps(x, _mm_loadu_ps(row[j + 4]), 1);
        a[j + 4] = _mm256_insertf128_ps(y, _mm_loadu_ps(row[j + 4] + 4), 1);
    }
    for (int h = 0; h < 8; h += 4) { /* 4 x 4 transposes within the halves */
        b[0] = _mm256_unpacklo_ps(a[h], a[h + 1]);
        b[1] = _mm256_unpackhi_ps(a[h], a[h + 1]);
        b[2] = _mm256_unpacklo_ps(a[h + 2], a[h + 3]);
        b[3] = _mm256_unpackhi_ps(a[h + 2], a[h + 3]);
        _mm256_storeu_ps(dst + 16 * h, _mm256_shuffle_ps(b[0], b[2], _MM_SHUFFLE(1, 0, 1, 0)));
        _mm256_storeu_ps(dst + 16 * h + 16, _mm256_shuffle_ps(b[0], b[2], _MM_SHUFFLE(3, 2, 3, 2)));
        _mm256_storeu_ps(dst + 16 * h + 32, _mm256_shuffle_ps(b[1], b[3], _MM_SHUFFLE(1, 0, 1, 0)));
        _mm256_storeu_ps(dst + 16 * h + 48, _mm256_shuffle_ps(b[1], b[3], _MM_SHUFFLE(3, 2, 3, 2)));
    }
}

#endif /* RLV_V16_X86_H */
