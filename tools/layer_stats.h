/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_stats.h - what a linear layer's inputs tell about how to quantise it.
 */
#ifndef RLV_TOOLS_LAYER_STATS_H
#define RLV_TOOLS_LAYER_STATS_H

#include <stddef.h>

#include "linalg.h"
#include "quantize.h"

/*
 * layer_stats() - outlier channels, smoothing factors and the factor that error-correcting rounding
 * needs, for one layer.
 *
 * 'x'        [rows, linear->k] with x_stride: inputs of the layer as they are in f32.
 * 'options'  outlier_n (fewer are taken where the layer has less than four times as many inputs),
 *            w_max and group.
 * 'out'      calibration_free() frees it.
 * Returns 0, or -1 and a message: memory is out, or the inputs are not finite.
 */
int layer_stats(const float *x, size_t x_stride, size_t rows, const struct linear_f32 *linear,
                const struct quantize_options *options, struct calibration *out,
                struct failure *failure);

void calibration_free(struct calibration *calibration);

#endif /* RLV_TOOLS_LAYER_STATS_H */
