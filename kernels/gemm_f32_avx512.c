/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_f32_avx512.c - f32 GEMM on 512-bit registers: 12 rows x 2 panels, 24 of 32 registers; 14
 * loads feed 24 fma, of which a core does 2 a cycle.
 */
#include "gemm_vec_avx512.h"

#define GEMM_NAME(op) rlv_##op##_avx512
#define TILE_ROWS 12
#define TILE_PANELS 2
#define FEW_ROWS 3
#define REST_ROWS 6

#include "gemm_f32.inc"
