/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_common.h - what the GEMM templates share: macros for the compiler, and how rows are split.
 */
#ifndef RLV_GEMM_COMMON_H
#define RLV_GEMM_COMMON_H

#include "list.h"

/* A tile is one function inlined for each constant number of rows, its loops over rows and columns
 * unrolled, so that the sums live in registers; without these the compilers stop half-way. */
#define GEMM_INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define GEMM_UNROLL _Pragma("clang loop unroll(full)")
#define GEMM_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define GEMM_UNROLL _Pragma("GCC unroll 32")
#define GEMM_ROLLED _Pragma("GCC unroll 1")
#endif

/* Keeps a sum in its register: GCC 12 otherwise copies all of them at the end of each round. */
#if RLV_ARM
#define GEMM_VECTOR "w"
#else
#define GEMM_VECTOR "v"
#endif
#if defined(__clang__) || (defined(RLV_SIMDE) && RLV_SIMDE)
#define GEMM_KEEP(x) ((void)0)
#else
#define GEMM_KEEP(x) __asm__("" : "+" GEMM_VECTOR(x))
#endif

/* Rows of a tile.  Builds that compile slowly (SIMDe, sanitizers) take the same code with two rows
 * at most: the number of tiles is what multiplies it. */
#if defined(RLV_SMALL_TILES) && RLV_SMALL_TILES
#define GEMM_ROWS(n) 2
#else
#define GEMM_ROWS(n) (n)
#endif

/* What a switch over the rows of a tile has to list; TILE_CASE is the includer's. */
/* clang-format off */
#define GEMM_TILE_CASES                                                                            \
    TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)                  \
    TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12)
/* clang-format on */

static inline size_t gemm_min(size_t a, size_t b) { return a < b ? a : b; }

/* The number of tiles of at most 'max' rows. */
static inline size_t gemm_tile_n(size_t rows, size_t max) { return (rows + max - 1) / max; }

/* Rows dealt evenly to 'tile_n' tiles, in multiples of 'step', which divides what a tile takes.  Divided
 * once for all panels: between two tiles a division is 1 to 2 % of a product with K = 384 on Zen 3. */
struct gemm_deal {
    size_t rows, step, even, more; /* 'more' tiles get a step more than 'even' steps */
};

static inline struct gemm_deal gemm_deal_rows(size_t rows, size_t tile_n, size_t step)
{
    size_t steps = (rows + step - 1) / step;
    struct gemm_deal d = {rows, step, steps / tile_n, steps % tile_n};
    return d;
}

/* Rows of tile i, which begins at 'row'. */
static inline size_t gemm_dealt(const struct gemm_deal *d, size_t i, size_t row)
{
    return gemm_min(d->rows - row, (d->even + (i < d->more)) * d->step);
}

/* Vectors of P panels. */
#define GEMM_VECS(P) ((P) * (RLV_KERNEL_PANEL / LANES))
#define MAX_VECS GEMM_VECS(TILE_PANELS)

/* The weights that a tile prefetches: 'fetch_n' cache lines for each FETCH_K input channels.  A
 * number, not a pointer, since it may run past the end of the weights. */
struct gemm_step {
    uintptr_t fetch;
    size_t fetch_n;
};

/* To all caches; never faults. */
#define gemm_prefetch(p) __builtin_prefetch((const void *)(p), 0, 3)

#endif /* RLV_GEMM_COMMON_H */
