/* SPDX-License-Identifier: Apache-2.0 */
/*
 * micro.h - model files of a few KB, made in memory: each architecture, head and weight format.
 *
 * A second writer of the format, independent of tools/: by docs/format.md alone, random weights.
 * Small enough that a test can try each of its bytes.
 */
#ifndef RLV_TEST_MICRO_H
#define RLV_TEST_MICRO_H

#include <stddef.h>
#include <stdint.h>

#include "format.h"

struct micro {
    const char *name;
    unsigned arch, head_kind; /* of format.h */
    unsigned dtype;           /* of the linear layers */
    unsigned table_dtype;     /* of word and position embeddings */
    uint32_t group;           /* of the linear layers and tables; 0: none */
    uint32_t outlier_n;       /* of each linear layer but the classifiers */
    int input_scale;
    uint32_t hidden, heads, layers, inner, positions, labels, token_labels;
    int priors; /* label i has a share in proportion to i + 1 */
};

/* One of each kind; name NULL ends the list. */
extern const struct micro micro_list[];

/* NULL where the list has no such name. */
const struct micro *micro_find(const char *name);

/* The file: '*len' bytes, a multiple of 64 and aligned to 64, for free(). */
uint8_t *micro_build(const struct micro *m, size_t *len);

/* The vocabulary; an id is the index. */
extern const char *const micro_tokens[];
enum {
    MICRO_PAD,
    MICRO_UNK,
    MICRO_CLS,
    MICRO_SEP,
    MICRO_MASK,
    MICRO_SHOE,
    MICRO_S, /* ##s */
    MICRO_RUN,
    MICRO_NING, /* ##ning */
    MICRO_RED,
    MICRO_A,
    MICRO_OPEN,  /* [ */
    MICRO_CLOSE, /* ] */
    MICRO_SEP_WORD, /* sep */
    MICRO_TOKEN_N
};

#endif /* RLV_TEST_MICRO_H */
