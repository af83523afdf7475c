/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_pack.c - see rlv_pack.h; the layouts are specified in lib/format.h and docs/format.md.
 *
 * Written to be read next to the specification: one element at a time, no speed.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "half.h"
#include "rlv_pack.h"

#define PANEL_BLOCK (RLV_PANEL * RLV_K_BLOCK) /* weights of a panel in a block of 32 input channels */

static void *zeroed(unsigned dtype, unsigned layout, uint32_t rows, uint32_t cols)
{
    return calloc(1, (size_t)rlv_tensor_len(dtype, layout, rows, cols));
}

static void store_le32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

void *rlv_pack_vector(const void *elements, uint32_t n)
{
    uint8_t *out = zeroed(RLV_DTYPE_F32, RLV_LAYOUT_VECTOR, n, 1);
    uint32_t bits;

    for (uint32_t i = 0; out != NULL && i < n; i++) {
        memcpy(&bits, (const uint8_t *)elements + (size_t)i * 4, 4);
        store_le32(out + (size_t)i * 4, bits);
    }
    return out;
}

void *rlv_pack_float(unsigned dtype, unsigned layout, const float *w, uint32_t n, uint32_t k)
{
    uint64_t k32 = rlv_round_up(k, RLV_K_BLOCK), stride = rlv_row_stride(dtype, k);
    unsigned len = dtype == RLV_DTYPE_F16 ? 2 : 4;
    uint8_t *out = zeroed(dtype, layout, n, k), *p;

    for (uint32_t i = 0; out != NULL && i < n; i++) {
        for (uint32_t j = 0; j < k; j++) {
            float x = w[(size_t)i * k + j];
            if (layout == RLV_LAYOUT_PANEL) /* [n16/16][k32][16] */
                p = out + ((i / RLV_PANEL * k32 + j) * RLV_PANEL + i % RLV_PANEL) * len;
            else
                p = out + i * stride + (uint64_t)j * len;
            if (dtype == RLV_DTYPE_F16) {
                uint16_t h = f16_of_float(x);
                p[0] = (uint8_t)h;
                p[1] = (uint8_t)(h >> 8);
            } else {
                store_le32(p, bits_of_float(x));
            }
        }
    }
    return out;
}

/*
 * The bit planes of one block: 'u' has 'n' unsigned elements (512 for a panel, 32 for a row).  Planes of
 * 4, 2 and 1 bits follow one another, the first holding the low bits.  In a plane of b bits, byte j of
 * each unit holds in its bits b*f .. the elements j + f * unit of a run of unit * 8 / b elements.  For a
 * panel the unit is a group of 64 weights; for a row it is a plane's whole length in bytes, but for the
 * 1-bit plane, whose byte j holds elements 8j + f.
 */
static uint8_t *put_plane(const uint8_t *u, uint32_t n, unsigned shift, unsigned bits, uint8_t *out)
{
    uint32_t unit = n == PANEL_BLOCK ? 64 : n * bits / 8, fields = 8 / bits;

    for (uint32_t byte = 0; byte < n * bits / 8; byte++) {
        unsigned value = 0;
        for (uint32_t f = 0; f < fields; f++) {
            uint32_t at = n != PANEL_BLOCK && bits == 1 ? byte * 8 + f
                                                        : byte / unit * unit * fields + f * unit +
                                                              byte % unit;
            value |= (u[at] >> shift & ((1u << bits) - 1)) << f * bits;
        }
        out[byte] = (uint8_t)value;
    }
    return out + n * bits / 8;
}

static uint8_t *put_block(const uint8_t *u, uint32_t n, unsigned bits, uint8_t *out)
{
    unsigned shift = 0;

    for (unsigned plane = 4; plane > 0; plane /= 2) {
        if ((bits & plane) != 0) {
            out = put_plane(u, n, shift, plane, out);
            shift += plane;
        }
    }
    return out;
}

/* A weight of the padded matrix, as it is stored. */
static uint8_t stored(const int8_t *w, uint32_t n, uint32_t k, uint32_t i, uint32_t j, unsigned bits)
{
    int value = i < n && j < k ? w[(size_t)i * k + j] : 0;

    return (uint8_t)(bits == 8 ? value : value + (1 << (bits - 1)));
}

static void pack_panels(unsigned bits, const int8_t *w, uint32_t n, uint32_t k, uint8_t *out)
{
    uint8_t u[PANEL_BLOCK];

    for (uint32_t panel = 0; panel < n; panel += RLV_PANEL) {
        for (uint32_t block = 0; block < k; block += RLV_K_BLOCK) {
            for (uint32_t at = 0; at < PANEL_BLOCK; at++) { /* [8][16][4]: group, channel, k */
                uint32_t row = panel + at / 4 % RLV_PANEL, col = block + at / 64 * 4 + at % 4;
                u[at] = stored(w, n, k, row, col, bits);
            }
            if (bits == 8) {
                memcpy(out, u, sizeof u);
                out += sizeof u;
            } else {
                out = put_block(u, PANEL_BLOCK, bits, out);
            }
        }
    }
}

static void pack_rows(unsigned dtype, const int8_t *w, uint32_t n, uint32_t k, uint8_t *out)
{
    uint64_t stride = rlv_row_stride(dtype, k);
    unsigned bits = rlv_dtype_bits(dtype);
    uint8_t u[RLV_K_BLOCK];

    for (uint32_t i = 0; i < n; i++, out += stride) {
        uint8_t *p = out;
        for (uint32_t block = 0; block < k; block += RLV_K_BLOCK) {
            for (uint32_t at = 0; at < RLV_K_BLOCK; at++)
                u[at] = stored(w, n, k, i, block + at, bits);
            if (bits == 8) {
                memcpy(p, u, sizeof u);
                p += sizeof u;
            } else {
                p = put_block(u, RLV_K_BLOCK, bits, p);
            }
        }
    }
}

void *rlv_pack_integer(unsigned dtype, unsigned layout, const int8_t *w, uint32_t n, uint32_t k)
{
    uint8_t *out = zeroed(dtype, layout, n, k);

    if (out != NULL && layout == RLV_LAYOUT_PANEL)
        pack_panels(rlv_dtype_bits(dtype), w, n, k, out);
    else if (out != NULL)
        pack_rows(dtype, w, n, k, out);
    return out;
}

float *rlv_pack_scales(const float *scale, uint32_t n, uint32_t group_n)
{
    size_t n16 = (size_t)rlv_round_up(n, RLV_PANEL);
    float *out = calloc(n16 * group_n, sizeof *out);

    for (uint32_t i = 0; out != NULL && i < n; i++)
        for (uint32_t g = 0; g < group_n; g++)
            out[((size_t)(i / RLV_PANEL) * group_n + g) * RLV_PANEL + i % RLV_PANEL] =
                scale[(size_t)i * group_n + g];
    return out;
}
