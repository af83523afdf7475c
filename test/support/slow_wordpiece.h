/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow_wordpiece.h - the tokenizer again, slow and obvious: each rule of docs/tokenizer.md runs over
 * the whole text, one after the other.  It shares only the Unicode tables with lib/tokenizer.c.
 */
#ifndef RLV_TEST_SLOW_WORDPIECE_H
#define RLV_TEST_SLOW_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "../../tools/vocab_writer.h"

struct slow_token {
    const uint8_t *bytes;
    uint32_t len;
    uint32_t id;
};

struct slow_vocab {
    struct slow_token *sorted; /* by bytes; of equal ones only the last id */
    uint32_t token_n;
    uint32_t flags;                    /* of enum rlv_config_flags */
    struct slow_token controls[5];     /* [PAD] [UNK] [CLS] [SEP] [MASK] */
};

/* The tokens' bytes must stay.  Ends the program where a control token is missing. */
void slow_open(struct slow_vocab *v, const struct vocab_entry *tokens, uint32_t n, uint32_t flags);
void slow_close(struct slow_vocab *v);

/* All ids of the text, without [CLS] and [SEP]: '*ids' is for free(). */
size_t slow_wordpiece(const struct slow_vocab *v, const uint8_t *text, size_t len,
                      int parse_special, int32_t **ids);

#endif /* RLV_TEST_SLOW_WORDPIECE_H */
