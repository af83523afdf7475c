/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linalg.c - see linalg.h.
 *
 * Cholesky: left-looking by blocks of columns (Golub & Van Loan, Matrix Computations, 4.2), so that
 * nearly all work is one product a block.  f32 is enough here: the factorisation is backward stable
 * (Higham 2002, theorem 10.3: relative to sqrt(a_ii a_jj), about m * 2^-24 at worst), and the
 * damping that GPTQ adds to the diagonal is a hundred times that.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/internal.h"
#include "linalg.h"

#define PANEL ((size_t)RLV_KERNEL_PANEL)
#define PANELS_AT_ONCE 8 /* 128 columns: with k = 3072 their panels fill 1.5 MB, an L2 cache */
#define ROWS_A_TASK 64
#define BLOCK 128 /* columns of a Cholesky block: PANELS_AT_ONCE panels */

/* ---- workers and memory ---- */

int workers_open(struct workers *workers, unsigned n)
{
    workers->n = n == 0 ? 1 : n;
    workers->kernels = rlv_kernels_get(rlv_kernels_best());
    return rlv_pool_create(&workers->pool, workers->n, NULL, NULL, &rlv_libc_allocator) ==
                   RELEVANCE_OK
               ? 0
               : -1;
}

void workers_close(struct workers *workers)
{
    if (workers->pool != NULL)
        rlv_pool_destroy(workers->pool, &rlv_libc_allocator);
    memset(workers, 0, sizeof *workers);
}

void workers_run(const struct workers *workers, size_t task_n,
                 void (*task)(void *arg, size_t i, unsigned worker), void *arg)
{
    if (task_n > 0)
        rlv_pool_run(workers->pool, task_n, task, arg);
}

float *linalg_alloc(size_t n)
{
    size_t bytes;
    float *p;

    if (n > SIZE_MAX / sizeof *p - 64)
        return NULL;
    bytes = (n * sizeof *p + 63) / 64 * 64;
    p = aligned_alloc(64, bytes > 0 ? bytes : 64);
    if (p != NULL)
        memset(p, 0, bytes);
    return p;
}

/* ---- products ---- */

void linalg_pack_transposed(const float *b, size_t b_stride, size_t n, size_t k, float *panels)
{
    for (size_t p = 0; p * PANEL < n; p++) {
        float *to = panels + p * k * PANEL;
        for (size_t c = 0; c < PANEL; c++) {
            const float *from = b + (p * PANEL + c) * b_stride;
            for (size_t i = 0; i < k; i++)
                to[i * PANEL + c] = p * PANEL + c < n ? from[i] : 0.0f;
        }
    }
}

void linalg_product(const struct rlv_kernels *kernels, const float *a, size_t a_stride, size_t rows,
                    size_t k, const float *panels, size_t panel_stride, size_t panel_n, float *y,
                    size_t y_stride)
{
    static const _Alignas(64) float zeros[PANELS_AT_ONCE * RLV_KERNEL_PANEL];

    for (size_t p = 0; p < panel_n; p += PANELS_AT_ONCE) {
        size_t n = panel_n - p < PANELS_AT_ONCE ? panel_n - p : PANELS_AT_ONCE;
        struct rlv_gemm_f32 g = {.a = a,
                                 .a_stride = a_stride,
                                 .w = panels + p * panel_stride,
                                 .w_stride = panel_stride,
                                 .bias = zeros,
                                 .y = y + p * PANEL,
                                 .y_stride = y_stride,
                                 .rows = rows,
                                 .k = k};
        kernels->gemm_f32(&g, 0, n);
    }
}

struct product {
    const struct rlv_kernels *kernels;
    const float *a, *panels;
    float *y;
    size_t a_stride, rows, k, panel_n, y_stride;
};

static void product_task(void *arg, size_t i, unsigned worker)
{
    const struct product *p = arg;
    size_t first = i * ROWS_A_TASK,
           rows = p->rows - first < ROWS_A_TASK ? p->rows - first : ROWS_A_TASK;

    (void)worker;
    linalg_product(p->kernels, p->a + first * p->a_stride, p->a_stride, rows, p->k, p->panels,
                   p->k * PANEL, p->panel_n, p->y + first * p->y_stride, p->y_stride);
}

void linalg_product_parallel(const struct workers *workers, const float *a, size_t a_stride,
                             size_t rows, size_t k, const float *panels, size_t panel_n, float *y,
                             size_t y_stride)
{
    struct product p = {workers->kernels, a, panels, y, a_stride, rows, k, panel_n, y_stride};

    workers_run(workers, (rows + ROWS_A_TASK - 1) / ROWS_A_TASK, product_task, &p);
}

/* ---- Gram matrix ---- */

struct gram {
    const struct rlv_kernels *kernels;
    const float *transposed; /* [m, rows] */
    const float *panels;     /* [m16/16][rows][16] */
    float *h, *sums;         /* sums: [workers][ROWS_A_TASK, m16] */
    size_t rows, m, task_n;
};

static void gram_task(void *arg, size_t i, unsigned worker)
{
    const struct gram *g = arg;
    size_t first = (g->task_n - 1 - i) * ROWS_A_TASK, stride = linalg_padded(g->m);
    size_t n = g->m - first < ROWS_A_TASK ? g->m - first : ROWS_A_TASK;
    float *sums = g->sums + worker * ROWS_A_TASK * stride;

    /* the longest pieces first, so that the last one to be claimed is short */
    linalg_product(g->kernels, g->transposed + first * g->rows, g->rows, n, g->rows, g->panels,
                   g->rows * PANEL, (first + n + PANEL - 1) / PANEL, sums, stride);
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c <= first + r; c++)
            g->h[(first + r) * stride + c] += sums[r * stride + c];
}

int linalg_add_gram(const struct workers *workers, const float *a, size_t a_stride, size_t rows,
                    size_t m, float *h)
{
    size_t stride = linalg_padded(m);
    float *transposed = linalg_alloc(m * rows), *panels = linalg_alloc(stride * rows);
    float *sums = linalg_alloc(workers->n * ROWS_A_TASK * stride);
    struct gram g = {workers->kernels, transposed, panels, h,
                     sums,             rows,       m,      (m + ROWS_A_TASK - 1) / ROWS_A_TASK};
    int status = -1;

    if (transposed == NULL || panels == NULL || sums == NULL)
        goto done;
    for (size_t t = 0; t < rows; t++) {
        for (size_t c = 0; c < m; c++) {
            float x = a[t * a_stride + c];
            transposed[c * rows + t] = x;
            panels[(c / PANEL * rows + t) * PANEL + c % PANEL] = x;
        }
    }
    workers_run(workers, g.task_n, gram_task, &g);
    status = 0;
done:
    free(transposed);
    free(panels);
    free(sums);
    return status;
}

/* ---- Cholesky ---- */

struct cholesky {
    const struct rlv_kernels *kernels;
    float *a, *panels, *sums; /* panels: of the block's rows; sums: [workers][ROWS_A_TASK, BLOCK] */
    float block[BLOCK * BLOCK]; /* the diagonal block's factor, transposed, diagonal 0 ... */
    float pivots[BLOCK];        /* ... which is here */
    size_t m, stride, at, n;    /* the block's columns are at .. at + n - 1 */
};

/* Take out of ROWS_A_TASK rows, from the block's top on, what the columns left of it contribute. */
static void subtract_task(void *arg, size_t i, unsigned worker)
{
    const struct cholesky *c = arg;
    size_t first = c->at + i * ROWS_A_TASK;
    size_t rows = c->m - first < ROWS_A_TASK ? c->m - first : ROWS_A_TASK;
    float *sums = c->sums + worker * ROWS_A_TASK * BLOCK;

    linalg_product(c->kernels, c->a + first * c->stride, c->stride, rows, c->at, c->panels,
                   c->at * PANEL, (c->n + PANEL - 1) / PANEL, sums, BLOCK);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < c->n && c->at + j <= first + r; j++)
            c->a[(first + r) * c->stride + c->at + j] -= sums[r * BLOCK + j];
}

/* The block on the diagonal, which is small, in double precision. */
static int factor_block(struct cholesky *c)
{
    float *a = c->a + c->at * c->stride + c->at;

    for (size_t j = 0; j < c->n; j++) {
        double pivot = a[j * c->stride + j];
        for (size_t k = 0; k < j; k++)
            pivot -= (double)a[j * c->stride + k] * (double)a[j * c->stride + k];
        if (!(pivot > 0.0) || pivot > 1e30) /* NaN and infinity too */
            return 1;
        pivot = sqrt(pivot);
        a[j * c->stride + j] = (float)pivot;
        for (size_t i = j + 1; i < c->n; i++) {
            double s = a[i * c->stride + j];
            for (size_t k = 0; k < j; k++)
                s -= (double)a[i * c->stride + k] * (double)a[j * c->stride + k];
            a[i * c->stride + j] = (float)(s / pivot);
        }
    }
    memset(c->block, 0, sizeof c->block);
    for (size_t j = 0; j < c->n; j++) {
        c->pivots[j] = a[j * c->stride + j];
        for (size_t i = j + 1; i < c->n; i++)
            c->block[j * BLOCK + i] = a[i * c->stride + j];
    }
    return 0;
}

/* Rows below the block: x L^T = row, column by column. */
static void solve_task(void *arg, size_t i, unsigned worker)
{
    const struct cholesky *c = arg;
    size_t first = c->at + c->n + i * ROWS_A_TASK, last = first + ROWS_A_TASK;

    (void)worker;
    for (size_t r = first; r < last && r < c->m; r++) {
        float *row = c->a + r * c->stride + c->at;
        for (size_t j = 0; j < c->n; j++) {
            const float *l = c->block + j * BLOCK;
            float x = row[j] / c->pivots[j];
            row[j] = x;
            for (size_t k = j / PANEL * PANEL; k < c->n; k += PANEL) /* l is 0 up to j */
                for (size_t e = 0; e < PANEL; e++)
                    row[k + e] -= x * l[k + e];
        }
    }
}

int linalg_cholesky(const struct workers *workers, float *a, size_t m)
{
    size_t stride = linalg_padded(m);
    struct cholesky *c = calloc(1, sizeof *c);
    float *panels = linalg_alloc(BLOCK * m), *sums = NULL;
    int status = -1;

    sums = linalg_alloc(workers->n * ROWS_A_TASK * BLOCK);
    if (c == NULL || panels == NULL || sums == NULL)
        goto done;
    *c = (struct cholesky){.kernels = workers->kernels,
                           .a = a,
                           .panels = panels,
                           .sums = sums,
                           .m = m,
                           .stride = stride};
    for (c->at = 0; c->at < m; c->at += BLOCK) {
        c->n = m - c->at < BLOCK ? m - c->at : BLOCK;
        if (c->at > 0) {
            linalg_pack_transposed(a + c->at * stride, stride, c->n, c->at, panels);
            workers_run(workers, (m - c->at + ROWS_A_TASK - 1) / ROWS_A_TASK, subtract_task, c);
        }
        status = factor_block(c);
        if (status != 0)
            goto done;
        workers_run(workers, (m - c->at - c->n + ROWS_A_TASK - 1) / ROWS_A_TASK, solve_task, c);
    }
done:
    free(c);
    free(panels);
    free(sums);
    return status;
}
