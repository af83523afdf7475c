/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_neon.c - integer GEMM on plain NEON (Armv8.0: Cortex-A53, A72), by smull and sadalp.
 *
 * There is no u8 x s8 product, so activations go as a - 128 (an exclusive or), which the zero
 * point makes good.  A 16-bit element sums the products of one input channel in each of n blocks
 * of 4, as many as 128 * w_max * n <= 32767 allows: 1 for w_max 128, 2 to 127, 3 to 85, 4 to 63.
 * Then sadalp adds pairs of them to int32; the other pairs of a column meet at the end.
 *
 * 2 rows x 1 panel: 16 registers of sums, 8 of activations.  Not timed on a CPU yet.
 */
#include "gemm_vec_neon.h"

#define GEMM_NAME(op) rlv_##op##_neon
#define TILE_ROWS GEMM_ROWS(2)
#define TILE_PANELS 1
#define FEW_ROWS 0
#define REST_ROWS TILE_ROWS
#define GROUP_ROWS GEMM_ROWS(2)
#define FETCH_K 32
#define ACTIVATION_BIAS 128

#define DOT_MODES 4 /* a chain of mode + 1 */
#define DOT_ROWS(mode) TILE_ROWS

static inline int dot_mode(const struct rlv_gemm_q8 *g)
{
    uint32_t w_max = g->w_max;
    return w_max > 127 ? 0 : w_max > 85 ? 1 : w_max > 63 ? 2 : 3;
}

/* 'n' blocks of 4 channels. */
GEMM_INLINE void dot_blocks(int n, int R, const uint8_t *a, size_t a_stride, const int8_t *w,
                            int32x4_t part[TILE_ROWS][2 * GEMM_VECS(1)])
{
    int8x16_t x[TILE_ROWS][4];

    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        GEMM_UNROLL
        for (int b = 0; b < n; b++) {
            uint32_t four;
            memcpy(&four, a + (size_t)r * a_stride + 4 * b, sizeof(four));
            x[r][b] = vreinterpretq_s8_u32(
                veorq_u32(vdupq_n_u32(four), vdupq_n_u32(UINT32_C(0x80808080))));
        }
    }
    GEMM_UNROLL
    for (int c = 0; c < GEMM_VECS(1); c++) {
        int16x8_t low[TILE_ROWS], high[TILE_ROWS];

        GEMM_UNROLL
        for (int b = 0; b < n; b++) {
            int8x16_t wv = vld1q_s8(w + 64 * b + 16 * c);
            GEMM_UNROLL
            for (int r = 0; r < R; r++) {
                int8x8_t x8 = vget_low_s8(x[r][b]);
                if (b == 0) {
                    low[r] = vmull_s8(x8, vget_low_s8(wv));
                    high[r] = vmull_high_s8(x[r][b], wv);
                } else {
                    low[r] = vmlal_s8(low[r], x8, vget_low_s8(wv));
                    high[r] = vmlal_high_s8(high[r], x[r][b], wv);
                }
            }
        }
        GEMM_UNROLL
        for (int r = 0; r < R; r++) {
            part[r][2 * c] = vpadalq_s16(part[r][2 * c], low[r]);
            part[r][2 * c + 1] = vpadalq_s16(part[r][2 * c + 1], high[r]);
            GEMM_KEEP(part[r][2 * c]);
            GEMM_KEEP(part[r][2 * c + 1]);
        }
    }
}

GEMM_INLINE void dot_tile(int mode, int R, int P, const uint8_t *a, size_t a_stride,
                          const int8_t *w, size_t w_stride, size_t k, struct gemm_step *step,
                          vi acc[TILE_ROWS][MAX_VECS])
{
    int32x4_t part[TILE_ROWS][2 * GEMM_VECS(1)]; /* of columns 0 0 1 1 and 2 2 3 3 of a vector */
    int chain = mode + 1;

    (void)P;
    (void)w_stride;
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        GEMM_UNROLL
        for (int c = 0; c < 2 * GEMM_VECS(1); c++) {
            part[r][c] = vdupq_n_s32(0);
        }
    }
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += 32) {
        for (size_t j = 0; j < step->fetch_n; j++) {
            gemm_prefetch(step->fetch);
            step->fetch += 64;
        }
        GEMM_UNROLL
        for (int b = 0; b < 8; b += chain) {
            dot_blocks(8 - b < chain ? 8 - b : chain, R, a + i + 4 * b, a_stride,
                       w + (i + 4 * (size_t)b) * RLV_KERNEL_PANEL, part);
        }
    }
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        GEMM_UNROLL
        for (int c = 0; c < GEMM_VECS(1); c++) {
            acc[r][c] = vaddq_s32(acc[r][c], vpaddq_s32(part[r][2 * c], part[r][2 * c + 1]));
        }
    }
}

GEMM_INLINE void dot_ones(int P, const int8_t *w, size_t w_stride, size_t k, vi sum[MAX_VECS])
{
    (void)P;
    (void)w_stride;
    GEMM_UNROLL
    for (int c = 0; c < GEMM_VECS(1); c++) {
        sum[c] = vi_zero();
    }
    for (size_t i = 0; i < k; i += 4) {
        GEMM_UNROLL
        for (int c = 0; c < GEMM_VECS(1); c++) {
            int8x16_t x = vld1q_s8(w + i * RLV_KERNEL_PANEL + 16 * c);
            sum[c] = vpadalq_s16(sum[c], vpaddlq_s8(x));
        }
    }
}

#include "gemm_q8.inc"
