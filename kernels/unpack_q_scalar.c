/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack_q_scalar.c - low-bit panels to the int8 panels that the GEMM reads: the specification.
 *
 * A block is 32 input channels of 16 output channels: 8 groups of 64 weights in the order of the
 * int8 panel.  A plane of p bits holds group g, weight j at bit p * (g % (8 / p)) of byte
 * 64 * (g / (8 / p)) + j (docs/format.md).
 */
#include "list.h"

static unsigned plane_bits(const uint8_t *plane, unsigned bits, unsigned g, unsigned j)
{
    unsigned per_byte = 8 / bits;

    return plane[64 * (g / per_byte) + j] >> bits * (g % per_byte) & ((1u << bits) - 1);
}

/* 'low' bits in the first plane, 'high' (or none) in the second. */
static void unpack(const uint8_t *src, unsigned low, unsigned high, size_t k, int8_t *dst)
{
    const int offset = 1 << (low + high - 1);

    for (; k; k -= 32, src += 64 * (low + high), dst += 512)
        for (unsigned g = 0; g < 8; g++)
            for (unsigned j = 0; j < 64; j++) {
                unsigned u = plane_bits(src, low, g, j);
                if (high)
                    u |= plane_bits(src + 64 * low, high, g, j) << low;
                dst[64 * g + j] = (int8_t)((int)u - offset);
            }
}

void rlv_unpack_q6_scalar(const uint8_t *src, size_t k, int8_t *dst) { unpack(src, 4, 2, k, dst); }

void rlv_unpack_q5_scalar(const uint8_t *src, size_t k, int8_t *dst) { unpack(src, 4, 1, k, dst); }

void rlv_unpack_q4_scalar(const uint8_t *src, size_t k, int8_t *dst) { unpack(src, 4, 0, k, dst); }

void rlv_unpack_q3_scalar(const uint8_t *src, size_t k, int8_t *dst) { unpack(src, 2, 1, k, dst); }
