/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_f32_scalar.c - the specification of gemm_f32 in plain C: one accumulator per output, fma
 * over k ascending, starting from the bias.
 *
 * fmaf() must round once, as C11 asks; without an FMA instruction libm does that in software,
 * slowly.
 */
#include "list.h"

#include <math.h>
#include <string.h>

void rlv_gemm_f32_scalar(const struct rlv_gemm_f32 *g, size_t panel_first, size_t panel_n)
{
    for (size_t p = panel_first; p < panel_first + panel_n; p++) {
        const float *w = g->w + p * g->w_stride;
        for (size_t m = 0; m < g->rows; m++) {
            const float *a = g->a + m * g->a_stride;
            float s[RLV_KERNEL_PANEL];

            memcpy(s, g->bias + p * RLV_KERNEL_PANEL, sizeof(s));
            for (size_t k = 0; k < g->k; k++) {
                for (size_t c = 0; c < RLV_KERNEL_PANEL; c++) {
                    s[c] = fmaf(a[k], w[k * RLV_KERNEL_PANEL + c], s[c]);
                }
            }
            memcpy(g->y + m * g->y_stride + p * RLV_KERNEL_PANEL, s, sizeof(s));
        }
    }
}
