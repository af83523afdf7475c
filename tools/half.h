/* SPDX-License-Identifier: Apache-2.0 */
/*
 * half.h - IEEE binary16 and bfloat16 to and from float, in portable C.
 *
 * Widening is exact.  Narrowing rounds to nearest, ties to even, by adding a power of two that puts
 * the last bit to keep at the float's own last bit (for numbers below 2^-14, whose step is fixed) or
 * by integer arithmetic on the bits (for the others).
 */
#ifndef RLV_TOOLS_HALF_H
#define RLV_TOOLS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of_bf16(uint16_t h) { return float_of_bits((uint32_t)h << 16); }

static inline float float_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ffu;
    float x;

    if (exponent == 31)
        return float_of_bits(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) { /* denormal: mantissa * 2^-24 */
        x = (float)mantissa * 0x1p-24f;
        return sign ? -x : x;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* 0x7c00 (infinity, with the sign) for what is too large. */
static inline uint16_t f16_of_float(float x)
{
    uint32_t bits = bits_of_float(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;

    if (magnitude > 0x7f800000u) /* NaN */
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) /* 65520: halfway from the largest number, 65504, to 2^16 */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) /* 2^-14: 0.5f has the step 2^-24 that denormals have */
        return (uint16_t)(sign | (bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3f000000u));
    magnitude += 0xfffu + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (magnitude - 0x38000000u) >> 13);
}

#endif /* RLV_TOOLS_HALF_H */
