/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_neondot.c - integer GEMM by sdot (Armv8.2 dotprod: Cortex-A55, A76, Apple M1).
 *
 * sdot by element is what the weight layout gives it: four columns of four channels, times the
 * four activations in one element of a register that holds 16 of a row.  Activations go as a - 128
 * (an exclusive or), since both sides are signed; the zero point makes that good.
 *
 * 6 rows x 1 panel: 24 registers of sums, 6 of activations, 2 of weights.  Not timed on a CPU yet.
 */
#include "gemm_vec_neon.h"

#define GEMM_NAME(op) rlv_##op##_neondot
#define TILE_ROWS GEMM_ROWS(6)
#define TILE_PANELS 1
#define FEW_ROWS 0
#define REST_ROWS TILE_ROWS
#define GROUP_ROWS GEMM_ROWS(4) /* the f32 sums take as many */
#define FETCH_K 16
#define ACTIVATION_BIAS 128

#define DOT_MODES 1
#define DOT_ROWS(mode) TILE_ROWS
#define dot_mode(g) 0

/* The intrinsic wants a literal for the element. */
#define DOT_BLOCK(b)                                                                               \
    GEMM_UNROLL                                                                                    \
    for (int c = 0; c < GEMM_VECS(P); c++) {                                                       \
        int8x16_t wv = vld1q_s8(w + (size_t)(c / GEMM_VECS(1)) * w_stride + 64 * (b) +             \
                                c % GEMM_VECS(1) * 16);                                            \
        GEMM_UNROLL                                                                                \
        for (int r = 0; r < R; r++) {                                                              \
            acc[r][c] = vdotq_laneq_s32(acc[r][c], wv, x[r], b);                                   \
            GEMM_KEEP(acc[r][c]);                                                                  \
        }                                                                                          \
    }

GEMM_INLINE void dot_tile(int mode, int R, int P, const uint8_t *a, size_t a_stride,
                          const int8_t *w, size_t w_stride, size_t k, struct gemm_step *step,
                          vi acc[TILE_ROWS][MAX_VECS])
{
    (void)mode;
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += FETCH_K) {
        int8x16_t x[TILE_ROWS];

        for (size_t j = 0; j < step->fetch_n; j++) {
            gemm_prefetch(step->fetch);
            step->fetch += 64;
        }
        GEMM_UNROLL
        for (int r = 0; r < R; r++) {
            uint8x16_t u = vld1q_u8(a + (size_t)r * a_stride);
            x[r] = vreinterpretq_s8_u8(veorq_u8(u, vdupq_n_u8(0x80)));
        }
        DOT_BLOCK(0)
        DOT_BLOCK(1)
        DOT_BLOCK(2)
        DOT_BLOCK(3)
        a += FETCH_K;
        w += FETCH_K * RLV_KERNEL_PANEL;
    }
}

GEMM_INLINE void dot_ones(int P, const int8_t *w, size_t w_stride, size_t k, vi sum[MAX_VECS])
{
    GEMM_UNROLL
    for (int c = 0; c < GEMM_VECS(P); c++) {
        const int8_t *wc = w + (size_t)(c / GEMM_VECS(1)) * w_stride + c % GEMM_VECS(1) * 16;

        sum[c] = vi_zero();
        for (size_t i = 0; i < k; i += 4) {
            sum[c] = vdotq_s32(sum[c], vld1q_s8(wc + i * RLV_KERNEL_PANEL), vdupq_n_s8(1));
        }
    }
}

#include "gemm_q8.inc"
