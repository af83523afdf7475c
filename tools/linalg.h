/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linalg.h - dense f32 linear algebra for the converter: products, Gram matrix, Cholesky factor.
 *
 * The multiplications run in the library's gemm_f32 kernels, which give the same bits on every
 * instruction set; the rest is plain C without contraction; work is shared out in pieces whose
 * results do not depend on who computes them.  So every function here gives the same bits on any
 * machine, with any number of workers.
 */
#ifndef RLV_TOOLS_LINALG_H
#define RLV_TOOLS_LINALG_H

#include <stddef.h>

#include "../kernels/kernels.h"

struct rlv_pool;

struct workers { /* zeroed at birth */
    struct rlv_pool *pool;
    const struct rlv_kernels *kernels;
    unsigned n;
};

/* 'n' threads, the caller's included.  Returns 0, or -1 where memory or threads are out. */
int workers_open(struct workers *workers, unsigned n);
void workers_close(struct workers *workers);

/* Run task(arg, i, worker) for i in [0, task_n), at most 2^19 of them. */
void workers_run(const struct workers *workers, size_t task_n,
                 void (*task)(void *arg, size_t i, unsigned worker), void *arg);

/* Columns rounded up to whole panels: the stride that a matrix of them needs. */
static inline size_t linalg_padded(size_t n) { return (n + 15) / 16 * 16; }

/* calloc() of floats, 64-byte aligned; free() frees them.  NULL where memory is out. */
float *linalg_alloc(size_t n);

/* b [n, k] with b_stride, transposed to panels [n16/16][k][16]; padding is 0. */
void linalg_pack_transposed(const float *b, size_t b_stride, size_t n, size_t k, float *panels);

/* y[rows, panel_n * 16] = a[rows, k] b, where panel p of b begins at panels + p * panel_stride. */
void linalg_product(const struct rlv_kernels *kernels, const float *a, size_t a_stride, size_t rows,
                    size_t k, const float *panels, size_t panel_stride, size_t panel_n, float *y,
                    size_t y_stride);

/* The same with the rows shared out among the workers. */
void linalg_product_parallel(const struct workers *workers, const float *a, size_t a_stride,
                             size_t rows, size_t k, const float *panels, size_t panel_n, float *y,
                             size_t y_stride);

/*
 * linalg_add_gram() - h += a^T a.
 *
 * 'a'  [rows, m] with a_stride.
 * 'h'  [m, m] with stride linalg_padded(m); only the lower triangle is written.
 * Returns 0, or -1 where memory is out.
 */
int linalg_add_gram(const struct workers *workers, const float *a, size_t a_stride, size_t rows,
                    size_t m, float *h);

/*
 * linalg_cholesky() - L L^T = a, in place.
 *
 * 'a'  [m, m] with stride linalg_padded(m), symmetric and positive definite; its lower triangle
 *      is read and written.
 * Returns 0; -1 where memory is out; 1 where a is not positive definite (then a is spoilt).
 */
int linalg_cholesky(const struct workers *workers, float *a, size_t m);

#endif /* RLV_TOOLS_LINALG_H */
