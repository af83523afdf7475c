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
#if defined(__clang__) || (defined(RLV_SIMDE) && RLV_SIMDE)
#define GEMM_KEEP(x) ((void)0)
#else
#define GEMM_KEEP(x) __asm__("" : "+v"(x))
#endif

static inline size_t gemm_min(size_t a, size_t b) { return a < b ? a : b; }

/* The number of tiles of at most 'max' rows, and the first row of tile i when they are even. */
static inline size_t gemm_tile_n(size_t rows, size_t max) { return (rows + max - 1) / max; }
static inline size_t gemm_tile_row(size_t rows, size_t tile_n, size_t i)
{
    return rows / tile_n * i + gemm_min(i, rows % tile_n);
}

/* Vectors of P panels. */
#define GEMM_VECS(P) ((P) * (RLV_KERNEL_PANEL / LANES))
#define MAX_VECS GEMM_VECS(NARROW_PANELS) /* of the widest tile */

/* What a tile is told besides its place: the weights that it prefetches, 'fetch_n' cache lines for
 * each FETCH_K input channels, and the number of products that may be summed in 16 bits. */
struct gemm_step {
    const int8_t *fetch;
    size_t fetch_n;
    size_t chain;
};

/* To all caches; never faults, so it may run past the end of the weights. */
#define gemm_prefetch(p) __builtin_prefetch(p, 0, 3)

#endif /* RLV_GEMM_COMMON_H */
