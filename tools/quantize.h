/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize.h - float weights to small integers: what docs/numerics.md calls the weights' half of
 * quantisation.
 */
#ifndef RLV_TOOLS_QUANTIZE_H
#define RLV_TOOLS_QUANTIZE_H

#include <stdint.h>

#include "failure.h"
#include "gptq.h"

/* A linear layer, y = x W^T + b. */
struct linear_f32 {
    uint32_t n, k;       /* output and input channels */
    const float *weight; /* [n, k] */
    const float *bias;   /* [n] */
};

struct quantize_options {
    unsigned bits;      /* of storage: 8, 6, 5, 4 or 3 */
    unsigned w_max;     /* 127: weights in [-127, 127]; else in [-w_max, w_max - 1] */
    unsigned chain;     /* sums of 16 bits that the weights have to allow: 0, 1, 2 or 4 (grid.h) */
    uint32_t group;     /* input channels that share a scale, a multiple of 32; 0: all */
    uint32_t outlier_n; /* input channels to keep in f32, where the calibration chooses */
    const struct workers *workers; /* NULL: none but the caller; results are the same */
};

/* What was learnt of a layer's inputs; any member may be NULL. */
struct calibration {
    float *input_scale;      /* [k]: a smoothing factor of each input channel, above 0 */
    uint32_t *outlier_index; /* [outlier_n], ascending: channels to keep in f32 */
    uint32_t outlier_n;
    float *importance; /* [k32]: mean square of each input, to search scales by */
    struct gptq_factor factor; /* of the channels [k32] (0 where an outlier was), the outliers, a 1
                                  that the bias multiplies; without panels weights are just
                                  rounded.  Needs options->workers */
};

/* The same layer, quantised; see enum rlv_slot in lib/format.h for what it computes. */
struct linear_q {
    uint32_t n, k;
    unsigned bits, w_max;
    uint32_t group, group_n; /* group_n: scales a channel, 1 where group is 0 */
    int8_t *w;               /* [n, k]; 0 in outlier channels */
    float *scale;            /* [n, group_n]; may be negative: see quantize.c */
    float *bias;             /* [n] */
    float *input_scale;      /* [k], 0 in outlier channels; NULL: all 1 */
    uint32_t outlier_n;
    uint32_t *outlier_index; /* [outlier_n] */
    float *outlier_weight;   /* [outlier_n, n] */
    double error, norm;      /* sums of squares of (weight - its approximation), and of weight */
};

/* An embedding table, quantised. */
struct table_q {
    uint32_t rows, cols;
    unsigned bits;
    uint32_t group, group_n;
    int8_t *w;    /* [rows, cols] */
    float *scale; /* [rows, group_n] */
    double error, norm;
};

/*
 * quantize_linear() - 'in' to 'out', which linear_q_free() frees.
 * 'stats'  NULL: nothing is known of the inputs; no smoothing, no outliers.
 * Returns 0, or -1 and a message.
 */
int quantize_linear(const struct linear_f32 *in, const struct quantize_options *options,
                    const struct calibration *stats, struct linear_q *out,
                    struct failure *failure);
void linear_q_free(struct linear_q *q);

/*
 * quantize_search_scale() - a scale for 'n' weights, a multiple of 16: the least sum of
 * importance[i] * (w[i] - its approximation)^2.  0 where all are (nearly) 0.  The weights begin a block
 * of 'chain', where that is not 0.
 */
float quantize_search_scale(const float *w, const float *importance, uint32_t n, unsigned bits,
                            unsigned w_max, unsigned chain);

/* quantize_table() - likewise for a table [rows, cols]; w_max and outlier_n are not used. */
int quantize_table(const float *table, uint32_t rows, uint32_t cols,
                   const struct quantize_options *options, struct table_q *out,
                   struct failure *failure);
void table_q_free(struct table_q *q);

#endif /* RLV_TOOLS_QUANTIZE_H */
