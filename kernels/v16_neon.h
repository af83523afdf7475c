/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v16_neon.h - sixteen floats as four Advanced SIMD registers (AArch64); operations: v16_scalar.h.
 */
#ifndef RLV_V16_NEON_H
#define RLV_V16_NEON_H

#include <arm_neon.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "list.h"

#define RLV_FN(name) rlv_##name##_neon
#define RLV_TILE_ROWS 6 /* 24 of the 32 registers hold sums */
#define RLV_TILE_PANELS 1

typedef struct {
    float32x4_t a, b, c, d; /* lanes 0-3, 4-7, 8-11, 12-15 */
} v16f;
typedef struct {
    uint32x4_t a, b, c, d;
} v16i;

/* f applied to the four parts of its arguments */
#define RLV_NEON_1(type, f, x) ((type){f((x).a), f((x).b), f((x).c), f((x).d)})
#define RLV_NEON_2(type, f, x, y)                                                                  \
    ((type){f((x).a, (y).a), f((x).b, (y).b), f((x).c, (y).c), f((x).d, (y).d)})
#define RLV_NEON_3(type, f, x, y, z)                                                               \
    ((type){f((x).a, (y).a, (z).a), f((x).b, (y).b, (z).b), f((x).c, (y).c, (z).c),                \
            f((x).d, (y).d, (z).d)})

static inline v16f v16_load(const float *p)
{
    return (v16f){vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}

static inline void v16_store(float *p, v16f x)
{
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
    vst1q_f32(p + 8, x.c);
    vst1q_f32(p + 12, x.d);
}

static inline v16f v16_load_n(const float *p, size_t n)
{
    float t[16] = {0};
    memcpy(t, p, n * sizeof(float));
    return v16_load(t);
}

static inline void v16_store_n(float *p, v16f x, size_t n)
{
    float t[16];
    v16_store(t, x);
    memcpy(p, t, n * sizeof(float));
}

static inline v16f v16_set1(float x)
{
    float32x4_t v = vdupq_n_f32(x);
    return (v16f){v, v, v, v};
}

static inline v16f v16_add(v16f x, v16f y) { return RLV_NEON_2(v16f, vaddq_f32, x, y); }

static inline v16f v16_sub(v16f x, v16f y) { return RLV_NEON_2(v16f, vsubq_f32, x, y); }

static inline v16f v16_mul(v16f x, v16f y) { return RLV_NEON_2(v16f, vmulq_f32, x, y); }

static inline v16f v16_div(v16f x, v16f y) { return RLV_NEON_2(v16f, vdivq_f32, x, y); }

static inline v16f v16_fma(v16f x, v16f y, v16f z) { return RLV_NEON_3(v16f, vfmaq_f32, z, x, y); }

static inline v16f v16_fnma(v16f x, v16f y, v16f z) { return RLV_NEON_3(v16f, vfmsq_f32, z, x, y); }

/* By comparison: the FMIN of Arm differs from the contract on NaN and on zeros of unlike sign. */
static inline float32x4_t rlv_neon_min(float32x4_t x, float32x4_t y)
{
    return vbslq_f32(vcltq_f32(x, y), x, y);
}

static inline float32x4_t rlv_neon_max(float32x4_t x, float32x4_t y)
{
    return vbslq_f32(vcgtq_f32(x, y), x, y);
}

static inline v16f v16_min(v16f x, v16f y) { return RLV_NEON_2(v16f, rlv_neon_min, x, y); }

static inline v16f v16_max(v16f x, v16f y) { return RLV_NEON_2(v16f, rlv_neon_max, x, y); }

static inline v16f v16_abs(v16f x) { return RLV_NEON_1(v16f, vabsq_f32, x); }

static inline float32x4_t rlv_neon_copysign(float32x4_t x, float32x4_t s)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), s, x);
}

static inline v16f v16_copysign(v16f x, v16f s)
{
    return RLV_NEON_2(v16f, rlv_neon_copysign, x, s);
}

static inline float32x4_t rlv_neon_keep_ge(float32x4_t r, float32x4_t x, float32x4_t y)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(r), vcgeq_f32(x, y)));
}

static inline v16f v16_keep_ge(v16f r, v16f x, v16f y)
{
    return RLV_NEON_3(v16f, rlv_neon_keep_ge, r, x, y);
}

static inline v16f v16_first_n(v16f x, v16f y, size_t n)
{
    static const uint32_t lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint32x4_t v = vdupq_n_u32((uint32_t)n);
    return (v16f){vbslq_f32(vcltq_u32(vld1q_u32(lane), v), x.a, y.a),
                  vbslq_f32(vcltq_u32(vld1q_u32(lane + 4), v), x.b, y.b),
                  vbslq_f32(vcltq_u32(vld1q_u32(lane + 8), v), x.c, y.c),
                  vbslq_f32(vcltq_u32(vld1q_u32(lane + 12), v), x.d, y.d)};
}

static inline v16i v16_bits(v16f x) { return RLV_NEON_1(v16i, vreinterpretq_u32_f32, x); }

static inline v16f v16_from_bits(v16i x) { return RLV_NEON_1(v16f, vreinterpretq_f32_u32, x); }

static inline v16i v16_set1_i(int32_t x)
{
    uint32x4_t v = vdupq_n_u32((uint32_t)x);
    return (v16i){v, v, v, v};
}

static inline v16i v16_add_i(v16i x, v16i y) { return RLV_NEON_2(v16i, vaddq_u32, x, y); }

static inline v16i v16_shl23_i(v16i x)
{
    return (v16i){vshlq_n_u32(x.a, 23), vshlq_n_u32(x.b, 23), vshlq_n_u32(x.c, 23),
                  vshlq_n_u32(x.d, 23)};
}

static inline void v16_store_u8(uint8_t *p, v16i x)
{
    uint16x8_t low = vcombine_u16(vmovn_u32(x.a), vmovn_u32(x.b));
    uint16x8_t high = vcombine_u16(vmovn_u32(x.c), vmovn_u32(x.d));
    vst1q_u8(p, vcombine_u8(vmovn_u16(low), vmovn_u16(high)));
}

static inline v16f v16_load_i8(const int8_t *p)
{
    int8x16_t w = vld1q_s8(p);
    int16x8_t low = vmovl_s8(vget_low_s8(w)), high = vmovl_s8(vget_high_s8(w));
    return (v16f){vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                  vcvtq_f32_s32(vmovl_s16(vget_high_s16(low))),
                  vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                  vcvtq_f32_s32(vmovl_s16(vget_high_s16(high)))};
}

static inline v16f v16_load_f16(const uint16_t *p)
{
    return (v16f){vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))),
                  vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4))),
                  vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 8))),
                  vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 12)))};
}

/* Lanes 8+, 4+, 2+, 1+. */
static inline float v16_sum(v16f x)
{
    float32x4_t s = vaddq_f32(vaddq_f32(x.a, x.c), vaddq_f32(x.b, x.d));
    float32x2_t h = vadd_f32(vget_low_f32(s), vget_high_f32(s));
    return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}

static inline float v16_hmin(v16f x)
{
    float32x4_t s = rlv_neon_min(rlv_neon_min(x.a, x.c), rlv_neon_min(x.b, x.d));
    float t[4];
    vst1q_f32(t, s);
    t[0] = t[0] < t[2] ? t[0] : t[2];
    t[1] = t[1] < t[3] ? t[1] : t[3];
    return t[0] < t[1] ? t[0] : t[1];
}

static inline float v16_hmax(v16f x)
{
    float32x4_t s = rlv_neon_max(rlv_neon_max(x.a, x.c), rlv_neon_max(x.b, x.d));
    float t[4];
    vst1q_f32(t, s);
    t[0] = t[0] > t[2] ? t[0] : t[2];
    t[1] = t[1] > t[3] ? t[1] : t[3];
    return t[0] > t[1] ? t[0] : t[1];
}

static inline void v16_transpose_8(const float *const row[16], float *dst)
{
    for (int j = 0; j < 16; j += 4)
        for (int d = 0; d < 8; d += 4) {
            float32x4x2_t x = vtrnq_f32(vld1q_f32(row[j] + d), vld1q_f32(row[j + 1] + d));
            float32x4x2_t y = vtrnq_f32(vld1q_f32(row[j + 2] + d), vld1q_f32(row[j + 3] + d));
            float *to = dst + d * 16 + j;
            vst1q_f32(to, vcombine_f32(vget_low_f32(x.val[0]), vget_low_f32(y.val[0])));
            vst1q_f32(to + 16, vcombine_f32(vget_low_f32(x.val[1]), vget_low_f32(y.val[1])));
            vst1q_f32(to + 32, vcombine_f32(vget_high_f32(x.val[0]), vget_high_f32(y.val[0])));
            vst1q_f32(to + 48, vcombine_f32(vget_high_f32(x.val[1]), vget_high_f32(y.val[1])));
        }
}

#endif /* RLV_V16_NEON_H */
