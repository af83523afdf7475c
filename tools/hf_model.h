/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_model.h - a Hugging Face checkpoint as a network: which tensor plays which part.
 *
 * Opening it finds every tensor by name and checks its dtype and shape, so that what follows (hours of
 * calibration, perhaps) does not end at a missing tensor.
 */
#ifndef RLV_TOOLS_HF_MODEL_H
#define RLV_TOOLS_HF_MODEL_H

#include <stdint.h>

#include "hf_config.h"
#include "hf_vocab.h"
#include "safetensors.h"

/* A linear layer, as one tensor or as several whose output channels follow one another (Q, K, V). */
struct hf_linear {
    const struct st_tensor *weight[3], *bias[3];
    unsigned piece_n; /* 0: the network has no such layer */
    uint32_t n, k;    /* output channels of all pieces, input channels */
};

struct hf_norm {
    const struct st_tensor *weight, *bias; /* [hidden] */
};

struct hf_layer {
    struct hf_linear qkv, attention_out, ffn1, ffn2;
    struct hf_norm attention_norm, ffn_norm;
};

struct hf_model { /* zeroed at birth */
    struct hf_config config;
    struct hf_vocab vocab;
    struct st_set set;
    uint32_t max_tokens;                             /* of the positions, as many as the tokenizer allows */
    uint32_t label_n, token_label_n;                 /* of the two heads, 0 without one */
    unsigned dropped_n;                              /* tensors with no use in this library */
    const struct st_tensor *word, *position, *type;  /* [vocab, hidden] ...; type NULL in DistilBERT */
    struct hf_norm embedding_norm;
    struct hf_layer *layers; /* [config.layer_n] */
    struct hf_linear pooler, classifier, token_classifier;
};

/* hf_model_open() - read the folder 'dir'.  Returns 0, or -1 and a message. */
int hf_model_open(struct hf_model *model, const char *dir, struct failure *failure);
void hf_model_close(struct hf_model *model);

/* hf_linear_read() - weight [n, k] and bias [n] of all pieces.  Returns 0, or -1 and a message. */
int hf_linear_read(const struct hf_linear *linear, float *weight, float *bias,
                   struct failure *failure);

#endif /* RLV_TOOLS_HF_MODEL_H */
