/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_q_neon.c - low-bit panels to int8 panels, 16 bytes at a time; see unpack_q.inc. */
#include <arm_neon.h>

#include "list.h"

#define RLV_FN(name) rlv_##name##_neon
#define RLV_VB 16
typedef uint8x16_t vb;

static inline vb vb_load(const uint8_t *p) { return vld1q_u8(p); }
static inline void vb_store(int8_t *p, vb x) { vst1q_s8(p, vreinterpretq_s8_u8(x)); }
#define vb_set1(x) vdupq_n_u8((uint8_t)(x))
#define vb_and(x, y) vandq_u8(x, y)
#define vb_or(x, y) vorrq_u8(x, y)
#define vb_sub(x, y) vsubq_u8(x, y)
#define vb_shift(x, n) vshlq_u8(x, vdupq_n_s8(-(n))) /* by a negative number: right */

#include "unpack_q.inc"
