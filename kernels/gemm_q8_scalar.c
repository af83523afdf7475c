/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_scalar.c - the specification of gemm_q8 and gemm_q8g in plain C.
 *
 * One row by one panel of 16 output channels, in the order of operations that kernels.h states;
 * the SIMD versions must give the same bits.  It also runs on any CPU without a faster version,
 * so the inner loop is one that compilers vectorise.
 *
 * Limits: k <= 65536 keeps the exact sum within int32 (255 * 128 * 65536 < 2^31).  fmaf() must
 * round once, which C11 asks of it; without an FMA instruction libm does that in software,
 * slowly.
 */
#include "list.h"

#include <math.h>

/* acc[c] += sum of a[k] * w[c][k] over 'block_n' blocks of 4 input channels. */
static void dot_panel(const uint8_t *a, const int8_t *w, size_t block_n, int32_t *acc)
{
    for (size_t b = 0; b < block_n; b++) {
        int32_t a0 = a[4 * b], a1 = a[4 * b + 1], a2 = a[4 * b + 2], a3 = a[4 * b + 3];
        for (size_t c = 0; c < RLV_KERNEL_PANEL; c++) {
            const int8_t *wc = w + 64 * b + 4 * c;
            acc[c] += a0 * wc[0] + a1 * wc[1] + a2 * wc[2] + a3 * wc[3];
        }
    }
}

/* The outlier part of the contract, for one row and one panel. */
static void add_outliers(const struct rlv_gemm_q8 *g, size_t row, size_t panel, float *y)
{
    for (size_t o = 0; o < g->outlier_n; o++) {
        float x = g->x_outlier[row * RLV_KERNEL_OUTLIER_STRIDE + o];
        const float *w = g->w_outlier + o * g->outlier_stride + panel * RLV_KERNEL_PANEL;
        for (size_t c = 0; c < RLV_KERNEL_PANEL; c++) {
            y[c] = fmaf(x, w[c], y[c]);
        }
    }
}

void rlv_gemm_q8_scalar(const struct rlv_gemm_q8 *g, size_t panel_first, size_t panel_n)
{
    for (size_t p = panel_first; p < panel_first + panel_n; p++) {
        const int8_t *w = g->w + p * g->k * RLV_KERNEL_PANEL;
        for (size_t m = 0; m < g->rows; m++) {
            int32_t acc[RLV_KERNEL_PANEL] = {0};
            float *y = g->y + m * g->y_stride + p * RLV_KERNEL_PANEL;

            dot_panel(g->a + m * g->a_stride, w, g->k / 4, acc);
            for (size_t c = 0; c < RLV_KERNEL_PANEL; c++) {
                size_t n = p * RLV_KERNEL_PANEL + c;
                uint32_t zero_part = (uint32_t)g->a_zero[m] * (uint32_t)g->w_sum[n];
                float t = (float)(int32_t)((uint32_t)acc[c] - zero_part);
                y[c] = fmaf(t, g->a_scale[m] * g->w_scale[n], g->bias[n]);
            }
            add_outliers(g, m, p, y);
        }
    }
}

void rlv_gemm_q8g_scalar(const struct rlv_gemm_q8g *gg, size_t panel_first, size_t panel_n)
{
    const struct rlv_gemm_q8 *g = &gg->base;
    size_t group_n = (g->k + gg->group - 1) / gg->group;

    for (size_t p = panel_first; p < panel_first + panel_n; p++) {
        const int8_t *w = g->w + p * g->k * RLV_KERNEL_PANEL;
        const float *w_scale = g->w_scale + p * group_n * RLV_KERNEL_PANEL;
        for (size_t m = 0; m < g->rows; m++) {
            float s[RLV_KERNEL_PANEL] = {0};
            float *y = g->y + m * g->y_stride + p * RLV_KERNEL_PANEL;

            for (size_t i = 0; i < group_n; i++) {
                int32_t acc[RLV_KERNEL_PANEL] = {0};
                size_t k = i * gg->group;
                size_t len = g->k - k < gg->group ? g->k - k : gg->group;

                dot_panel(g->a + m * g->a_stride + k, w + k * RLV_KERNEL_PANEL, len / 4, acc);
                for (size_t c = 0; c < RLV_KERNEL_PANEL; c++) {
                    s[c] = fmaf((float)acc[c], w_scale[i * RLV_KERNEL_PANEL + c], s[c]);
                }
            }
            for (size_t c = 0; c < RLV_KERNEL_PANEL; c++) {
                size_t n = p * RLV_KERNEL_PANEL + c;
                float t = fmaf(-(float)g->a_zero[m], gg->w_fsum[n], s[c]);
                y[c] = fmaf(t, g->a_scale[m], g->bias[n]);
            }
            add_outliers(g, m, p, y);
        }
    }
}
