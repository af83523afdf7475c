/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate.h - runs texts through a model in f32 and keeps what its linear layers read.
 */
#ifndef RLV_TOOLS_CALIBRATE_H
#define RLV_TOOLS_CALIBRATE_H

#include <stddef.h>
#include <stdint.h>

#include "layer_stats.h"

struct calibrator;

/*
 * calibrator_open() - make ready to calibrate.
 *
 * 'image'    a model file in memory, of 'len' bytes, with f32 linear layers; calibrator_close()
 *            frees it with free(), on failure this function does.
 * 'texts'    a file that tools/reader.h reads: pairs ("query" and "title" columns) or single texts (a
 *            "text" column, or lines without columns); NULL: the built-in texts and random tokens.
 * 'workers'  must stay until calibrator_close().
 * Returns 0, or -1 and a message.
 */
int calibrator_open(struct calibrator **calibrator, void *image, size_t len, const char *texts,
                    const struct workers *workers, struct failure *failure);
void calibrator_close(struct calibrator *calibrator);

/*
 * calibrator_layer() - layer_stats() of the linear layer 'part' (enum rlv_part) of 'layer'.
 *
 * Layers are to be asked for in ascending order, the pooler last, each part once: the inputs of as
 * many layers as fit a limit are kept at a time, and freed once used. Returns 0, or -1 and a
 * message.
 */
int calibrator_layer(struct calibrator *calibrator, uint32_t layer, unsigned part,
                     const struct linear_f32 *linear, const struct quantize_options *options,
                     struct calibration *out, struct failure *failure);

#endif /* RLV_TOOLS_CALIBRATE_H */
