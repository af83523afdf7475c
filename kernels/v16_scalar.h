/* SPDX-License-Identifier: Apache-2.0 */
/*
 * v16_scalar.h - sixteen floats in portable C: the specification of the operations of v16_*.h.
 *
 * The templates (*.inc) are written over these operations only, so that every instance does the
 * same arithmetic in the same order.  An operation rounds once; comparisons with NaN are false.
 */
#ifndef RLV_V16_SCALAR_H
#define RLV_V16_SCALAR_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "list.h"

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float must be evaluated as float (on i386: -msse2 -mfpmath=sse)"
#endif

#define RLV_FN(name) rlv_##name##_scalar
#define RLV_TILE_ROWS 1 /* rows and vectors that attention keeps in registers */
#define RLV_TILE_PANELS 1

typedef struct {
    float f[16];
} v16f;
typedef struct {
    uint32_t i[16]; /* unsigned: sums wrap, as the instructions do */
} v16i;

#define RLV_EACH(j) for (int j = 0; j < 16; j++)

static inline v16f v16_load(const float *p)
{
    v16f r;
    memcpy(&r, p, sizeof(r));
    return r;
}

/* The first n < 16 elements, then zeros.  Reads nothing beyond. */
static inline v16f v16_load_n(const float *p, size_t n)
{
    v16f r = {{0}};
    memcpy(&r, p, n * sizeof(float));
    return r;
}

static inline void v16_store(float *p, v16f a) { memcpy(p, &a, sizeof(a)); }

static inline void v16_store_n(float *p, v16f a, size_t n) { memcpy(p, &a, n * sizeof(float)); }

static inline v16f v16_set1(float x)
{
    v16f r;
    RLV_EACH(j) r.f[j] = x;
    return r;
}

static inline v16f v16_add(v16f a, v16f b)
{
    RLV_EACH(j) a.f[j] += b.f[j];
    return a;
}

static inline v16f v16_sub(v16f a, v16f b)
{
    RLV_EACH(j) a.f[j] -= b.f[j];
    return a;
}

static inline v16f v16_mul(v16f a, v16f b)
{
    RLV_EACH(j) a.f[j] *= b.f[j];
    return a;
}

static inline v16f v16_div(v16f a, v16f b)
{
    RLV_EACH(j) a.f[j] /= b.f[j];
    return a;
}

/* a * b + c, rounded once */
static inline v16f v16_fma(v16f a, v16f b, v16f c)
{
    RLV_EACH(j) c.f[j] = fmaf(a.f[j], b.f[j], c.f[j]);
    return c;
}

/* c - a * b, rounded once */
static inline v16f v16_fnma(v16f a, v16f b, v16f c)
{
    RLV_EACH(j) c.f[j] = fmaf(-a.f[j], b.f[j], c.f[j]);
    return c;
}

static inline v16f v16_min(v16f a, v16f b)
{
    RLV_EACH(j) a.f[j] = a.f[j] < b.f[j] ? a.f[j] : b.f[j];
    return a;
}

static inline v16f v16_max(v16f a, v16f b)
{
    RLV_EACH(j) a.f[j] = a.f[j] > b.f[j] ? a.f[j] : b.f[j];
    return a;
}

/* |a| with the sign of s */
static inline v16f v16_copysign(v16f a, v16f s)
{
    RLV_EACH(j) a.f[j] = copysignf(a.f[j], s.f[j]);
    return a;
}

static inline v16f v16_abs(v16f a)
{
    RLV_EACH(j) a.f[j] = fabsf(a.f[j]);
    return a;
}

/* a where x >= y, else +0 */
static inline v16f v16_keep_ge(v16f a, v16f x, v16f y)
{
    RLV_EACH(j) a.f[j] = x.f[j] >= y.f[j] ? a.f[j] : 0.0f;
    return a;
}

/* The first n < 16 elements of a, then those of b. */
static inline v16f v16_first_n(v16f a, v16f b, size_t n)
{
    RLV_EACH(j) a.f[j] = (size_t)j < n ? a.f[j] : b.f[j];
    return a;
}

/* The bits of a, and back. */
static inline v16i v16_bits(v16f a)
{
    v16i r;
    memcpy(&r, &a, sizeof(r));
    return r;
}

static inline v16f v16_from_bits(v16i a)
{
    v16f r;
    memcpy(&r, &a, sizeof(r));
    return r;
}

static inline v16i v16_set1_i(int32_t x)
{
    v16i r;
    RLV_EACH(j) r.i[j] = (uint32_t)x;
    return r;
}

static inline v16i v16_add_i(v16i a, v16i b)
{
    RLV_EACH(j) a.i[j] += b.i[j];
    return a;
}

/* Each element shifted left by 23, the place of the exponent. */
static inline v16i v16_shl23_i(v16i a)
{
    RLV_EACH(j) a.i[j] <<= 23;
    return a;
}

/* Stores 16 bytes of elements that are in 0..255. */
static inline void v16_store_u8(uint8_t *p, v16i a) { RLV_EACH(j) p[j] = (uint8_t)a.i[j]; }

/* Sixteen int8 as floats. */
static inline v16f v16_load_i8(const int8_t *p)
{
    v16f r;
    RLV_EACH(j) r.f[j] = p[j];
    return r;
}

/* IEEE binary16 to binary32: exact, subnormals included. */
static inline float rlv_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu, bits;
    float r;

    if (magnitude >= 0x7c00u) { /* Inf and NaN: the exponent becomes all ones */
        bits = sign | 0x7f800000u | magnitude << 13;
        memcpy(&r, &bits, sizeof(r));
        return r;
    }
    if (magnitude >= 0x0400u) { /* normal: rebias the exponent by 127 - 15 */
        bits = sign | ((magnitude << 13) + (112u << 23));
        memcpy(&r, &bits, sizeof(r));
        return r;
    }
    r = (float)magnitude * 0x1p-24f; /* subnormal: a count of 2^-24 */
    return sign ? -r : r;
}

static inline v16f v16_load_f16(const uint16_t *p)
{
    v16f r;
    RLV_EACH(j) r.f[j] = rlv_f16(p[j]);
    return r;
}

/* The tree 8+, 4+, 2+, 1+ of kernels.h. */
static inline float v16_sum(v16f a)
{
    for (int h = 8; h > 0; h /= 2)
        for (int j = 0; j < h; j++)
            a.f[j] += a.f[j + h];
    return a.f[0];
}

static inline float v16_hmin(v16f a)
{
    for (int h = 8; h > 0; h /= 2)
        for (int j = 0; j < h; j++)
            a.f[j] = a.f[j] < a.f[j + h] ? a.f[j] : a.f[j + h];
    return a.f[0];
}

static inline float v16_hmax(v16f a)
{
    for (int h = 8; h > 0; h /= 2)
        for (int j = 0; j < h; j++)
            a.f[j] = a.f[j] > a.f[j + h] ? a.f[j] : a.f[j + h];
    return a.f[0];
}

/* dst[d][j] = row[j][d] for 16 rows and d < 8. */
static inline void v16_transpose_8(const float *const row[16], float *dst)
{
    for (int d = 0; d < 8; d++)
        RLV_EACH(j) dst[d * 16 + j] = row[j][d];
}

#endif /* RLV_V16_SCALAR_H */
