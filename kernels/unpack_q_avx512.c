/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_q_avx512.c - low-bit panels to int8 panels, 64 bytes at a time; see unpack_q.inc. */
#include "list.h"
#include "x86_intrinsics.h"

#define RLV_FN(name) rlv_##name##_avx512
#define RLV_VB 64
typedef __m512i vb;

static inline vb vb_load(const void *p) { return _mm512_loadu_si512(p); }
static inline void vb_store(void *p, vb x) { _mm512_storeu_si512(p, x); }
#define vb_set1(x) _mm512_set1_epi8(x)
#define vb_and(x, y) _mm512_and_si512(x, y)
#define vb_or(x, y) _mm512_or_si512(x, y)
#define vb_sub(x, y) _mm512_sub_epi8(x, y)
#define vb_shift(x, n) ((n) >= 0 ? _mm512_srli_epi16(x, (n)&15) : _mm512_slli_epi16(x, -(n)&15))

#include "unpack_q.inc"
