/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_neoni8mm.c - integer GEMM by usmmla (Armv8.6 i8mm: Neoverse V1, Apple M2).
 *
 * usmmla multiplies 2 rows x 8 channels of u8 by 2 columns x 8 channels of s8, twice the work of
 * sdot and without its detour over signed activations.  Two blocks of the layout, 4 columns x 4
 * channels each, zipped by 32-bit elements make two such pairs of columns.  Rows go in pairs, an
 * odd last one with itself.
 *
 * 6 rows x 1 panel: 24 registers of sums, 3 of activations, 4 of weights.  Not timed yet.
 */
#include "gemm_vec_neon.h"

#define GEMM_NAME(op) rlv_##op##_neoni8mm
#define TILE_ROWS GEMM_ROWS(6)
#define TILE_PANELS 1
#define FEW_ROWS 0
#define REST_ROWS TILE_ROWS
#define GROUP_ROWS GEMM_ROWS(4) /* the f32 sums take as many */
#define ROW_STEP 2
#define FETCH_K 8
#define ACTIVATION_BIAS 0

#define DOT_MODES 1
#define DOT_ROWS(mode) TILE_ROWS
#define dot_mode(g) 0

GEMM_INLINE void dot_tile(int mode, int R, int P, const uint8_t *a, size_t a_stride,
                          const int8_t *w, size_t w_stride, size_t k, struct gemm_step *step,
                          vi acc[TILE_ROWS][MAX_VECS])
{
    /* Of columns 0 1 and 2 3 of a vector, rows r and r + 1: r0 r1 r0+1 r1+1. */
    int32x4_t part[(TILE_ROWS + 1) / 2][2 * MAX_VECS];
    int pairs = (R + 1) / 2;

    (void)mode;
    GEMM_UNROLL
    for (int r = 0; r < pairs; r++) {
        GEMM_UNROLL
        for (int c = 0; c < 2 * GEMM_VECS(P); c++) {
            part[r][c] = vdupq_n_s32(0);
        }
    }
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += FETCH_K) {
        uint8x16_t x[(TILE_ROWS + 1) / 2];

        for (size_t j = 0; j < step->fetch_n; j++) {
            gemm_prefetch(step->fetch);
            step->fetch += 64;
        }
        GEMM_UNROLL
        for (int r = 0; r < pairs; r++) {
            const uint8_t *row = a + (size_t)(2 * r) * a_stride + i;
            x[r] = vcombine_u8(vld1_u8(row), vld1_u8(2 * r + 1 < R ? row + a_stride : row));
        }
        GEMM_UNROLL
        for (int c = 0; c < GEMM_VECS(P); c++) {
            const int8_t *wc = w + (size_t)(c / GEMM_VECS(1)) * w_stride + i * RLV_KERNEL_PANEL +
                               c % GEMM_VECS(1) * 16;
            int32x4_t w0 = vreinterpretq_s32_s8(vld1q_s8(wc));
            int32x4_t w1 = vreinterpretq_s32_s8(vld1q_s8(wc + 64));
            int8x16_t low = vreinterpretq_s8_s32(vzip1q_s32(w0, w1));
            int8x16_t high = vreinterpretq_s8_s32(vzip2q_s32(w0, w1));

            GEMM_UNROLL
            for (int r = 0; r < pairs; r++) {
                part[r][2 * c] = vusmmlaq_s32(part[r][2 * c], x[r], low);
                part[r][2 * c + 1] = vusmmlaq_s32(part[r][2 * c + 1], x[r], high);
                GEMM_KEEP(part[r][2 * c]);
                GEMM_KEEP(part[r][2 * c + 1]);
            }
        }
    }
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        GEMM_UNROLL
        for (int c = 0; c < GEMM_VECS(P); c++) {
            int64x2_t p0 = vreinterpretq_s64_s32(part[r / 2][2 * c]);
            int64x2_t p1 = vreinterpretq_s64_s32(part[r / 2][2 * c + 1]);
            int64x2_t both = r % 2 == 0 ? vzip1q_s64(p0, p1) : vzip2q_s64(p0, p1);

            acc[r][c] = vaddq_s32(acc[r][c], vreinterpretq_s32_s64(both));
        }
    }
}

#include "gemm_q8.inc"
