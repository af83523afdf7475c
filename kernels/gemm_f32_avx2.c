/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_f32_avx2.c - f32 GEMM on 256-bit registers: 6 rows x 1 panel are 12 sums, which hide the
 * latency of fma (4 to 5 cycles, 2 a cycle); 2 weights and an activation fill 15 of the 16
 * registers.
 */
#include "gemm_vec_avx2.h"

#define GEMM_NAME(op) rlv_##op##_avx2
#define TILE_ROWS 6
#define TILE_PANELS 1
#define FEW_ROWS 0
#define REST_ROWS TILE_ROWS

#include "gemm_f32.inc"
