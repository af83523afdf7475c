/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum.c - the arithmetic of the model file: checksum and tensor sizes.
 *
 * The checksum is Fletcher's (J. G. Fletcher, 1982: a = sum of the words, b = sum of the a's) with
 * 32 independent lanes of 32 bits, because a model of 60 MB is checked each time it is opened and
 * must cost no more than reading it from memory: one word costs two additions, any compiler turns
 * the loop over the lanes into vector code, and unlike a multiply-based hash it needs nothing beyond
 * SSE2 or NEON.  What it cannot see is damage made on purpose.
 */
#include <string.h>

#include "format.h"

#define LANES 32u
#define ROW (LANES * 4u) /* bytes that give each lane one word */

static inline uint32_t load_le32(const uint8_t *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
#else
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
#endif
}

/* Add 'row_n' rows of ROW bytes to the lanes. */
static void add_rows(const uint8_t *restrict p, uint64_t row_n, uint32_t *restrict a,
                     uint32_t *restrict b)
{
    for (; row_n > 0; row_n--, p += ROW) {
        for (unsigned i = 0; i < LANES; i++) {
            a[i] += load_le32(p + (size_t)i * 4);
            b[i] += a[i];
        }
    }
}

uint64_t rlv_checksum(const void *data, uint64_t len)
{
    const uint64_t prime = 1099511628211u; /* FNV-1a, 64 bits */
    const uint8_t *p = (const uint8_t *)data;
    uint64_t row_n = len / ROW, rest = len % ROW, h = 14695981039346656037u;
    uint32_t a[LANES] = {0}, b[LANES] = {0};

    add_rows(p, row_n, a, b);
    if (rest > 0) {
        uint8_t last[ROW] = {0};
        memcpy(last, p + row_n * ROW, (size_t)rest);
        add_rows(last, 1, a, b);
    }
    for (unsigned i = 0; i < LANES; i++) {
        h = (h ^ a[i]) * prime;
        h = (h ^ b[i]) * prime;
    }
    return (h ^ len) * prime;
}

/* Bits of one element, 0 where the format has no such tensor. */
static unsigned element_bits(unsigned dtype, unsigned layout)
{
    if (layout == RLV_LAYOUT_VECTOR)
        return dtype == RLV_DTYPE_F32 || dtype == RLV_DTYPE_U32 || dtype == RLV_DTYPE_I32 ? 32 : 0;
    if (layout != RLV_LAYOUT_PANEL && layout != RLV_LAYOUT_ROWS)
        return 0;
    if (dtype == RLV_DTYPE_F32)
        return 32;
    if (dtype == RLV_DTYPE_F16)
        return 16;
    return rlv_dtype_bits(dtype);
}

uint64_t rlv_row_stride(unsigned dtype, uint32_t cols)
{
    uint64_t bits = element_bits(dtype, RLV_LAYOUT_ROWS);

    return rlv_round_up(rlv_round_up(cols, RLV_K_BLOCK) * bits / 8, RLV_ALIGN);
}

uint64_t rlv_tensor_len(unsigned dtype, unsigned layout, uint32_t rows, uint32_t cols)
{
    uint64_t bits = element_bits(dtype, layout);

    if (bits == 0 || rows == 0 || cols == 0 || cols > RLV_MAX_INTERMEDIATE)
        return 0;
    switch (layout) {
    case RLV_LAYOUT_VECTOR: return cols == 1 ? rlv_round_up(rows, 16) * bits / 8 : 0;
    case RLV_LAYOUT_PANEL:
        return rlv_round_up(rows, RLV_PANEL) * rlv_round_up(cols, RLV_K_BLOCK) * bits / 8;
    default: return rows * rlv_row_stride(dtype, cols);
    }
}
