/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_model.h - a checkpoint to the contents of a model file: what 'relevance convert' does between
 * reading its options and writing the file.
 */
#ifndef RLV_TOOLS_CONVERT_MODEL_H
#define RLV_TOOLS_CONVERT_MODEL_H

#include <stdint.h>

#include "failure.h"
#include "hf_model.h"
#include "rlv_write.h"

/* How numbers are stored: "f32", "f16", "q8" ... "q3". */
struct convert_format {
    const char *name;
    unsigned dtype; /* enum rlv_dtype */
    unsigned w_max; /* of a quantised one */
    unsigned chain; /* of its layers, where w_max alone does not promise as much: lib/format.h */
    uint32_t group, embedding_group; /* by default, where a layer, or a row, is as wide as that */
};

/* The format of that name, or NULL. */
const struct convert_format *convert_format_find(const char *name);

#define CONVERT_DEFAULT_GROUP UINT32_MAX /* the format's */

/* Another format for the matrices whose names match a pattern; see convert_tensor_name(). */
struct convert_override {
    const char *pattern; /* as of fnmatch(): '*', '?', '[...]'; '*' goes over dots too */
    const struct convert_format *format;
    uint32_t group; /* CONVERT_DEFAULT_GROUP: the format's, whatever convert_options say */
};

struct convert_options {
    const struct convert_format *weights;    /* of the linear layers */
    const struct convert_format *embeddings; /* of the word embedding table; q7 is not one */
    uint32_t group, embedding_group; /* 0: one scale a channel, or a row; CONVERT_DEFAULT_GROUP */
    const struct convert_override *overrides; /* [override_n]; the last one that matches counts */
    size_t override_n;
    uint32_t outlier_n;
    uint32_t chain; /* of q7 layers: 1, 2 or 4; 0: as decision 0004 measured */
    const char *calibration; /* a file of pairs; NULL: built-in texts; "none": just rounding */
    unsigned threads;
};

#define CONVERT_PART_N (RLV_PART_TOKEN_CLASSIFIER + 1)

/* What was stored of one part of the network, all layers together. */
struct convert_part {
    const char *name;   /* NULL: the network has no such part */
    const char *format; /* of its weights in the first layer */
    const char *other;  /* the last other one that occurs, or NULL */
    uint32_t n;         /* layers that have it */
    uint32_t rows, cols;
    uint64_t len;       /* bytes, with scales, biases and padding */
    double error, norm; /* sums of squares of (weight - its approximation), and of weight */
};

struct convert_report {
    struct convert_part parts[CONVERT_PART_N]; /* by enum rlv_part */
    uint64_t parameter_n;
    int quantised; /* some linear layer is */
};

/*
 * convert_tensor_name() - what a matrix is called in patterns: "embeddings.word", "layers.0.qkv",
 * "layers.0.attention_out", "layers.0.ffn1", "layers.0.ffn2" ..., "pooler"; NULL: none of these, its
 * format is fixed.
 */
#define CONVERT_NAME_CAP 40
const char *convert_tensor_name(char *name, uint32_t layer, unsigned part);

/*
 * convert_model() - fill the writer's configuration, vocabulary and tensors.
 *
 * Labels get a gain by their name (see docs/format.md).  Returns 0, or -1 and a message; the writer is to
 * be freed either way.
 */
int convert_model(const struct hf_model *model, const struct convert_options *options,
                  struct rlv_writer *writer, struct convert_report *report,
                  struct failure *failure);

#endif /* RLV_TOOLS_CONVERT_MODEL_H */
