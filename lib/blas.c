/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blas.c - f32 GEMM through OpenBLAS, where it is built in (make BLAS=openblas).
 *
 * The file holds weights as panels of 16 columns; a few panels at a time are copied side by side
 * into a [k, 128] matrix, which sgemm takes.  Only a serial OpenBLAS is used: the worker threads
 * split the columns already, and a threaded one would multiply them.
 */
#include "internal.h"

#if defined(RLV_OPENBLAS)
#include <cblas.h>
#include <string.h>

int rlv_blas_usable(void) { return openblas_get_parallel() == OPENBLAS_SEQUENTIAL; }

void rlv_blas_gemm_f32(const struct rlv_gemm_f32 *g, size_t panel_first, size_t panel_n,
                       float *scratch)
{
    const size_t width = sizeof(float) * RLV_PANEL;
    while (panel_n != 0) {
        size_t tile = panel_n < RLV_BLAS_PANELS ? panel_n : RLV_BLAS_PANELS;
        size_t n = tile * RLV_PANEL;
        for (size_t p = 0; p < tile; p++)
            for (size_t k = 0; k < g->k; k++)
                memcpy(scratch + k * n + p * RLV_PANEL,
                       g->w + (panel_first + p) * g->w_stride + k * RLV_PANEL, width);
        for (size_t r = 0; r < g->rows; r++)
            memcpy(g->y + r * g->y_stride + panel_first * RLV_PANEL,
                   g->bias + panel_first * RLV_PANEL, tile * width);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)g->rows, (blasint)n,
                    (blasint)g->k, 1.0f, g->a, (blasint)g->a_stride, scratch, (blasint)n, 1.0f,
                    g->y + panel_first * RLV_PANEL, (blasint)g->y_stride);
        panel_first += tile;
        panel_n -= tile;
    }
}
#else

int rlv_blas_usable(void) { return 0; }

void rlv_blas_gemm_f32(const struct rlv_gemm_f32 *g, size_t panel_first, size_t panel_n,
                       float *scratch)
{
    (void)g; /* never called: relevance_context_create() refuses RELEVANCE_F32_GEMM_BLAS */
    (void)panel_first;
    (void)panel_n;
    (void)scratch;
}
#endif
