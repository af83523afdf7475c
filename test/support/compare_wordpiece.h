/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_wordpiece.h - what must hold for any text: for test_wordpiece.c and the fuzzer.
 */
#ifndef RLV_TEST_COMPARE_WORDPIECE_H
#define RLV_TEST_COMPARE_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "slow_wordpiece.h"
#include "tokenizer.h"

struct compare_wordpiece {
    struct vocab_entry *tokens[2];
    uint8_t *sections[2];
    char *text; /* of the larger vocabulary */
    struct rlv_vocab fast[2];
    struct slow_vocab slow[2];
};

/* A small vocabulary, and test/golden/vocab.txt where it is found. */
void compare_open(struct compare_wordpiece *c);
void compare_close(struct compare_wordpiece *c);

/*
 * 'mode'  bits 0-2: flags of enum rlv_config_flags; 3: control tokens are parsed; 4: the large
 *         vocabulary.
 * 'at'    a number that chooses where the text is split and how small the buffer is.
 * Returns NULL, or what is wrong (a static string): ids out of range, a count or prefix that depends
 * on the buffer, more tokens than the text can have, two halves that give other ids than the whole,
 * ids other than the slow tokenizer's.
 */
const char *compare_wordpiece(struct compare_wordpiece *c, const uint8_t *text, size_t len,
                              unsigned mode, size_t at);

#endif /* RLV_TEST_COMPARE_WORDPIECE_H */
