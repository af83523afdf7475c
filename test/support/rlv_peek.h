/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_peek.h - a second reader of model files, for tests: one element at a time, by the formulas of
 * lib/format.h, sharing no code with the library or the converter.  The file must be a good one.
 */
#ifndef RLV_TEST_PEEK_H
#define RLV_TEST_PEEK_H

#include <stddef.h>
#include <stdint.h>

#include "format.h"

struct peek {
    uint8_t *bytes;
    size_t len;
    const struct rlv_config *config;
    const struct rlv_section *sections[RLV_SECTION_META + 1]; /* by kind, NULL where absent */
    const struct rlv_tensor *tensors;
    size_t tensor_n;
    const uint8_t *data;
};

/* Ends the program where the file cannot be read. */
void peek_open(struct peek *p, const char *path);
void peek_close(struct peek *p);

/* NULL where there is none. */
const struct rlv_tensor *peek_find(const struct peek *p, unsigned layer, unsigned part,
                                   unsigned slot);

/* Element [i][j] of an f32 or f16 tensor (vector: j = 0); within the padding too. */
float peek_float(const struct peek *p, const struct rlv_tensor *t, uint32_t i, uint32_t j);

/* Element [i][j] of a quantised tensor, or [i] of an i32 or u32 vector. */
int32_t peek_int(const struct peek *p, const struct rlv_tensor *t, uint32_t i, uint32_t j);

/* Scale of element [i][j] of a quantised weight of 'part', and the weight that it stands for. */
float peek_scale(const struct peek *p, unsigned layer, unsigned part, uint32_t i, uint32_t j);
float peek_weight(const struct peek *p, unsigned layer, unsigned part, uint32_t i, uint32_t j);

#endif /* RLV_TEST_PEEK_H */
