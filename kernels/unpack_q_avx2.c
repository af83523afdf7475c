/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_q_avx2.c - low-bit panels to int8 panels, 32 bytes at a time; see unpack_q.inc. */
#include "list.h"
#include "x86_intrinsics.h"

#define RLV_FN(name) rlv_##name##_avx2
#define RLV_VB 32
typedef __m256i vb;

static inline vb vb_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void vb_store(void *p, vb x) { _mm256_storeu_si256((__m256i *)p, x); }
#define vb_set1(x) _mm256_set1_epi8(x)
#define vb_and(x, y) _mm256_and_si256(x, y)
#define vb_or(x, y) _mm256_or_si256(x, y)
#define vb_sub(x, y) _mm256_sub_epi8(x, y)
#define vb_shift(x, n) ((n) >= 0 ? _mm256_srli_epi16(x, (n)&15) : _mm256_slli_epi16(x, -(n)&15))

#include "unpack_q.inc"
