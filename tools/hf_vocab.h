/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_vocab.h - the tokenizer of a Hugging Face folder: its vocabulary and its settings.
 */
#ifndef RLV_TOOLS_HF_VOCAB_H
#define RLV_TOOLS_HF_VOCAB_H

#include <stdint.h>

#include "failure.h"
#include "vocab_writer.h"

struct hf_vocab { /* zeroed at birth */
    struct vocab_entry *tokens; /* by id */
    uint32_t token_n;
    uint32_t flags;       /* of enum rlv_config_flags */
    uint32_t max_tokens;  /* model_max_length; UINT32_MAX: no limit of the tokenizer's own */
    uint32_t pad_id, unk_id, cls_id, sep_id, mask_id;
    const char *file;     /* where the tokens came from, for messages */
    char *text;           /* what the tokens point into: vocab.txt, or */
    void *json;           /* ... tokenizer.json */
};

/*
 * hf_vocab_load() - read vocab.txt, tokenizer.json, tokenizer_config.json, special_tokens_map.json and
 * added_tokens.json, as far as they exist, and check that they describe a BERT WordPiece tokenizer.
 *
 * Settings: tokenizer_config.json's, else tokenizer.json's, else the reference's defaults.
 * Returns 0, or -1 and a message.
 */
int hf_vocab_load(struct hf_vocab *vocab, const char *dir, struct failure *failure);
void hf_vocab_free(struct hf_vocab *vocab);

#endif /* RLV_TOOLS_HF_VOCAB_H */
