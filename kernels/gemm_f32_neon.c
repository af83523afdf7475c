/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_f32_neon.c - f32 GEMM on 128-bit registers: 6 rows x 1 panel, 24 of 32 registers; 4 weights
 * and an activation fill 29.
 */
#include "gemm_vec_neon.h"

#define GEMM_NAME(op) rlv_##op##_neon
#define TILE_ROWS 6
#define TILE_PANELS 1
#define FEW_ROWS 0
#define REST_ROWS TILE_ROWS

#include "gemm_f32.inc"
