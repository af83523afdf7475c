/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_avx512.c - integer GEMM on 512-bit registers without VNNI (Skylake-SP); the products
 * stand in gemm_dot_maddubs.inc.
 *
 * 8 rows x 2 panels of sums leave 16 registers for weights and what is under way; a chain of 4
 * keeps 16-bit sums too, so it takes 6 rows, as do f32 sums of groups.
 */
#include "gemm_vec_avx512.h"

#define GEMM_NAME(op) rlv_##op##_avx512
#define TILE_ROWS GEMM_ROWS(8)
#define CHAIN_ROWS GEMM_ROWS(6)
#define TILE_PANELS 2
#define GROUP_ROWS GEMM_ROWS(6)
#define FEW_ROWS 3
#define REST_ROWS GEMM_ROWS(3)
#define FETCH_K 32
#define ACTIVATION_BIAS 0

#include "gemm_dot_maddubs.inc"
#include "gemm_q8.inc"
