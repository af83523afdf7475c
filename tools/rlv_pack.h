/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_pack.h - matrices to the layouts of a model file (lib/format.h, enum rlv_layout).
 *
 * Each returns rlv_tensor_len() bytes that the caller frees with free(), padding included, or NULL
 * where memory is out.
 */
#ifndef RLV_TOOLS_PACK_H
#define RLV_TOOLS_PACK_H

#include <stddef.h>
#include <stdint.h>

/* 'n' 32-bit elements. */
void *rlv_pack_vector(const void *elements, uint32_t n);

/* [n, k] floats to PANEL or ROWS ('layout') of dtype f32 or f16. */
void *rlv_pack_float(unsigned dtype, unsigned layout, const float *w, uint32_t n, uint32_t k);

/* [n, k] integers to PANEL or ROWS ('layout') of dtype q8, q6, q5, q4 or q3. */
void *rlv_pack_integer(unsigned dtype, unsigned layout, const int8_t *w, uint32_t n, uint32_t k);

/* Scales of a linear layer with groups, [n, group_n], to the order [n16/16][group_n][16]. */
float *rlv_pack_scales(const float *scale, uint32_t n, uint32_t group_n);

#endif /* RLV_TOOLS_PACK_H */
