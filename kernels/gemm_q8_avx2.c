/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_avx2.c - integer GEMM on 256-bit registers; the products stand in gemm_dot_maddubs.inc.
 *
 * 16 registers: 4 rows x 1 panel take 8 for sums, 4 for the weights of two blocks, and the rest
 * for what is under way; a chain of 4 keeps 16-bit sums too, so it takes 3 rows.
 */
#include "gemm_vec_avx2.h"

#define GEMM_NAME(op) rlv_##op##_avx2
#define TILE_ROWS GEMM_ROWS(4)
#define CHAIN_ROWS GEMM_ROWS(3)
#define TILE_PANELS 1
#define FEW_ROWS 0
#define REST_ROWS TILE_ROWS
#define GROUP_ROWS GEMM_ROWS(4)
#define FETCH_K 32
#define ACTIVATION_BIAS 0

#include "gemm_dot_maddubs.inc"
#include "gemm_q8.inc"
