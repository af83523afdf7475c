/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_avx512vnni.c - integer GEMM by vpdpbusd: four u8 x s8 products added to each int32,
 * without saturation on the way, so every bit width is exact at the same speed.
 *
 * The weight layout was made for it: a register holds 4 channels of a panel's 16 columns, and the
 * same 4 activations go to all lanes by a broadcast load.  12 x 2 registers of sums: 14 loads feed
 * 24 vpdpbusd, and 24 hide its latency (2 a cycle, 4 to 5 cycles).  8 x 3 and 14 x 2 measured the
 * same within noise; 2 panels divide every usual matrix.
 */
#include "gemm_vec_avx512.h"

#include <string.h>

#define GEMM_NAME(op) rlv_##op##_avx512vnni
#define TILE_ROWS GEMM_ROWS(12)
#define TILE_PANELS 2
#define GROUP_ROWS GEMM_ROWS(8)
#define FEW_ROWS 3
#define REST_ROWS GEMM_ROWS(6)
#define FETCH_K 8
#define ACTIVATION_BIAS 0

#define DOT_MODES 1
#define DOT_ROWS(mode) TILE_ROWS
#define dot_mode(g) 0

GEMM_INLINE void dot_tile(int mode, int R, int P, const uint8_t *a, size_t a_stride,
                          const int8_t *w, size_t w_stride, size_t k, struct gemm_step *step,
                          vi acc[TILE_ROWS][MAX_VECS])
{
    (void)mode;
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += FETCH_K) {
        for (size_t j = 0; j < step->fetch_n; j++) {
            gemm_prefetch(step->fetch);
            step->fetch += 64;
        }
        GEMM_UNROLL
        for (int b = 0; b < FETCH_K; b += 4) {
            vi wv[MAX_VECS];

            GEMM_UNROLL
            for (int c = 0; c < P; c++) {
                wv[c] = vi_load(w + (size_t)c * w_stride + b * RLV_KERNEL_PANEL);
            }
            GEMM_UNROLL
            for (int r = 0; r < R; r++) {
                vi x = vi_load4(a + (size_t)r * a_stride + b);
                GEMM_UNROLL
                for (int c = 0; c < P; c++) {
                    acc[r][c] = _mm512_dpbusd_epi32(acc[r][c], x, wv[c]);
                    GEMM_KEEP(acc[r][c]);
                }
            }
        }
        a += FETCH_K;
        w += FETCH_K * RLV_KERNEL_PANEL;
    }
}

#include "gemm_q8.inc"
