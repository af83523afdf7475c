/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_config.h - config.json of a Hugging Face folder: which network it is, and whether we can run it.
 */
#ifndef RLV_TOOLS_HF_CONFIG_H
#define RLV_TOOLS_HF_CONFIG_H

#include <stdint.h>

#include "failure.h"

enum hf_task {
    HF_TASK_ENCODER,  /* no head: hidden states */
    HF_TASK_SEQUENCE, /* labels a text or a pair of texts */
    HF_TASK_TOKENS,   /* labels each token */
    HF_TASK_BOTH      /* both, the text's label by one linear layer on [CLS] */
};

struct hf_config { /* zeroed at birth */
    unsigned arch; /* enum rlv_arch */
    enum hf_task task;
    char *architecture;           /* "DistilBertForSequenceClassification" ... */
    const char *const *ignorable; /* NULL-ended prefixes of tensors that the architecture has and we drop */
    uint32_t hidden_size, layer_n, head_n, intermediate_size, position_n, vocab_n;
    uint32_t type_n; /* 0: no token types */
    float layer_norm_epsilon;
    uint32_t label_n;       /* 0: config.json has no id2label */
    char **labels;          /* [label_n] */
    uint32_t token_label_n; /* of token_id2label, which only a model with both heads has */
    char **token_labels;    /* [token_label_n] */
};

/* hf_config_load() - read and check 'dir'/config.json.  Returns 0, or -1 and a message. */
int hf_config_load(struct hf_config *config, const char *dir, struct failure *failure);
void hf_config_free(struct hf_config *config);

#endif /* RLV_TOOLS_HF_CONFIG_H */
